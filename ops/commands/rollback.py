"""`python -m ops rollback`."""

import json
from typing import Annotated

import typer
from rich.console import Console

from ops import deployments
from ops import rollback as core
from ops.caller import caller
from ops.commands.common import (
    JsonOption,
    NoWaitOption,
    ReasonOption,
    YesOption,
    confirm,
    progress,
)
from ops.commands.text import escape
from ops.errors import ExitCode
from ops.rollback import Rollback
from ops.stage import Stage

ToOption = Annotated[
    int | None, typer.Option("--to", min=1, help="Any approved version; by default the one that was live before.")
]


def rollback(
    stage: Stage,
    *,
    to: ToOption = None,
    reason: ReasonOption = None,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let the version that was live before serve again, or any approved version by its number.

    Exit codes: 0 it is live (with --no-wait: asked for), 1 could not, or you said no, 2 wrong usage, 4 nothing is live,
    8 the deployment did not become live.
    """
    planned = core.plan(stage, to=to)
    confirm(planned.question, yes=yes)
    answer = core.carry_out(stage, planned, by=caller(stage.target), reason=reason, wait=not no_wait, told=progress)
    words = _words(answer)
    if as_json:
        typer.echo(json.dumps(answer.as_json(), indent=2))
    else:
        colour = "green" if answer.outcome is None or answer.outcome.is_live else "red"
        Console(soft_wrap=True).print(f"[{colour}]{escape(words)}", highlight=False)
    raise typer.Exit(ExitCode.OK if answer.outcome is None or answer.outcome.is_live else ExitCode.NOT_LIVE)


def _words(answer: Rollback) -> str:
    if answer.outcome is None:
        return f"version {answer.plan.version} was asked for; `python -m ops status` tells what becomes of it"
    return deployments.outcome_words(answer.stage, answer.outcome)
