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
from ops.errors import ExitCode, UsageError
from ops.retraining import Answer
from ops.stage import Stage

NewDataOption = Annotated[bool, typer.Option("--requires-new-data", help="Unchanged data is no reason to train.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait until the run has ended, or until it is refused.")]
UntilLiveOption = Annotated[
    bool, typer.Option("--until-live", help="With --wait: wait as well until a promoted version is live, or is not.")
]
LiveWithinOption = Annotated[
    float, typer.Option("--live-within", min=0, help="Minutes for the deployment; longer is a failure.")
]
ThroughApprovalOption = Annotated[
    bool,
    typer.Option("--through-approval", help="With --until-live: wait for the person who has to approve the version."),
]


def retrain(
    stage: Stage,
    *,
    reason: RequiredReasonOption,
    requires_new_data: NewDataOption = False,
    wait: WaitOption = False,
    until_live: UntilLiveOption = False,
    live_within: LiveWithinOption = 120,
    through_approval: ThroughApprovalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask for a training run; what is better than the live version goes live by the usual way.

    Exit codes: 0 asked for; with --wait: the gate has judged; with --until-live: what it promoted is live, or waits for
    a person, 1 could not, 2 wrong usage, 8 with --until-live: what it promoted did not become live,
    9 with --wait: there is no verdict, because the request was refused or has to wait, or the run failed.
    """
    _check_options(wait=wait, until_live=until_live, through_approval=through_approval)
    request = retraining.ask(stage, reason=reason, by=caller(stage.target), requires_new_data=requires_new_data)
    if wait:
        progress(f"asked for a training run: {request.next}")
        answer = retraining.follow(request, told=progress)
        if until_live:
            answer = retraining.until_live(
                answer, within_minutes=live_within, through_approval=through_approval, told=progress
            )
    else:
        answer = Answer(request=request, outcome="requested", reason=request.next)
    if as_json:
        typer.echo(json.dumps(answer.as_json(), indent=2))
    else:
        _print(answer)
    raise typer.Exit(_exit_code(answer, wait=wait))


def _check_options(*, wait: bool, until_live: bool, through_approval: bool) -> None:
    if until_live and not wait:
        raise UsageError("--until-live waits for what comes after the verdict of the gate: pass --wait, too")
    if through_approval and not until_live:
        raise UsageError("--through-approval waits for what comes after the approval: pass --until-live, too")


def _exit_code(answer: Answer, *, wait: bool) -> ExitCode:
    if answer.has_not_landed:
        return ExitCode.NOT_LIVE
    return ExitCode.OK if answer.is_judged or not wait else ExitCode.NOT_TRAINED


def _print(answer: Answer) -> None:
    is_good = answer.is_judged and not answer.has_not_landed
    colour = "green" if is_good else "default" if answer.outcome == "requested" else "red"
    outcome = answer.outcome.replace("_", " ")
    lines = [f"[{colour}]{escape(outcome)}[/]: {escape(answer.reason)}"]
    if run := answer.run:
        figures = ", ".join(f"{name} {value:.6g}" for name, value in run.metrics.items())
        facts = (("run", run.run_id), ("hold-out", figures), ("report", run.report_uri))
        lines += [f"  {name:<9}{escape(value)}" for name, value in facts if value]
    Console(soft_wrap=True).print("\n".join(lines), highlight=False)
