"""Looks at the run in flight, so that no lock outlives its limit, whatever became of the execution and of its events.

A job has a limit of its own, which SageMaker keeps. Beyond it a run can hang: a job that waits for a machine, an
execution that stands between two steps, one that never stops, an event that was lost for good, a lock whose execution
was never started. A schedule asks to look, each time with the time for which it was scheduled, and everything is judged
as of that time: a message that comes late or twice says nothing about a run that began meanwhile.

AWS page: "StopPipelineExecution" (Amazon SageMaker API Reference): an execution is ``Stopping`` until its running jobs
have stopped, and starts no further step.
"""

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lambdas.shared import clock, ledger
from lambdas.shared.closing import ENDED, RunCloser
from lambdas.shared.errors import NotYetError
from lambdas.shared.ledger import Ledger
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import Run
from lambdas.shared.telemetry import count, logger
from lambdas.shared.wake_up import RetrainQueue

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_EXECUTING = "Executing"
STARTING = timedelta(hours=1)
"""How long a lock may be without an execution: as long as StartTraining tries the message that took it."""
STOPPING = timedelta(minutes=30)
"""How long an execution may take to stop; a job has two minutes for that (page "StopTrainingJob"), then it uploads."""


class RunWatch:
    """Closes a run whose end was missed, stops one at its limit, and abandons one that does not stop.

    Without a run in flight it wakes up what waits for one.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        sagemaker: "SageMakerClient",
        closer: RunCloser,
        queue: RetrainQueue,
        notifier: Notifier,
    ) -> None:
        self._ledger = ledger
        self._sagemaker = sagemaker
        self._closer = closer
        self._queue = queue
        self._notifier = notifier

    def look(self, at: datetime) -> None:
        """Look at the run in flight, if there is one, as of a time; looking again changes nothing.

        Raises:
            NotYetError: the execution ended while it was being stopped; the next delivery closes its run.
            ConflictError: the run was closed while it was looked at.
        """
        state = self._ledger.training()
        run = self._ledger.run(state.run_id) if state.run_id else None
        if run is None:
            # The look that closed it may have ended before it woke up what waits.
            self._closer.wake_up_what_waits()
            return
        if state.execution_arn is None:
            self._start_again(run, at)
            return
        status = self._closer.status(state.execution_arn)
        if status is None or status in ENDED:
            logger.warning("the end of the run in flight was missed, closing it", run_id=run.run_id)
            count("MissedEnds")
            self._closer.close(state.execution_arn)
        elif run.ends_by is not None and at >= run.ends_by:
            self._end(run, at, execution_arn=state.execution_arn, status=status)

    def _start_again(self, run: Run, at: datetime) -> None:
        """Wake StartTraining up, which starts the run that holds the lock before anything else."""
        if at >= run.started_at + STARTING:
            self._queue.wake_up(reason=f"run {run.run_id} was never started", sender="close-training")

    def _end(self, run: Run, at: datetime, *, execution_arn: str, status: str) -> None:
        """Have a run stopped at its limit; give up waiting for that when it takes too long."""
        asked = run.stop_requested_at
        if asked is None or asked == at:
            self._stop_at_limit(run, at, execution_arn=execution_arn, status=status)
        elif status == _EXECUTING:
            self._stop(execution_arn, at)
        elif at >= asked + STOPPING:
            said = f"the execution is still {status}, though it was told to stop at {clock.iso(asked)}"
            count("RunsAbandoned")
            self._closer.abandon(run, execution_arn=execution_arn, failure=f"{said}: {run.stop_reason}")

    def _stop_at_limit(self, run: Run, at: datetime, *, execution_arn: str, status: str) -> None:
        limit = run.ends_by or at
        steps = ", ".join(self._closer.unfinished_steps(execution_arn)) or "no step was running"
        length = clock.seconds(round((limit - run.started_at).total_seconds()))
        reason = f"{status} at its limit, {clock.iso(limit)}, {length} after its start; {steps}"
        if run.stop_requested_at is None:
            # Recorded first: the event of the end may come before anything else, and says why then.
            run = run.model_copy(update={"stop_requested_at": at, "stop_reason": reason})
            self._ledger.commit(ledger.put_run(run))
        if status == _EXECUTING:
            self._stop(execution_arn, at)
        self._notifier.tell(
            "Training is stopped at its limit",
            text=f"The run did not come to its end by itself: {run.stop_reason}.",
            facts={"run": run.run_id, "reason": run.reason, "execution": execution_arn},
            action="find out what it waited for (docs/runbooks/run-watch.md); another message follows when it has "
            "stopped. The live model is untouched.",
        )
        count("RunsStopped")

    def _stop(self, execution_arn: str, at: datetime) -> None:
        token = hashlib.sha256(f"{execution_arn} {clock.iso(at)}".encode()).hexdigest()
        try:
            self._sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution_arn, ClientRequestToken=token)
        except self._sagemaker.exceptions.ConflictException as error:
            raise NotYetError(f"execution {execution_arn} changed while it was being stopped: {error}") from error
