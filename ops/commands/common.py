"""What all commands share: their options, the stage they ask about, and how a failure looks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from ops.errors import ExitCode, OpsError
from ops.stage import Stage, only_project
from ops.target import Target

ProjectOption = Annotated[
    str | None, typer.Option(envvar="TANDEM_PROJECT", help="The project; not needed when only one is deployed.")
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option(envvar="TANDEM_ENVIRONMENT", help="The environment; `production`, or `sandbox` with --sandbox."),
]
SandboxOption = Annotated[bool, typer.Option("--sandbox", help="Ask the sandbox on this machine instead of AWS.")]
StateOption = Annotated[Path, typer.Option("--state", help="The directory of the sandbox's files.")]
ProfileOption = Annotated[str | None, typer.Option(help="AWS profile, as in ~/.aws/config.")]
RegionOption = Annotated[str | None, typer.Option(help="AWS region; the profile's by default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
VersionArgument = Annotated[int, typer.Argument(min=1, help="The version of the model, as `ops status` names it.")]


@contextmanager
def answering() -> Iterator[None]:
    """Turn a failure into one line on stderr and exit code 1."""
    try:
        yield
    except (OpsError, ClientError, BotoCoreError) as error:
        Console(stderr=True, soft_wrap=True).print("[red]error:[/red]", str(error), highlight=False, markup=True)
        raise typer.Exit(ExitCode.ERROR) from error


def open_stage(
    *,
    project: str | None,
    environment: str | None,
    sandbox: bool,
    state: Path,
    profile: str | None,
    region: str | None,
) -> Stage:
    """Return the stage that the options name.

    Raises:
        OpsError: They name none, or nothing that can be asked.
    """
    target = Target.sandbox(state) if sandbox else Target.aws(profile=profile, region=region)
    environment = environment or ("sandbox" if sandbox else "production")
    return Stage(target=target, project=project or only_project(target, environment), environment=environment)


def progress(text: str) -> None:
    """Tell what is going on, beside the answer: on stderr."""
    Console(stderr=True, soft_wrap=True).print(text, style="dim", highlight=False, markup=False)
