"""`python -m ops status`."""

import json
from datetime import UTC, datetime

import typer
from rich.console import Console
from rich.table import Table

from ops.commands.common import (
    JsonOption,
)
from ops.commands.text import escape
from ops.errors import ExitCode
from ops.stage import Stage
from ops.status import Status, Verdict, read_status

_NAMES = {"reason": "trained because", "snapshot_id": "data snapshot", "code_version": "git commit"}
_COLOURS = {
    Verdict.LIVE: "green",
    Verdict.UPDATING: "yellow",
    Verdict.MISMATCH: "red",
    Verdict.NOTHING_LIVE: "yellow",
}


def status(
    stage: Stage,
    *,
    as_json: JsonOption = False,
) -> None:
    """Which version is in production, since when, and is it what the endpoint serves?

    Exit codes: 0 live and verified, 1 could not ask, 2 wrong usage, 3 ledger and endpoint disagree, 4 nothing is live.
    """
    answer = read_status(stage, now=datetime.now(UTC))
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
    table.add_row(
        f"[bold]{escape(answer.project)} {escape(answer.environment)}", f"[{colour}]{escape(answer.explanation)}"
    )
    for name, value in _rows(answer):
        table.add_row(escape(name), escape(value))
    console = Console(soft_wrap=True)
    console.print(table, highlight=False)
    for note in answer.notes:
        console.print(f"[yellow]note[/yellow]   {escape(note)}", highlight=False)
    if answer.next_step:
        console.print(f"[bold]to do[/bold]  {escape(answer.next_step)}", highlight=False)


def _rows(answer: Status) -> list[tuple[str, str]]:
    rows = []
    if live := answer.live:
        because = f": {answer.because}" if answer.because else ""
        rows += [
            ("version", str(live.version)),
            ("since", f"{live.since:%Y-%m-%d %H:%M:%S} UTC, by {live.by}{because}"),
        ]
    rows += [(f"hold-out {metric}", f"{figure:.2f}") for metric, figure in answer.metrics.items()]
    rows += [(_NAMES.get(name, name.replace("_", " ")), value) for name, value in answer.provenance.items()]
    if live:
        before = f"version {answer.previous_version}" if answer.previous_version else "nothing that may serve"
        rows += [
            ("run", live.run_id or "not recorded"),
            ("endpoint config", live.endpoint_config),
            ("before it", f"{before}{', what `python -m ops rollback` returns to' if answer.previous_version else ''}"),
        ]
    if deploying := answer.deploying:
        how = f": {deploying.rollout}" if deploying.rollout else ""
        rows.append(("deploying", f"version {deploying.version} since {deploying.requested_at:%H:%M:%S} UTC{how}"))
    if answer.run_in_flight:
        rows.append(("in flight", f"training run {answer.run_in_flight}"))
    return rows
