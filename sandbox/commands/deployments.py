"""`python -m sandbox deploy`, `destroy` and `deliver`."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from sandbox.commands.common import JsonOption, StateOption, err, explained, out, print_calls
from sandbox.delivery.command import SIDES, Delivery
from sandbox.delivery.command import deliver as delivered
from sandbox.deploy import ENVIRONMENT, Deployment
from sandbox.deploy import deploy as deployed_by_cdk
from sandbox.deploy import destroy as destroyed_by_cdk
from sandbox.errors import SandboxError
from sandbox.state import DEFAULT_DIRECTORY, StateDirectory


def deploy(
    *,
    project: Annotated[str | None, typer.Option(help="The project to deploy; all of them by default.")] = None,
    environment: Annotated[
        str, typer.Option(help="The environment to deploy, as the project.toml names it below `environments`.")
    ] = ENVIRONMENT,
    state: StateOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Bootstrap the running sandbox and deploy Tandem's stacks with the real CDK.

    Exit codes: 0 deployed, 1 the sandbox does not run or the CDK failed.
    """
    with explained():
        directory = StateDirectory(state)
        running = directory.running()
        deployment = deployed_by_cdk(
            running.endpoint_url,
            state_dir=directory.path,
            project=project,
            environment=environment,
            progress=lambda line: err.print(f"  {line}", markup=False),
        )
    if as_json:
        out.print_json(data={"outputs": deployment.outputs, "seconds": deployment.seconds})
    else:
        _print_deployment(deployment, endpoint_url=running.endpoint_url)


def _print_deployment(deployment: Deployment, *, endpoint_url: str) -> None:
    table = Table("stack", "output", "value", box=None, pad_edge=False)
    for stack, outputs in sorted(deployment.outputs.items()):
        for key, value in sorted(outputs.items()):
            if not key.startswith("ExportsOutput"):
                table.add_row(stack, key, value)
    out.print(table)
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in deployment.seconds.items())
    out.print(f"Deployed {len(deployment.outputs)} stacks: {parts}")
    print_calls(endpoint_url, deployment.outputs)


def destroy(
    *,
    project: Annotated[str, typer.Option(help="The project whose stacks go.")],
    environment: Annotated[str, typer.Option(help="The environment whose stacks go.")] = ENVIRONMENT,
    state: StateOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Delete the stacks of a project with the real CDK; `python -m ops teardown --sandbox` comes first.

    Exit codes: 0 deleted, 1 the sandbox does not run or the CDK failed, for instance over a bucket that is not empty.
    """
    with explained():
        directory = StateDirectory(state)
        destroyed_by_cdk(
            directory.running().endpoint_url,
            state_dir=directory.path,
            project=project,
            environment=environment,
            progress=lambda line: err.print(f"  {line}", markup=False),
        )
    if as_json:
        out.print_json(data={"destroyed": {"project": project, "environment": environment}}, indent=None)


def deliver(
    *,
    side: Annotated[str, typer.Argument(help="Which pipeline: application or ml.", metavar="application|ml")],
    project: Annotated[str, typer.Option(help="The project whose pipeline runs.")],
    revision: Annotated[str, typer.Option(help="The commit to deliver; what is not committed stays out.")] = "HEAD",
    until: Annotated[str | None, typer.Option(help="The last stage to run; all of them by default.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve without asking.")] = False,
    unaudited: Annotated[
        bool, typer.Option("--unaudited", help="Go on where no service says which vulnerabilities it knows (offline).")
    ] = False,
    state: StateOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Run a delivery pipeline on this machine: clean checkout, every build's commands, deployments to the sandbox.

    Exit codes: 0 delivered, 1 the sandbox does not run, an action failed, or it was not approved.
    """
    with explained():
        if side not in SIDES:
            raise SandboxError(f"There is no pipeline {side!r}; there are {' and '.join(SIDES)}.")
        ran = delivered(
            Delivery(project=project, side=side, revision=revision, until=until, unaudited=unaudited),
            directory=StateDirectory(state),
            approve=lambda what: yes or typer.confirm(f"Approve: {what}?", err=True),
            say=lambda line: err.print(line, markup=False),
        )
    if as_json:
        out.print_json(data=[asdict(one) for one in ran])
        return
    table = Table("stage", "action", "seconds", box=None, pad_edge=False)
    for one in ran:
        table.add_row(one.stage, one.action, f"{one.seconds:.1f}")
    out.print(table)
