"""Decides over all messages of one invocation at once, and acts.

Every write of the training state is conditional on the revision that the decision was based on; when somebody else was
faster, everything is read and decided again. That makes each of these steps safe to repeat, late or out of order:

1. a run whose lock is taken but whose execution is not recorded is started again with its own token;
2. of each alarm, the newest event counts (:mod:`lambdas.start_training.alarms`);
3. with a run in flight, a request is covered by its snapshot, or it waits in the ledger (``dirty``), and so do alarms;
4. otherwise the window is listed and :func:`lambdas.start_training.decision.decide` says what happens.
"""

from collections.abc import Sequence
from functools import lru_cache

from lambdas.shared import clients, clock, ledger
from lambdas.shared.closing import RunCloser
from lambdas.shared.errors import ConflictError
from lambdas.shared.ledger import Ledger, Write
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import Run, RunStatus, TrainedSnapshot, TrainingState
from lambdas.shared.snapshot import SnapshotObject, manifest_key, versions_in
from lambdas.shared.telemetry import count, logger
from lambdas.shared.wake_up import RetrainQueue
from lambdas.start_training import alarms
from lambdas.start_training.answers import Answers, Case, remembered
from lambdas.start_training.decision import (
    Defer,
    Facts,
    NoNewData,
    NothingNew,
    Refuse,
    Rules,
    Start,
    Waits,
    decide,
    recent_starts,
)
from lambdas.start_training.environment import StartTrainingEnvironment
from lambdas.start_training.events import AlarmChange, Request
from lambdas.start_training.runs import RunStarter
from lambdas.start_training.window import LAYOUT, Listing, Window, list_window, period_of
from lambdas.start_training.wishes import Wish, combine, remember, settled

_ATTEMPTS = 5


