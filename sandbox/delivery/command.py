"""`python -m sandbox deliver`: a delivery pipeline, run on this machine."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from sandbox.adapter.settings import ACCOUNT, REGION
from sandbox.clients import client
from sandbox.delivery import build, changes, source
from sandbox.delivery.execution import Execution, Ran
from sandbox.delivery.template import read
from sandbox.deploy import REPOSITORY, command_line_environment, node_program, synthesize
from sandbox.state import StateDirectory

_BOOTSTRAP_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
SIDES = ("application", "ml")
_UNAUDITED = "TANDEM_UNAUDITED"
"""Read by ``make audit``; a build takes nothing of that name over from the person's own environment."""


@dataclass(frozen=True)
class Delivery:
    """What to deliver.

    Attributes:
        project: which project.
        side: ``application`` or ``ml``.
        repository: whose commit is delivered.
        revision: which commit.
        until: the last stage to run; all by default.
        unaudited: let builds pass although no service says which vulnerabilities it knows; they say so, too.
    """

    project: str
    side: str
    repository: Path = REPOSITORY
    revision: str = "HEAD"
    until: str | None = None
    unaudited: bool = False

    @property
    def pipeline(self) -> str:
        """Name of the pipeline's stack."""
        return f"{self.project}-delivery-{self.side}"


def deliver(
    delivery: Delivery, *, directory: StateDirectory, approve: Callable[[str], bool], say: Callable[[str], None]
) -> list[Ran]:
    """Run a delivery pipeline as it is in this working tree on a clean checkout of a commit.

    Args:
        delivery: what to deliver.
        directory: of the running sandbox, which is delivered to.
        approve: asked at every manual approval.
        say: told what happens.

    Raises:
        SandboxError: no sandbox runs, the pipeline does not exist, or an action of it failed.
    """
    running = directory.running()
    commit = source.commit_of(delivery.repository, delivery.revision)
    if not source.is_clean(delivery.repository):
        say("what is not committed is not delivered")
    if delivery.unaudited:
        say(f"UNAUDITED: {_UNAUDITED} is set for every build, a lock that no service knows passes")
    home = directory.path / "delivery"
    home.mkdir(exist_ok=True)
    folder = Path(mkdtemp(prefix=f"{delivery.side}-", dir=home))
    try:
        assembly = folder / "cdk.out"
        say(f"{delivery.pipeline}, commit {commit[:12]}")
        options = ["-c", f"project={delivery.project}", "-c", f"delivery={delivery.side}"]
        synthesize(
            assembly,
            options=options,
            app=delivery.repository,
            endpoint_url=running.endpoint_url,
            state_dir=directory.path,
        )
        execution = Execution(
            pipeline=read(assembly, delivery.pipeline),
            place=build.Place(
                folder=folder,
                tools=build.install_tools(folder / "tools", node=node_program()),
                variables=_variables(running.endpoint_url, unaudited=delivery.unaudited),
                commit=commit,
            ),
            source=source.check_out(delivery.repository, commit, folder / "checkout"),
            kept=home / "last" / delivery.pipeline,
            stacks=changes.Stacks(
                cloudformation=client(running.endpoint_url, "cloudformation"),
                s3=client(running.endpoint_url, "s3"),
                bucket=_BOOTSTRAP_BUCKET,
            ),
            approve=approve,
            say=say,
        )
        return execution.run(until=delivery.until)
    finally:
        # A build leaves an environment of its own, about a gigabyte of links.
        shutil.rmtree(folder, ignore_errors=True)


def _variables(endpoint_url: str, *, unaudited: bool) -> dict[str, str]:
    return {**command_line_environment(endpoint_url), **({_UNAUDITED: "1"} if unaudited else {})}
