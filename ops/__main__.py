"""`python -m ops`: answers about what is live, from an AWS account or from the sandbox."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.errors import ExitCode, OpsError
from ops.status import Status, Verdict, read_status
from ops.target import SANDBOX_DIRECTORY, Target

PROJECTS = Path(__file__).parents[1] / "pipelines" / "projects"
_COLOURS = {
    Verdict.LIVE: "green",
    Verdict.UPDATING: "yellow",
    Verdict.MISMATCH: "red",
    Verdict.NOTHING_LIVE: "yellow",
}

app = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)

ProjectOption = Annotated[
    str | None, typer.Option(envvar="TANDEM_PROJECT", help="The project; not needed when there is only one.")
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


@app.callback()
def ops() -> None:
    """Keep `status` a subcommand while it is the only one."""


@app.command()
def status(
    *,
    project: ProjectOption = None,
    environment: EnvironmentOption = None,
    sandbox: SandboxOption = False,
    state: StateOption = SANDBOX_DIRECTORY,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Which version is in production, since when, and is it what the endpoint serves?

    Exit codes: 0 live and verified, 1 could not ask, 2 wrong usage, 3 ledger and endpoint disagree, 4 nothing is live.
    """
    try:
        target = Target.sandbox(state) if sandbox else Target.aws(profile=profile, region=region)
        answer = read_status(
            target,
            project=project or _only_project(),
            environment=environment or ("sandbox" if sandbox else "production"),
            now=datetime.now(UTC),
        )
    except OpsError as error:
        Console(stderr=True, soft_wrap=True).print(f"[red]error:[/red] {error}", highlight=False)
        raise typer.Exit(ExitCode.ERROR) from error
    if as_json:
        typer.echo(json.dumps(answer.as_json(), indent=2))
    else:
        _print(answer)
    raise typer.Exit(_exit_code(answer.verdict))


def _only_project() -> str:
    names = sorted(path.parent.name for path in PROJECTS.glob("*/project.toml"))
    if len(names) != 1:
        raise OpsError(f"there are {len(names)} projects ({', '.join(names)}): name one with --project")
    return names[0]


def _exit_code(verdict: Verdict) -> ExitCode:
    match verdict:
        case Verdict.LIVE | Verdict.UPDATING:
            return ExitCode.OK
        case Verdict.MISMATCH:
            return ExitCode.MISMATCH
        case Verdict.NOTHING_LIVE:
            return ExitCode.NOTHING_LIVE


def _print(answer: Status) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    colour = _COLOURS[answer.verdict]
    table.add_row(f"[bold]{answer.project} {answer.environment}", f"[{colour}]{answer.explanation}")
    if answer.live:
        table.add_row("version", str(answer.live.version))
        table.add_row("since", f"{answer.live.since:%Y-%m-%d %H:%M:%S} UTC, by {answer.live.by}")
    for metric, figure in answer.metrics.items():
        table.add_row(f"hold-out {metric}", f"{figure:.2f}")
    for name, value in answer.provenance.items():
        table.add_row(name.replace("_", " "), value)
    if answer.live:
        table.add_row("run", answer.live.run_id or "not recorded")
        table.add_row("endpoint config", answer.live.endpoint_config)
    if answer.run_in_flight:
        table.add_row("in flight", f"training run {answer.run_in_flight}")
    Console(soft_wrap=True).print(table, highlight=False)


if __name__ == "__main__":
    app()
