"""Each promise of the handlers is broken on purpose: a schedule has to notice, and to say which invariant fell."""

import hashlib
import itertools
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import dead_letter_alarms
import pytest

from lambdas.close_training import handler as close_training
from lambdas.close_training.watch import RunWatch
from lambdas.confirm_deployment import handler as confirm_deployment
from lambdas.deploy_model import handler as deploy_model
from lambdas.deploy_model import target
from lambdas.shared import closing, confirmation, ledger
from lambdas.shared.closing import RunCloser
from lambdas.shared.confirmation import Confirmer, Outcome
from lambdas.shared.endpoints import IN_SERVICE
from lambdas.shared.errors import ConflictError
from lambdas.shared.ledger import Ledger, Write
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import DeploymentStatus
from lambdas.shared.registry_stages import RegistryStages
from lambdas.shared.wake_up import RetrainQueue
from lambdas.start_training import alarms, answers, core, runs
from lambdas.start_training import handler as start_training
from lambdas.start_training.core import TrainingStarter
from lambdas.start_training.runs import RunStarter
from tests.faults.support.schedules import play, settings_of
from tests.faults.support.world import Settings

SCHEDULES = 1000
UNHEARD = "nobody was told of dead letter"
Weaken = Callable[[pytest.MonkeyPatch], None]


def _unconditionally(builder: Callable[..., Write]) -> Callable[..., Write]:
    def put(*arguments: Any, **named: Any) -> Write:
        write = builder(*arguments, **named)
        return replace(write, condition="attribute_not_exists(pk) OR pk <> :nothing", values={":nothing": ""}, names={})

    return put


def _swallowing(method: Callable[..., Any]) -> Callable[..., Any]:
    def swallow(*arguments: Any, **named: Any) -> Any:
        with suppress(Exception):
            return method(*arguments, **named)
        return None

    return swallow


def no_lock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger, "put_training", _unconditionally(ledger.put_training))


def no_client_request_token(patch: pytest.MonkeyPatch) -> None:
    count = itertools.count()
    unlike = SimpleNamespace(sha256=lambda content: hashlib.sha256(content + str(next(count)).encode()))
    patch.setattr(runs, "hashlib", unlike)


def no_snapshot_before_the_run(patch: pytest.MonkeyPatch) -> None:
    plan = RunStarter.plan

    def forget(self: RunStarter, *arguments: Any) -> Any:
        patch.setattr(self, "_s3", SimpleNamespace(put_object=lambda **_: None), raising=False)
        return plan(self, *arguments)

    patch.setattr(RunStarter, "plan", forget)


def no_memory_of_snapshots(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger, "put_trained", _unconditionally(ledger.put_trained))
    patch.setattr(Ledger, "trained", lambda *_: None)


def no_memory_of_requests(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger, "put_handled", _unconditionally(ledger.put_handled))
    patch.setattr(Ledger, "is_handled", lambda *_: False)


def no_wish_waits(patch: pytest.MonkeyPatch) -> None:
    for module in (core, answers):
        patch.setattr(module, "remember", lambda state, _: state)


def no_wake_up_after_a_run(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RunCloser, "wake_up_what_waits", lambda _: None)


def the_last_alarm_event_counts(patch: pytest.MonkeyPatch) -> None:
    observe = alarms.observe

    def believe(known: alarms.Alarms, changes: Any) -> Any:
        changes = list(changes)
        told = {each.kind for each in changes}
        return observe({kind: each for kind, each in known.items() if kind not in told}, changes)

    patch.setattr(alarms, "observe", believe)


def no_comparison(patch: pytest.MonkeyPatch) -> None:
    judge = confirmation.judge

    def trust(deployment: Any, endpoint: Any) -> Outcome | None:
        if deployment.is_open and endpoint.status == IN_SERVICE:
            return Outcome(DeploymentStatus.LIVE)
        return judge(deployment, endpoint)

    patch.setattr(confirmation, "judge", trust)


def nobody_looks_at_the_run(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RunWatch, "look", lambda *_: None)


def a_look_is_ahead_of_its_time(patch: pytest.MonkeyPatch) -> None:
    look = RunWatch.look
    patch.setattr(RunWatch, "look", lambda self, at: look(self, at + timedelta(days=1)))


def no_name_of_the_limit_on_record(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(closing, "with_stop", lambda verdict, _: verdict)
    patch.setattr(RunWatch, "_stop_at_limit", lambda self, _, at, **named: self._stop(named["execution_arn"], at))


def no_names_by_content(patch: pytest.MonkeyPatch) -> None:
    count = itertools.count()
    patch.setattr(target, "_name", lambda base, **_: f"{base}-{next(count):08x}")


def no_condition_on_a_deployment(patch: pytest.MonkeyPatch) -> None:
    for name in ("put_deployment", "put_new_deployment", "put_pointer"):
        patch.setattr(ledger, name, _unconditionally(getattr(ledger, name)))


def a_conflict_counts_as_recorded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Confirmer, "_is_open", lambda *_: False)


def failed_messages_are_acknowledged(*handlers: Any) -> Weaken:
    def weaken(patch: pytest.MonkeyPatch) -> None:
        for handler in handlers:
            serve = handler.each_message

            def acknowledge(event: Any, context: Any, *, act: Any, serve: Any = serve) -> Any:
                serve(event, context, act=act)
                return {"batchItemFailures": []}

            patch.setattr(handler, "each_message", acknowledge)

    return weaken


