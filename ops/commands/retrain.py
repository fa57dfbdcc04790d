"""`python -m ops retrain`."""

import json
from typing import Annotated

import typer
from rich.console import Console

from ops import retraining
from ops.caller import caller
from ops.commands.common import (
    JsonOption,
    RequiredReasonOption,
    progress,
)
from ops.commands.text import escape
from ops.errors import ExitCode
from ops.retraining import Answer
from ops.stage import Stage

NewDataOption = Annotated[bool, typer.Option("--requires-new-data", help="Unchanged data is no reason to train.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait until the run has ended, or until it is refused.")]


def retrain(
    stage: Stage,
    *,
    reason: RequiredReasonOption,
    requires_new_data: NewDataOption = False,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask for a training run; what is better than the live version goes live by the usual way.

    Exit codes: 0 asked for; with --wait: the gate has judged, 1 could not, 2 wrong usage,
    9 with --wait: there is no verdict, because the request was refused or has to wait, or the run failed.
    """
    request = retraining.ask(stage, reason=reason, by=caller(stage.target), requires_new_data=requires_new_data)
    if wait:
        progress(f"asked for a training run: {request.next}")
        answer = retraining.follow(request, told=progress)
    else:
        answer = Answer(request=request, outcome="requested", reason=request.next)
    if as_json:
        typer.echo(json.dumps(answer.as_json(), indent=2))
    else:
        _print(answer)
    raise typer.Exit(ExitCode.OK if answer.is_judged or not wait else ExitCode.NOT_TRAINED)


def _print(answer: Answer) -> None:
    colour = "green" if answer.is_judged else "default" if answer.outcome == "requested" else "red"
    outcome = answer.outcome.replace("_", " ")
    lines = [f"[{colour}]{escape(outcome)}[/]: {escape(answer.reason)}"]
    if run := answer.run:
        figures = ", ".join(f"{name} {value:.6g}" for name, value in run.metrics.items())
        facts = (("run", run.run_id), ("hold-out", figures), ("report", run.report_uri))
        lines += [f"  {name:<9}{escape(value)}" for name, value in facts if value]
    Console(soft_wrap=True).print("\n".join(lines), highlight=False)
