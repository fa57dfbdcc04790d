"""Writes down what was decided when no run starts, and tells those who have to know.

People are told before it is recorded: a crash in between repeats the message, the other order could lose it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lambdas.shared import clock, ledger
from lambdas.shared.ledger import Ledger, Write
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import Alarm, Decision, TrainingState
from lambdas.shared.telemetry import count
from lambdas.shared.wake_up import RetrainQueue
from lambdas.start_training import alarms
from lambdas.start_training.decision import Defer, NoNewData, Refuse, Waits
from lambdas.start_training.events import Request
from lambdas.start_training.wishes import Wish, remember, settled

HANDLER = "start-training"
COUNTERS = {
    "nothing_new": "NothingNew",
    "no_new_data": "NoNewData",
    "waits_for_a_reason": "WaitsForAReason",
    "refused": "TrainingRefused",
    "deferred": "Deferred",
}
"""Outcome of a decision: its counter. What is looked at again with the same outcome is not counted again."""
_LONGEST_DELAY_SECONDS = 900  # page "Amazon SQS delay queues"


@dataclass(frozen=True)
class Case:
    """What is decided about.

    Attributes:
        seen: the training state as the ledger has it.
        state: the same after what the new messages say about alarms and wake-ups.
        wish: everything that asks.
        requests: the messages of this invocation, except those about alarms.
    """

    seen: TrainingState
    state: TrainingState
    wish: Wish
    requests: Sequence[Request]


class Answers:
    """The answers that start nothing."""

    def __init__(self, *, ledger: Ledger, queue: RetrainQueue, notifier: Notifier, cooldown: timedelta) -> None:
        self._ledger = ledger
        self._queue = queue
        self._notifier = notifier
        self._cooldown = cooldown

    def nothing_new(self, case: Case, *, reason: str) -> None:
        """Record why nothing is started; nobody waits any more."""
        self._commit(case, settled(case.state), _decision(case, outcome="nothing_new", reason=reason))

    def no_new_data(self, case: Case, answer: NoNewData) -> None:
        """Tell people that alarms ask for a run and there is nothing to train on; the alarms go on waiting for data."""
        untold = alarms.untold(case.state.alarms, cooldown=self._cooldown)
        if not untold:
            return self._commit(case, settled(case.state))
        self._tell_no_new_data(untold, reason=answer.reason)
        told = case.state.model_copy(update={"alarms": alarms.told(case.state.alarms, untold)})
        subject = untold[0].name
        return self._commit(
            case, settled(told), _decision(case, outcome="no_new_data", reason=answer.reason, subject=subject)
        )

    def waits(self, case: Case, answer: Waits) -> None:
        """Record, once per burst, that new data waits for a reason."""
        if case.state.waiting_period == answer.period:
            return self._commit(case, settled(case.state))
        waiting = settled(case.state).model_copy(update={"waiting_period": answer.period})
        return self._commit(case, waiting, _decision(case, outcome="waits_for_a_reason", reason=answer.reason))

    def refuse(self, case: Case, refusal: Refuse) -> None:
        """Tell people that the data cannot be used; a burst of events about the same data is told once."""
        if refusal.reason == case.state.refusal and case.wish.requires_new_data:
            return self._commit(case, settled(case.state))
        self._notifier.tell(
            "Training refused",
            text=f"No run was started: {refusal.reason}.",
            facts={"asked": case.wish.reason, "trigger": case.wish.trigger},
            action=refusal.action,
        )
        refused = settled(case.state).model_copy(update={"refusal": refusal.reason})
        return self._commit(case, refused, _decision(case, outcome="refused", reason=refusal.reason))

    def defer(self, case: Case, deferral: Defer) -> None:
        """Let the wish wait in the ledger and make sure that one message comes back to look at it."""
        now = clock.now()
        wake_up_at = case.state.wake_up_at
        if wake_up_at is None or wake_up_at <= now:
            seconds = min(_LONGEST_DELAY_SECONDS, max(1, math.ceil((deferral.until - now).total_seconds())))
            # Sent before it is recorded: a crash in between sends a second one, the other order could send none.
            wake_up_at = self._queue.wake_up(reason=deferral.reason, sender=HANDLER, delay_seconds=seconds)
        waiting = remember(case.state, case.wish.asked).model_copy(
            update={"wake_up_at": wake_up_at, "deferral": deferral.cause}
        )
        if deferral.cause == case.state.deferral:
            return self._commit(case, waiting)
        if deferral.over_budget:
            self._notifier.tell(
                "Retrain budget used up",
                text=f"The next run has to wait: {deferral.reason}.",
                facts={"asked": case.wish.reason, "trigger": case.wish.trigger},
                action="nothing, if waiting is right; else raise [retraining] max_runs_per_day and deploy.",
            )
        return self._commit(case, waiting, _decision(case, outcome="deferred", reason=deferral.reason))

    def _tell_no_new_data(self, asking: Sequence[Alarm], *, reason: str) -> None:
        kinds = " and ".join(alarm.kind for alarm in asking)
        facts = {alarm.name: f"on since {clock.iso(alarm.at)}: {alarm.reason}" for alarm in asking}
        self._notifier.tell(
            f"{kinds[:1].upper()}{kinds[1:]} alarm{'s' if len(asking) > 1 else ''}, but no new data",
            text=f"No run was started: {reason}. The next data that arrives while the alarm is on starts one.",
            facts=facts,
            action="deliver newer data, or look at what drifted (python -m ops drift); to train on the same data once "
            "more, ask for a run (docs/operating.md).",
        )

    def _commit(self, case: Case, state: TrainingState, decision: Decision | None = None) -> None:
        writes = [] if state == case.seen else [ledger.put_training(state)]
        if decision is not None:
            writes.append(ledger.put_decision(decision))
        writes += remembered(case.requests, by=decision.outcome if decision else "waiting")
        if writes:
            self._ledger.commit(*writes)
        if decision is not None:
            count(COUNTERS[decision.outcome])


def remembered(requests: Sequence[Request], *, by: str) -> list[Write]:
    """Return the writes that keep requests from being served twice."""
    return [ledger.put_handled(each.id, by=by) for each in requests if each.must_be_remembered]


def _decision(case: Case, *, outcome: str, reason: str, subject: str | None = None) -> Decision:
    trigger = case.wish.trigger
    identity = min((each.id for each in case.requests), default=f"{trigger}-{outcome}")
    return Decision(
        at=clock.now(),
        identity=identity,
        handler=HANDLER,
        outcome=outcome,
        reason=reason,
        subject=subject,
        trigger=trigger,
    )