def exceptions_are_swallowed(owner: Any, name: str) -> Weaken:
    return lambda patch: patch.setattr(owner, name, _swallowing(getattr(owner, name)))


def conflicts_are_swallowed(patch: pytest.MonkeyPatch) -> None:
    commit = Ledger.commit

    def once(self: Ledger, *writes: Write) -> None:
        with suppress(ConflictError):
            commit(self, *writes)

    patch.setattr(Ledger, "commit", once)


def alarms_are_without(**changes: Any) -> Weaken:
    """Every alarm on dead letters is changed so in the templates."""

    def weaken(patch: pytest.MonkeyPatch) -> None:
        document = dead_letter_alarms.recorded()
        for each in document.values():
            for alarm in each["alarms"].values():
                alarm.update(changes)
        patch.setattr(dead_letter_alarms, "recorded", lambda: document)

    return weaken


def no_alarm_on_dead_letters(patch: pytest.MonkeyPatch) -> None:
    document = {name: each | {"alarms": {}} for name, each in dead_letter_alarms.recorded().items()}
    patch.setattr(dead_letter_alarms, "recorded", lambda: document)


WEAKENINGS: dict[str, tuple[Weaken, str]] = {
    "no lock": (no_lock, "in flight at the same time|are not the runs|is still held|is running"),
    "no token": (no_client_request_token, "in flight at the same time|are not the runs"),
    "no snapshot": (no_snapshot_before_the_run, "a snapshot that is not stored"),
    "no memory of snapshots": (no_memory_of_snapshots, "runs were paid for snapshot"),
    "no memory of requests": (no_memory_of_requests, "was served 2 times"),
    "no wish waits": (no_wish_waits, "got no answer|was never trained on"),
    "no wake-up after a run": (no_wake_up_after_a_run, "still waits for training"),
    "alarms in the order of their events": (the_last_alarm_event_counts, "are not those of CloudWatch"),
    "no comparison": (no_comparison, "the ledger says"),
    "nobody looks at the run": (nobody_looks_at_the_run, "the lock is still held"),
    "a look ahead of its time": (a_look_is_ahead_of_its_time, "is stopped before its limit"),
    "stopped without a word": (no_name_of_the_limit_on_record, "was stopped, for None"),
    "no names by content": (no_names_by_content, "under different names"),
    "no condition on a deployment": (no_condition_on_a_deployment, "the ledger says|was dropped|is still unknown"),
    "a conflict counts as recorded": (a_conflict_counts_as_recorded, "is still unknown"),
    "conflicts swallowed": (conflicts_are_swallowed, "."),
    "acknowledged by StartTraining": (failed_messages_are_acknowledged(start_training), "no dead letter tells"),
    "acknowledged by CloseTraining": (failed_messages_are_acknowledged(close_training), "its execution"),
    "acknowledged by DeployModel": (failed_messages_are_acknowledged(deploy_model), "nothing came of it|still unknown"),
    "acknowledged by ConfirmDeployment": (failed_messages_are_acknowledged(confirm_deployment), "the ledger says"),
    "swallowed: serving": (exceptions_are_swallowed(TrainingStarter, "serve"), "trained on|no answer|its execution"),
    "swallowed: closing": (exceptions_are_swallowed(RunCloser, "close"), "its execution|still waits"),
    "swallowed: wake-up": (exceptions_are_swallowed(RetrainQueue, "wake_up"), "still waits for training"),
    "swallowed: settling": (exceptions_are_swallowed(Confirmer, "settle"), "the ledger says|still unknown"),
    "swallowed: registry": (exceptions_are_swallowed(RegistryStages, "agree"), "the registry says"),
    "no alarm on dead letters": (no_alarm_on_dead_letters, UNHEARD),
    "an alarm without an action": (alarms_are_without(AlarmActions=[]), UNHEARD),
    "an alarm whose actions are off": (alarms_are_without(ActionsEnabled=False), UNHEARD),
    "an alarm that is never reached": (alarms_are_without(Threshold=10), UNHEARD),
    "an alarm on another metric": (alarms_are_without(MetricName="ApproximateAgeOfOldestMessage"), UNHEARD),
    "swallowed: notification": (exceptions_are_swallowed(Notifier, "tell"), "nobody was told"),
}

NOTICED = {
    "alarms in the order of their events": (46,),
    "no condition on a deployment": (301,),
    "swallowed: wake-up": (131,),
}
"""Schedules that are tried first, because few others notice."""
STORMS = {
    "swallowed: notification": Settings(faults=0.08),
    "nobody looks at the run": Settings(ill_executions=1),
    "a look ahead of its time": Settings(ill_executions=0.3),
    "stopped without a word": Settings(ill_executions=1),
}
"""What needs more to go wrong than does in most schedules."""


@pytest.mark.parametrize("name", WEAKENINGS)
def test_a_promise_that_is_broken_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weaken, words = WEAKENINGS[name]
    weaken(monkeypatch)
    for seed in (*NOTICED.get(name, ()), *range(SCHEDULES)):
        # What only the watch can notice has its own settings: others find more where no execution hangs.
        settings = STORMS.get(name) or replace(settings_of(seed), ill_executions=0, undelivered=0)
        if any(re.search(words, problem) for problem in play(seed, settings=settings).problems):
            return
    pytest.fail(f"{SCHEDULES} schedules noticed nothing of it")
