"""`python -m ops history`."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.commands.common import (
    JsonOption,
)
from ops.commands.text import escape
from ops.history import Event, read_history
from ops.stage import Stage

_COLOURS = {
    "promoted": "green",
    "live": "green",
    "failed": "red",
    "rejected_data": "red",
    "rolled_back": "red",
    "refused": "red",
    "no_new_data": "yellow",
    "waits_for_a_reason": "dim",
    "deferred": "dim",
    "nothing_new": "dim",
}
_WORDS = {"no_new_data": "no new data", "waits_for_a_reason": "waits for a reason"}
"""Outcomes that people read as a phrase; machines get the name."""

LimitOption = Annotated[int, typer.Option(min=1, max=1000, help="How many lines.")]


def history(
    stage: Stage,
    *,
    limit: LimitOption = 20,
    as_json: JsonOption = False,
) -> None:
    """What happened, newest first: runs, deployments and requests that were not served, with reason and outcome.

    Exit codes: 0 answered, 1 could not ask, 2 wrong usage.
    """
    events = read_history(stage, limit=limit)
    if as_json:
        typer.echo(json.dumps([event.as_json() for event in events], indent=2))
    else:
        Console(soft_wrap=not events).print(_table(events) if events else "nothing has happened yet", highlight=False)


def _table(events: list[Event]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("when (UTC)", "what", "outcome", "asked by"):
        table.add_column(title, no_wrap=True)
    table.add_column("why", overflow="fold")
    for event in events:
        version = f" v{event.version}" if event.version else ""
        colour = _COLOURS.get(event.outcome, "default")
        table.add_row(
            f"{event.at:%Y-%m-%d %H:%M:%S}",
            escape(f"{event.kind}{version}"),
            f"[{colour}]{escape(_WORDS.get(event.outcome, event.outcome))}",
            escape(event.trigger or ""),
            escape(_why(event)) + (f"\n[dim]{escape(event.report_uri)}" if event.report_uri else ""),
        )
    return table


def _why(event: Event) -> str:
    figures = ", ".join(f"{name} {value:.6g}" for name, value in event.figures.items())
    return "; ".join(part for part in (event.reason, event.detail, figures) if part)
