"""A person's request for a training run, and what came of it: a run, or the reason why there is none."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lambdas.shared.records import Decision, Run, RunStatus
from ops import going_live
from ops.errors import OpsError
from ops.executions import StepTeller
from ops.going_live import Ending, Landing
from ops.requests import ask_for_training
from ops.stage import Stage

_RECENT = 50
"""Runs and decisions that are looked at: everything since the request is among them."""
_PATIENCE_SECONDS = 1200.0
"""A request of which the ledger knows nothing by then is not on its way any more; the longest settle time is 900 s."""
_STANDS = 4
"""Looks at which an earlier deferral has to stand before it counts for a new request."""
_TOLD = 400
"""Characters of the request by which a merged reason is recognised: the handlers cut long ones short."""
_JUDGED = frozenset({RunStatus.PROMOTED, RunStatus.KEPT_CHAMPION})


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for.

    Attributes:
        meanwhile: The run that was under way: the request waits for its end.
        known: Runs and decisions on record before the request.
    """

    stage: Stage
    reason: str
    by: str
    requires_new_data: bool
    message_id: str
    meanwhile: str | None
    known: frozenset[str]

    @property
    def next(self) -> str:
        """What happens now."""
        if self.meanwhile is not None:
            return f"run {self.meanwhile} is under way: the request waits for its end"
        return "a run starts when the queue's settle time is over, or the ledger says why not: `python -m ops history`"

    def made(self, reason: str | None, trigger: str | None) -> bool:
        """Whether something on record came of this request: requests are merged, and it names all of them."""
        return f"{self.by}: {self.reason}"[:_TOLD] in (reason or "") or trigger == self.by


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a request.

    Attributes:
        request: The request.
        outcome: ``requested`` as long as nobody waited for more, the run's status, or what was decided instead.
        reason: Why, in words.
        run: The run that came of it, if one did.
        landing: What became of the version that the run promoted, if somebody waited for that.
    """

    request: Request
    outcome: str
    reason: str
    run: Run | None = None
    landing: Landing | None = None

    @property
    def is_judged(self) -> bool:
        """Whether a run came to a verdict of the gate."""
        return self.run is not None and self.run.status in _JUDGED

    @property
    def has_not_landed(self) -> bool:
        """Whether it is known that the promoted version does not serve."""
        return self.landing is not None and self.landing.ending is Ending.NOT_LIVE

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        request, run = self.request, self.run
        return {
            "project": request.stage.project,
            "environment": request.stage.environment,
            "reason": request.reason,
            "requested_by": request.by,
            "requires_new_data": request.requires_new_data,
            "message_id": request.message_id,
            "outcome": self.outcome,
            "explanation": self.reason,
            "run_id": run.run_id if run else None,
            "version": run.version if run else None,
            "metrics": run.metrics if run else {},
            "report_uri": run.report_uri if run else None,
            "deployment": self.landing.as_json() if self.landing else None,
        }


def ask(stage: Stage, *, reason: str, by: str, requires_new_data: bool) -> Request:
    """Ask for a training run."""
    known = frozenset(
        [each.run_id for each in stage.ledger.runs(limit=_RECENT)]
        + [_name(each) for each in stage.ledger.decisions(limit=_RECENT)]
    )
    meanwhile = stage.ledger.training().run_id
    message_id = ask_for_training(stage, reason=reason, by=by, requires_new_data=requires_new_data)
    return Request(
        stage=stage,
        reason=reason,
        by=by,
        requires_new_data=requires_new_data,
        message_id=message_id,
        meanwhile=meanwhile,
        known=known,
    )


def follow(request: Request, *, told: Callable[[str], None]) -> Answer:
    """Wait until the run that came of the request has ended, or until it is on record why there is none.

    Raises:
        OpsError: The ledger knows nothing of the request.
    """
    began, said, standing = time.monotonic(), "", 0
    try:
        while True:
            run = _run(request)
            if run is not None:
                return _end_of(request, run, told=told)
            answer = _decided(request)
            if answer is not None:
                return answer
            # A request joins those that wait before it is decided on: what was decided earlier may not hold for it.
            standing = standing + 1 if (answer := _deferred(request)) is not None else 0
            if answer is not None and standing >= _STANDS:
                return answer
            words = _progress(request, waited=time.monotonic() - began)
            if words != said:
                told(words)
            said = words
            time.sleep(request.stage.target.poll_seconds)
    except KeyboardInterrupt:
        told("the request goes on without this command; `python -m ops history` tells what came of it")
        raise


def until_live(answer: Answer, *, within_minutes: float, through_approval: bool, told: Callable[[str], None]) -> Answer:
    """Wait for what becomes of the version that the run promoted; an answer without one stays as it is.

    Args:
        answer: What came of the request.
        within_minutes: For the deployment; longer is an answer, too.
        through_approval: Wait for the person who has to approve the version.
        told: Takes the progress, a line at a time.
    """
    run, request = answer.run, answer.request
    if run is None or run.status is not RunStatus.PROMOTED:
        return answer
    told(answer.reason)
    try:
        landing = going_live.follow(
            request.stage, run, within_minutes=within_minutes, through_approval=through_approval, told=told
        )
    except KeyboardInterrupt:
        told("the deployment goes on without this command; `python -m ops status` tells what became of it")
        raise
    return replace(answer, landing=landing, reason=_landed(run, landing, request.stage))


def _landed(run: Run, landing: Landing, stage: Stage) -> str:
    why = run.gate_reason or "the gate gave no reason"
    match landing.ending:
        case Ending.LIVE:
            return f"version {run.version} is live: {why}"
        case Ending.WAITS_FOR_APPROVAL:
            return f"{landing.detail}; whether it can serve is not known before: {why}"
    live = stage.ledger.live()
    serves = f"version {live.version} is live" if live else "nothing is live"
    detail = f" ({landing.detail})" if landing.detail else ""
    return (
        f"version {run.version} was promoted and did not become live: {landing.outcome.replace('_', ' ')}{detail}; "
        f"{serves}"
    )


def _run(request: Request) -> Run | None:
    new = [each for each in request.stage.ledger.runs(limit=_RECENT) if each.run_id not in request.known]
    return next((each for each in reversed(new) if request.made(each.reason, each.trigger)), None)


def _end_of(request: Request, run: Run, *, told: Callable[[str], None]) -> Answer:
    told(f"run {run.run_id} has started")
    stage, teller = request.stage, None
    while run.status.is_open:
        if teller is None and run.execution_arn is not None:
            teller = StepTeller(stage.target.sagemaker, run.execution_arn, told=told)
        if teller is not None:
            teller.tell()
        time.sleep(stage.target.poll_seconds)
        run = stage.ledger.run(run.run_id) or run
    if teller is not None:
        teller.tell()
    return Answer(request=request, outcome=run.status.value, reason=_verdict(run), run=run)


def _verdict(run: Run) -> str:
    why = run.gate_reason or "the gate gave no reason"
    match run.status:
        case RunStatus.PROMOTED if run.parameters.get("ApprovalStatus", "Approved") == "Approved":
            return f"version {run.version} is promoted and its deployment starts by itself: {why}"
        case RunStatus.PROMOTED:
            return f"version {run.version} waits for approval (`python -m ops approve {run.version}`): {why}"
        case RunStatus.KEPT_CHAMPION:
            return f"the live version stays: {why}"
        case _:
            return run.failure or "no reason is on record"


def _decided(request: Request) -> Answer | None:
    """Return why there is no run, or not yet: what was decided about the request."""
    ledger = request.stage.ledger
    for decision in ledger.decisions(limit=_RECENT):
        if _name(decision) not in request.known and (
            decision.identity == request.message_id or request.made(decision.reason, decision.trigger)
        ):
            return Answer(request=request, outcome=decision.outcome, reason=decision.reason)
    return None


def _deferred(request: Request) -> Answer | None:
    """Return that the request waits for the same thing as others before it, which is on record once."""
    state = request.stage.ledger.training()
    if state.run_id is None and state.deferral is not None and _waits(request):
        return Answer(request=request, outcome="deferred", reason=state.deferral)
    return None


def _waits(request: Request) -> bool:
    state = request.stage.ledger.training()
    return state.dirty and request.made(state.dirty_reason, state.dirty_trigger)


def _progress(request: Request, *, waited: float) -> str:
    state = request.stage.ledger.training()
    if state.run_id is not None and (_waits(request) or state.run_id == request.meanwhile):
        return f"the request waits for the end of run {state.run_id}"
    if waited > _PATIENCE_SECONDS and not _waits(request):
        raise OpsError(
            f"after {waited:.0f} s the ledger knows nothing of the request: `python -m ops history` tells whether it "
            "was answered together with others; else it lies in the retrain queue or its dead-letter queue; the log "
            "of StartTraining says why"
        )
    return "waiting for an answer"


def _name(decision: Decision) -> str:
    return f"{decision.at.isoformat()} {decision.identity}"
