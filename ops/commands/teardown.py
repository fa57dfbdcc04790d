"""`python -m ops teardown`."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.commands import common
from ops.commands.common import (
    JsonOption,
    YesOption,
    progress,
)
from ops.commands.text import escape
from ops.errors import ExitCode, RetainedError, UsageError
from ops.stage import Stage
from ops.teardown import inventory, removal
from ops.teardown.plan import Plan, summarized
from ops.teardown.removal import Outcome
from ops.teardown.services import Services

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would go, and change nothing.")]
RetainedOption = Annotated[
    bool, typer.Option("--delete-retained", help="Delete also what is retained, such as production's data and ledger.")
]


def teardown(
    stage: Stage,
    *,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    delete_retained: RetainedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Empty a stage and delete what the loop has made in it, so that `cdk destroy` leaves nothing of it.

    Exit codes: 0 nothing is left but the stacks (also when it was so before), 1 something could not be removed, or you
    said no, 2 wrong usage, 11 refused, because the stage is retained.
    """
    services = Services(stage.target)
    plan = inventory.take(stage, services, told=progress)
    _show(stage, plan, on_stderr=as_json)
    if dry_run:
        if plan.retained:
            progress(f"{plan.stage} is retained: without --delete-retained nothing of it goes")
        if as_json:
            typer.echo(json.dumps({**plan.as_json(), "left": None, "destroy": _destroy(stage, plan)}, indent=2))
        return
    if plan.retained and not delete_retained:
        raise RetainedError(plan.refusal)
    if plan.things:
        _confirm(plan, yes=yes)
    outcome = removal.tear_down(stage, services, plan, told=progress)
    if as_json:
        typer.echo(json.dumps({**outcome.as_json(), "destroy": _destroy(stage, plan)}, indent=2))
    else:
        _print(stage, outcome)
    raise typer.Exit(ExitCode.OK if outcome.is_clean else ExitCode.ERROR)


def _confirm(plan: Plan, *, yes: bool) -> None:
    """Let the name be typed: nobody does that by accident, or in the wrong window.

    Raises:
        UsageError: There is nobody to ask.
    """
    if yes:
        return
    if not common.has_terminal():
        raise UsageError(f"{plan.stage} would be torn down. There is no terminal to ask on: pass --yes")
    typed = typer.prompt(f"This cannot be undone. Type {plan.stage} to tear it down", default="", err=True)
    if typed != plan.stage:
        progress("nothing was changed")
        raise typer.Exit(ExitCode.ERROR)


def _show(stage: Stage, plan: Plan, *, on_stderr: bool) -> None:
    console = Console(stderr=on_stderr, soft_wrap=True)
    account = stage.target.sts.get_caller_identity()["Account"]
    where = f"account {account}, {stage.target.endpoint_url or stage.target.session.region_name}"
    stacks = ", ".join(stack.name for stack in plan.stacks) or "no stack"
    console.print(f"[bold]{plan.stage}[/bold] in {where}: {stacks}", highlight=False)
    if not plan.things:
        return
    table = Table("what", "how many", "which", box=None, pad_edge=False)
    for what, number, which in summarized(plan.things):
        table.add_row(what, f"{number:,}", escape(which))
    console.print(table, highlight=False)


def _destroy(stage: Stage, plan: Plan) -> str | None:
    """Return the command that deletes exactly the stacks that are there; None when there is none."""
    if not plan.stacks:
        return None
    if stage.target.is_sandbox:
        return f"python -m sandbox destroy --project {stage.project} --environment {stage.environment}"
    return f'npx cdk destroy "{stage.name}/**" -c project={stage.project} -c environment={stage.environment}'


def _print(stage: Stage, outcome: Outcome) -> None:
    console = Console(soft_wrap=True)
    if not outcome.is_clean:
        left = [f"  {escape(thing.label)}: {escape(why)}" for thing, why in outcome.left]
        console.print(f"[red]{len(outcome.left):,} could not be removed:[/red]", *left, sep="\n", highlight=False)
        console.print("mend the cause and run it again: it goes on where it stopped", highlight=False)
        return
    destroy = _destroy(stage, outcome.plan)
    then = f"; its stacks go with\n  {destroy}" if destroy else ""
    console.print(f"[green]nothing is left of {outcome.plan.stage}[/green]{escape(then)}", highlight=False)
