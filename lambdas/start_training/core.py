"""Decides over all requests of one invocation at once, and acts.

Every write of the training state is conditional on the revision that the decision was based on; when somebody else was
faster, everything is read and decided again. That makes each of these steps safe to repeat, late or out of order:

1. a run whose lock is taken but whose execution is not recorded is started again with its own token;
2. with a run in flight, a request is covered by its snapshot, or it waits in the ledger (``dirty``);
3. otherwise the window is listed and :func:`lambdas.start_training.decision.decide` says what happens.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

from lambdas.shared import clients, clock, ledger
from lambdas.shared.closing import RunCloser
from lambdas.shared.errors import ConflictError
from lambdas.shared.ledger import Ledger, Write
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import Decision, Run, RunStatus, TrainedSnapshot, TrainingState
from lambdas.shared.snapshot import manifest_key, versions_in
from lambdas.shared.telemetry import count, logger
from lambdas.shared.wake_up import RetrainQueue
from lambdas.start_training.decision import (
    Defer,
    NothingNew,
    Refuse,
    Rules,
    Start,
    Wish,
    combine,
    decide,
    recent_starts,
)
from lambdas.start_training.environment import StartTrainingEnvironment
from lambdas.start_training.events import Request
from lambdas.start_training.runs import RunStarter
from lambdas.start_training.window import LAYOUT, Window, list_window, period_of

HANDLER = "start-training"
_ATTEMPTS = 5
_LONGEST_DELAY_SECONDS = 900  # page "Amazon SQS delay queues"


class TrainingStarter:
    """The one place that starts training runs."""

    def __init__(self, environment: StartTrainingEnvironment) -> None:
        self._environment = environment
        self._s3 = clients.s3()
        self._sagemaker = clients.sagemaker()
        self._ledger = Ledger(clients.dynamodb(), table=environment.ledger_table)
        self._queue = RetrainQueue(clients.sqs(), url=environment.retrain_queue_url)
        self._notifier = Notifier(clients.sns(), topic_arn=environment.notification_topic_arn, stage=environment.stage)
        self._runs = RunStarter(environment, ledger=self._ledger, s3=self._s3, sagemaker=self._sagemaker)
        self._closer = RunCloser(
            ledger=self._ledger,
            sagemaker=self._sagemaker,
            s3=self._s3,
            queue=self._queue,
            notifier=self._notifier,
            artifacts_bucket=environment.artifacts_bucket,
        )
        self._window = Window(
            bucket=environment.data_bucket,
            prefix=environment.data_prefix,
            periods=environment.window_periods,
            max_objects=environment.max_objects,
        )
        self._rules = Rules(cooldown=environment.cooldown, max_runs_per_day=environment.max_runs_per_day)

    def serve(self, requests: Sequence[Request]) -> None:
        """Serve the requests of one invocation with one decision.

        All their objects were stored before the messages were received, so one listing covers them all.

        Raises:
            ConflictError: the ledger kept changing; the messages are delivered again.
        """
        for _ in range(_ATTEMPTS):
            try:
                return self._attempt(self._unserved(requests))
            except ConflictError:
                logger.info("the ledger changed in between, deciding again")
        raise ConflictError(f"no decision after {_ATTEMPTS} attempts: the training state keeps changing")

    def _unserved(self, requests: Sequence[Request]) -> list[Request]:
        """Leave out what was served before, and second copies: SQS may put one message into a batch twice."""
        distinct = {each.id: each for each in requests}.values()
        return [each for each in distinct if not (each.must_be_remembered and self._ledger.is_handled(each.id))]

    def _attempt(self, requests: Sequence[Request]) -> None:
        state = self._ledger.training()
        if state.run_id is not None and state.execution_arn is None:
            state = self._start_execution(state)
        if state.run_id is not None:
            self._join_run_in_flight(state, requests)
            # Whoever could not join waits in the ledger by now; it is free again only if the run's end was missed.
            state, requests = self._ledger.training(), ()
        if state.run_id is None:
            self._serve_idle(state, requests)

    def _start_execution(self, state: TrainingState) -> TrainingState:
        """Start the execution of the run that holds the lock, and record its ARN."""
        run = self._ledger.run(state.run_id or "")
        if run is None:
            raise LookupError(f"the training lock names run {state.run_id!r}, which is not in the ledger")
        execution_arn = self._runs.start(run)
        self._notifier.tell(
            "Training started",
            text=f"A training run started because of: {run.reason}.",
            facts={"run": run.run_id, "trigger": run.trigger, "snapshot": run.snapshot_id, "execution": execution_arn},
            action="nothing; another message follows when it ends.",
        )
        started = state.model_copy(update={"execution_arn": execution_arn})
        running = run.model_copy(update={"status": RunStatus.RUNNING, "execution_arn": execution_arn})
        self._ledger.commit(ledger.put_training(started), ledger.put_run(running))
        count("RunsStarted")
        return self._ledger.training()

    def _join_run_in_flight(self, state: TrainingState, requests: Sequence[Request]) -> None:
        """Let uncovered requests wait for the run; close the run here when its end was missed."""
        waiting = [each for each in requests if not each.wake_up and not self._is_covered(each, state)]
        if not waiting and not any(each.wake_up for each in requests):
            return
        if waiting:
            wish = combine(state, waiting)
            if wish is not None:
                self._ledger.commit(ledger.put_training(_with_wish(state, wish)), *_remember(waiting, by="waiting"))
        execution_arn = state.execution_arn or ""
        if self._closer.has_ended(execution_arn):
            logger.warning("the end of the run in flight was missed, closing it", run_id=state.run_id)
            self._closer.close(execution_arn)

    def _is_covered(self, request: Request, state: TrainingState) -> bool:
        """Whether the run in flight reads exactly the object version that the request is about."""
        if request.object_version is None or state.last_snapshot_id is None:
            return False
        bucket = self._environment.artifacts_bucket
        return request.object_version in _snapshot_versions(bucket, state.last_snapshot_id)

    def _serve_idle(self, state: TrainingState, requests: Sequence[Request]) -> None:
        wish = combine(state, requests)
        if wish is None:
            return
        listing = list_window(self._s3, self._window)
        trained, failed = self._trained(listing.snapshot.id)
        newest = self._ledger.newest_deployment()
        decision = decide(
            state,
            wish,
            listing=listing,
            window=self._window,
            rules=self._rules,
            trained=trained,
            deploying=newest if newest and newest.is_open else None,
        )
        match decision:
            case Start():
                run = self._runs.plan(wish, listing.snapshot)
                writes = [] if trained else [ledger.put_trained(run, failed=failed)]
                self._start(state, run, requests, writes=writes)
            case NothingNew(reason):
                count("NothingNew")
                self._settle(state, requests, outcome="nothing_new", reason=reason + self._strays(requests))
            case Refuse(reason, action):
                self._refuse(state, wish, requests, Refuse(reason, action))
            case Defer() as deferral:
                self._defer(state, wish, requests, deferral)

    def _trained(self, snapshot_id: str) -> tuple[TrainedSnapshot | None, TrainedSnapshot | None]:
        """Return the run that dealt with a snapshot, or else the one that failed to: its data still waits."""
        earlier = self._ledger.trained(snapshot_id)
        run = self._ledger.run(earlier.run_id) if earlier else None
        if run is not None and run.status is RunStatus.FAILED:
            return None, earlier
        return earlier, None

    def _strays(self, requests: Sequence[Request]) -> str:
        """Name an object that was stored where no data is expected: its owner wonders why nothing happens."""
        prefix = self._window.prefix
        keys = [each.object_version[0] for each in requests if each.object_version]
        stray = next((key for key in keys if period_of(key, prefix=prefix) is None), None)
        return f"; {stray} is not counted as data, which lies at {prefix}{LAYOUT}" if stray else ""

    def _start(
        self,
        state: TrainingState,
        run: Run,
        requests: Sequence[Request],
        *,
        writes: Sequence[Write],
    ) -> None:
        locked = _without_wish(state).model_copy(
            update={
                "run_id": run.run_id,
                "started_at": run.started_at,
                "last_started_at": run.started_at,
                "last_snapshot_id": run.snapshot_id,
                "recent_starts": (*recent_starts(state), run.started_at),
                "refusal": None,
            }
        )
        self._ledger.commit(
            ledger.put_training(locked), ledger.put_new_run(run), *writes, *_remember(requests, by=run.run_id)
        )
        self._start_execution(self._ledger.training())

    def _settle(self, state: TrainingState, requests: Sequence[Request], *, outcome: str, reason: str) -> None:
        """Record why nothing is started; nobody waits any more."""
        writes = [ledger.put_decision(_decision(requests, outcome=outcome, reason=reason))]
        if state.dirty:
            writes.append(ledger.put_training(_without_wish(state)))
        self._ledger.commit(*writes, *_remember(requests, by=outcome))

    def _refuse(self, state: TrainingState, wish: Wish, requests: Sequence[Request], refusal: Refuse) -> None:
        if refusal.reason == state.refusal and wish.requires_new_data:
            return  # a burst of events about the same data is told once
        self._notifier.tell(
            "Training refused",
            text=f"No run was started: {refusal.reason}.",
            facts={"asked": wish.reason, "trigger": wish.trigger},
            action=refusal.action,
        )
        count("TrainingRefused")
        refused = _without_wish(state).model_copy(update={"refusal": refusal.reason})
        decision = _decision(requests, outcome="refused", reason=refusal.reason)
        self._ledger.commit(
            ledger.put_training(refused), ledger.put_decision(decision), *_remember(requests, by="refused")
        )

    def _defer(self, state: TrainingState, wish: Wish, requests: Sequence[Request], deferral: Defer) -> None:
        """Let the wish wait in the ledger and make sure that one message comes back to look at it."""
        now = clock.now()
        woken = any(each.wake_up for each in requests)
        wake_up_at = state.wake_up_at
        if woken or wake_up_at is None or wake_up_at <= now:
            seconds = min(_LONGEST_DELAY_SECONDS, max(1, math.ceil((deferral.until - now).total_seconds())))
            # Sent before it is recorded: a crash in between sends a second one, the other order could send none.
            self._queue.wake_up(reason=deferral.reason, sender=HANDLER, delay_seconds=seconds)
            wake_up_at = now + clock.seconds(seconds)
        waiting = _with_wish(state, wish).model_copy(update={"wake_up_at": wake_up_at})
        writes: list[Write] = [ledger.put_training(waiting)]
        if not state.dirty:
            writes.append(ledger.put_decision(_decision(requests, outcome="deferred", reason=deferral.reason)))
            if deferral.over_budget:
                self._notifier.tell(
                    "Retrain budget used up",
                    text=f"The next run has to wait: {deferral.reason}.",
                    facts={"asked": wish.reason, "trigger": wish.trigger},
                    action="nothing, if waiting is right; else raise [retraining] max_runs_per_day and deploy.",
                )
        count("Deferred")
        self._ledger.commit(*writes, *_remember(requests, by="deferred"))


def _with_wish(state: TrainingState, wish: Wish) -> TrainingState:
    return state.model_copy(
        update={
            "dirty": True,
            "dirty_reason": wish.reason,
            "dirty_trigger": wish.trigger,
            "dirty_requires_new_data": wish.requires_new_data,
        }
    )


def _without_wish(state: TrainingState) -> TrainingState:
    return state.model_copy(
        update={
            "dirty": False,
            "dirty_reason": None,
            "dirty_trigger": None,
            "dirty_requires_new_data": True,
            "wake_up_at": None,
        }
    )


def _remember(requests: Sequence[Request], *, by: str) -> list[Write]:
    return [ledger.put_handled(each.id, by=by) for each in requests if each.must_be_remembered]


def _decision(requests: Sequence[Request], *, outcome: str, reason: str) -> Decision:
    identity = min((each.id for each in requests), default="waiting")
    return Decision(at=clock.now(), identity=identity, handler=HANDLER, outcome=outcome, reason=reason)


@lru_cache(maxsize=2)
def _snapshot_versions(bucket: str, snapshot_id: str) -> frozenset[tuple[str, str]]:
    """Object versions of a stored snapshot; kept, because a manifest never changes."""
    body = clients.s3().get_object(Bucket=bucket, Key=manifest_key(snapshot_id))["Body"].read()
    return versions_in(body)