class TrainingStarter:
    """The one place that starts training runs."""

    def __init__(self, environment: StartTrainingEnvironment) -> None:
        self._environment = environment
        self._s3 = clients.s3()
        self._sagemaker = clients.sagemaker()
        self._ledger = Ledger(clients.dynamodb(), table=environment.ledger_table)
        queue = RetrainQueue(clients.sqs(), url=environment.retrain_queue_url)
        self._notifier = Notifier(clients.sns(), topic_arn=environment.notification_topic_arn, stage=environment.stage)
        self._runs = RunStarter(environment, ledger=self._ledger, s3=self._s3, sagemaker=self._sagemaker)
        self._closer = RunCloser(
            ledger=self._ledger,
            sagemaker=self._sagemaker,
            s3=self._s3,
            queue=queue,
            notifier=self._notifier,
            artifacts_bucket=environment.artifacts_bucket,
        )
        self._answers = Answers(
            ledger=self._ledger, queue=queue, notifier=self._notifier, cooldown=environment.cooldown
        )
        self._window = Window(
            bucket=environment.data_bucket,
            prefix=environment.data_prefix,
            periods=environment.window_periods,
            max_objects=environment.max_objects,
        )
        self._rules = Rules(
            cooldown=environment.cooldown,
            max_runs_per_day=environment.max_runs_per_day,
            data_is_a_reason=environment.new_data == "always",
        )

    def serve(self, requests: Sequence[Request], changes: Sequence[AlarmChange] = ()) -> None:
        """Serve the messages of one invocation with one decision.

        All their objects were stored before the messages were received, so one listing covers them all.

        Raises:
            ConflictError: the ledger kept changing; the messages are delivered again.
        """
        for _ in range(_ATTEMPTS):
            try:
                return self._attempt(self._unserved(requests), changes)
            except ConflictError:
                logger.info("the ledger changed in between, deciding again")
        raise ConflictError(f"no decision after {_ATTEMPTS} attempts: the training state keeps changing")

    def _unserved(self, requests: Sequence[Request]) -> list[Request]:
        """Leave out what was served before, and second copies: SQS may put one message into a batch twice."""
        distinct = {each.id: each for each in requests}.values()
        return [each for each in distinct if not (each.must_be_remembered and self._ledger.is_handled(each.id))]

    def _attempt(self, requests: Sequence[Request], changes: Sequence[AlarmChange]) -> None:
        seen = self._ledger.training()
        if seen.run_id is not None and seen.execution_arn is None:
            seen = self._start_execution(seen)
        state = seen.model_copy(update={"alarms": alarms.observe(seen.alarms, changes)})
        if seen.run_id is not None:
            self._join_run_in_flight(seen, state, requests)
            # Whoever could not join waits in the ledger by now; it is free again only if the run's end was missed.
            seen = state = self._ledger.training()
            requests = ()
        if seen.run_id is None:
            self._serve_idle(seen, state, requests)

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
        ends_by = clock.now() + self._environment.run_limit
        running = run.model_copy(
            update={"status": RunStatus.RUNNING, "execution_arn": execution_arn, "ends_by": ends_by}
        )
        self._ledger.commit(ledger.put_training(started), ledger.put_run(running))
        count("RunsStarted")
        return self._ledger.training()

    def _join_run_in_flight(self, seen: TrainingState, state: TrainingState, requests: Sequence[Request]) -> None:
        """Let alarms and uncovered requests wait for the run; close the run here when its end was missed."""
        waiting = [each for each in requests if not each.wake_up and not self._is_covered(each, seen)]
        wish = combine(state, waiting) if waiting else None
        joined = remember(state, wish.asked) if wish else state
        if waiting or joined != seen:
            self._ledger.commit(ledger.put_training(joined), *remembered(waiting, by="waiting"))
        if joined.alarms == seen.alarms and not waiting and not any(each.wake_up for each in requests):
            return
        execution_arn = state.execution_arn or ""
        if self._closer.has_ended(execution_arn):
            logger.warning("the end of the run in flight was missed, closing it", run_id=state.run_id)
            self._closer.close(execution_arn)

    def _is_covered(self, request: Request, state: TrainingState) -> bool:
        """Whether the run in flight reads exactly the object version that the request is about."""
        if request.object_version is None or state.last_snapshot_id is None:
            return False
        return request.object_version in _snapshot_versions(self._environment.artifacts_bucket, state.last_snapshot_id)

    def _serve_idle(self, seen: TrainingState, state: TrainingState, requests: Sequence[Request]) -> None:
        # Only the message that the ledger waits for: each copy of it would send another one, and they would multiply.
        if any(each.due is not None and each.due == state.wake_up_at for each in requests):
            state = state.model_copy(update={"wake_up_at": None})
        wish = combine(state, requests)
        if wish is None:
            if state != seen:
                self._ledger.commit(ledger.put_training(state))
            return
        listing = list_window(self._s3, self._window)
        trained, failed = self._trained(listing.snapshot.id)
        facts = self._facts(state, wish, listing=listing, trained=trained)
        case = Case(seen=seen, state=state, wish=wish, requests=requests)
        match decide(state, wish, facts, self._rules):
            case Start():
                run = self._runs.plan(wish.with_data(facts.fresh or listing.snapshot.newest), listing.snapshot)
                writes = [] if trained else [ledger.put_trained(run, failed=failed)]
                self._start(state, run, requests, writes=writes)
            case NothingNew(reason):
                self._answers.nothing_new(case, reason=reason + self._strays(requests))
            case NoNewData() as answer:
                self._answers.no_new_data(case, answer)
            case Waits() as answer:
                self._answers.waits(case, answer)
            case Refuse() as refusal:
                self._answers.refuse(case, refusal)
            case Defer() as deferral:
                self._answers.defer(case, deferral)

    def _facts(self, state: TrainingState, wish: Wish, *, listing: Listing, trained: TrainedSnapshot | None) -> Facts:
        newest = self._ledger.newest_deployment()
        return Facts(
            listing=listing,
            window=self._window,
            trained=trained,
            fresh=self._fresh(state, listing) if wish.asked is None and trained is None else None,
            deploying=newest if newest and newest.is_open else None,
            live=None if self._rules.data_is_a_reason else self._ledger.live(),
        )

    def _trained(self, snapshot_id: str) -> tuple[TrainedSnapshot | None, TrainedSnapshot | None]:
        """Return the run that dealt with a snapshot, or else the one that failed to: its data still waits."""
        earlier = self._ledger.trained(snapshot_id)
        run = self._ledger.run(earlier.run_id) if earlier else None
        if run is not None and run.status is RunStatus.FAILED:
            return None, earlier
        return earlier, None

    def _fresh(self, state: TrainingState, listing: Listing) -> tuple[SnapshotObject, ...] | None:
        """Return the objects that the last judged run did not read; ``None`` when nobody knows which it read."""
        if state.trained_snapshot_id is None:
            return None
        try:
            known = _snapshot_versions(self._environment.artifacts_bucket, state.trained_snapshot_id)
        except self._s3.exceptions.NoSuchKey:
            logger.warning("the manifest of the last judged run is gone", snapshot_id=state.trained_snapshot_id)
            return None
        return tuple(each for each in listing.snapshot.objects if (each.key, each.version_id) not in known)

    def _strays(self, requests: Sequence[Request]) -> str:
        """Name an object that was stored where no data is expected: its owner wonders why nothing happens."""
        prefix = self._window.prefix
        keys = [each.object_version[0] for each in requests if each.object_version]
        stray = next((key for key in keys if period_of(key, prefix=prefix) is None), None)
        return f"; {stray} is not counted as data, which lies at {prefix}{LAYOUT}" if stray else ""

    def _start(self, state: TrainingState, run: Run, requests: Sequence[Request], *, writes: Sequence[Write]) -> None:
        locked = settled(state).model_copy(
            update={
                "run_id": run.run_id,
                "started_at": run.started_at,
                "last_started_at": run.started_at,
                "last_snapshot_id": run.snapshot_id,
                "recent_starts": (*recent_starts(state), run.started_at),
                "refusal": None,
                "deferral": None,
                "waiting_period": None,
            }
        )
        self._ledger.commit(
            ledger.put_training(locked), ledger.put_new_run(run), *writes, *remembered(requests, by=run.run_id)
        )
        self._start_execution(self._ledger.training())


@lru_cache(maxsize=2)
def _snapshot_versions(bucket: str, snapshot_id: str) -> frozenset[tuple[str, str]]:
    """Object versions of a stored snapshot; kept, because a manifest never changes."""
    body = clients.s3().get_object(Bucket=bucket, Key=manifest_key(snapshot_id))["Body"].read()
    return versions_in(body)
