"""`python -m ops redrive`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from ops import dead_letters
from ops import redrive as core
from ops.commands.common import JsonOption, YesOption, confirm, progress
from ops.commands.text import escape
from ops.dead_letters import DeadLetters
from ops.errors import ExitCode
from ops.redrive import Outcome
from ops.stage import Stage

QueueOption = Annotated[
    str | None, typer.Option("--queue", help="Only queues whose name, or whose source's name, contains this.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what lies there, and move nothing.")]


def redrive(
    stage: Stage,
    *,
    queue: QueueOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what the handlers could not handle, and move it back to their queues once the cause is mended.

    Exit codes: 0 nothing is left in the dead-letter queues (with --dry-run: answered), 1 could not, or you said no,
    2 wrong usage, 13 something is left there; the answer says what and why.
    """
    found = [each for each in core.select(dead_letters.find(stage), queue=queue) if each.count]
    _show(found, on_stderr=as_json)
    outcomes: list[Outcome] = []
    movable = [each for each in found if each.source]
    if found and not dry_run:
        if movable:
            confirm(_question(movable), yes=yes)
        outcomes = core.redrive(stage, found, told=progress)
    if as_json:
        typer.echo(json.dumps(_as_json(stage, found, outcomes), indent=2))
    else:
        _print(outcomes)
    raise typer.Exit(ExitCode.NOT_REDRIVEN if any(each.left for each in outcomes) else ExitCode.OK)


def _question(movable: Sequence[DeadLetters]) -> str:
    messages, queues = sum(each.count for each in movable), len(movable)
    return (
        f"Move {messages} message{'s' * (messages != 1)} of {queues} dead-letter queue{'s' * (queues != 1)} back? "
        "What caused them has to be mended, or they come here again."
    )


def _show(found: Sequence[DeadLetters], *, on_stderr: bool) -> None:
    console = Console(stderr=on_stderr, soft_wrap=True)
    if not found:
        console.print("[green]no message lies in a dead-letter queue[/green]", highlight=False)
    for each in found:
        age = f", the oldest for {_age(each.oldest_at)}" if each.oldest_at else ""
        console.print(f"[bold]{escape(each.queue.name)}[/bold]: {each.count:,}{age}", highlight=False)
        source = escape(each.source.name) if each.source else "none: EventBridge could not call its target"
        console.print(f"  source  {source}", highlight=False)
        if each.reason:
            console.print(f"  oldest  {escape(each.reason)}", highlight=False)


def _print(outcomes: Sequence[Outcome]) -> None:
    console = Console(soft_wrap=True)
    for each in outcomes:
        colour = "red" if each.left else "green"
        console.print(f"[{colour}]{each.moved:,} moved[/] from {escape(each.letters.queue.name)}", highlight=False)
        if each.left:
            console.print(f"  left    {escape(each.left)}", highlight=False)


def _age(since: datetime) -> str:
    """Say an age in the two largest units that it has."""
    seconds = max(0, int((datetime.now(UTC) - since) / timedelta(seconds=1)))
    for unit, length, smaller, part in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= length:
            return f"{seconds // length} {unit} {seconds % length // part} {smaller}"
    return f"{seconds} s"


def _as_json(stage: Stage, found: Sequence[DeadLetters], outcomes: Sequence[Outcome]) -> dict[str, object]:
    now, done = datetime.now(UTC), {each.letters.queue.arn: each.as_json() for each in outcomes}
    queues = [{**each.as_json(now=now), "outcome": done.get(each.queue.arn)} for each in found]
    return {"project": stage.project, "environment": stage.environment, "queues": queues}
