"""The embedded AWS as the demo sees it: from outside, as an operator would."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sandbox.clients import client

PROJECTS = Path("pipelines/projects")


class DemoError(Exception):
    """The loop did not come round; the text says where it stopped and where to look."""


@dataclass(frozen=True)
class Cloud:
    """One project in one environment of the embedded AWS.

    Attributes:
        endpoint_url: where it answers.
        project: the project's name.
        environment: the environment's name.
        logs: where the sandbox keeps its logs; named in errors.
    """

    endpoint_url: str
    project: str
    environment: str
    logs: Path
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str) -> Any:
        """Return an AWS client, made on first use."""
        if service not in self._clients:
            self._clients[service] = client(self.endpoint_url, service)
        return self._clients[service]

    @property
    def stage(self) -> str:
        """Prefix of everything that is deployed."""
        return f"{self.project}-{self.environment}"

    def outputs(self, stack: str) -> dict[str, str]:
        """Return the outputs of a stack."""
        described = self.client("cloudformation").describe_stacks(StackName=f"{self.stage}-{stack}")["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    @cached_property
    def endpoint(self) -> str:
        """Name of the endpoint."""
        return self.outputs("Serving")["EndpointName"]

    @cached_property
    def data_bucket(self) -> str:
        """Name of the data bucket."""
        return self.outputs("Storage")["DataBucketName"]

    @cached_property
    def artifacts_bucket(self) -> str:
        """Name of the artifacts bucket."""
        return self.outputs("Storage")["ArtifactsBucketName"]

    @cached_property
    def contract(self) -> dict[str, Any]:
        """The project's contract."""
        document: dict[str, Any] = json.loads((PROJECTS / self.project / "contract.json").read_text("utf-8"))
        return document

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The project's settings, as they are written."""
        return tomllib.loads((PROJECTS / self.project / "project.toml").read_text("utf-8"))

    def feed(self, months: Sequence[int], *, to: Path) -> list[Path]:
        """Let the project write the drops of some months; returns the files, sorted."""
        module = f"pipelines.projects.{self.project}.feed"
        run(["-m", module, "--months", ",".join(map(str, months)), "--to", str(to)])
        return sorted(to.rglob("*.parquet"))

    def ops(self, command: str, *options: str) -> Any:
        """Return what ``python -m ops COMMAND --json`` answers.

        Raises:
            DemoError: it gave no answer.
        """
        done = self.ask_ops(command, "--json", *options)
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            raise DemoError(f"`python -m ops {command}` gave no answer: {done.stderr.strip()}") from error

    def ask_ops(self, command: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run ``python -m ops COMMAND`` for this project and environment, whatever its exit code."""
        arguments = ["-m", "ops", command, "--sandbox", "--state", str(self.logs.parent)]
        arguments += ["--project", self.project, "--environment", self.environment, *options]
        return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def run(arguments: Sequence[str], **options: Any) -> None:
    """Run Python with arguments.

    Raises:
        DemoError: it failed; the text holds what it said.
    """
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise DemoError(f"`python {' '.join(arguments)}` failed: {done.stderr.strip()}")
