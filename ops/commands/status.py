"""`python -m ops status`."""

import json
from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.table import Table

from ops.commands.common import (
    EnvironmentOption,
    JsonOption,
    ProfileOption,
    ProjectOption,
    RegionOption,
    SandboxOption,
    StateOption,
    answering,
    open_stage,
)
from ops.errors import ExitCode
from ops.status import Status, Verdict, read_status
from ops.target import SANDBOX_DIRECTORY

_COLOURS = {
    Verdict.LIVE: "green",
    Verdict.UPDATING: "yellow",
    Verdict.MISMATCH: "red",
    Verdict.NOTHING_LIVE: "yellow",
}


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
    with answering():
        stage = open_stage(
            project=project, environment=environment, sandbox=sandbox, state=state, profile=profile, region=region
        )
        answer = read_status(stage.target, project=stage.project, environment=stage.environment, now=datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps(answer.as_json(), indent=2))
    else:
        _print(answer)
    raise typer.Exit(_exit_code(answer.verdict))


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
