"""Closes a training run whose pipeline execution has ended. Used by CloseTraining, and by StartTraining to heal a lock.

Nothing is taken from the event but the execution's ARN: status, steps and reports are read from SageMaker and S3.
AWS pages: "DescribePipelineExecution", "PipelineExecutionStep" (Amazon SageMaker API Reference).
"""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from lambdas.shared import clock, ledger, outcomes
from lambdas.shared.errors import ConflictError, NotYetError
from lambdas.shared.evaluation import CHAMPION_UNREADABLE, Evaluation, evaluation_key, read_evaluation
from lambdas.shared.ledger import Ledger
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import Run, RunStatus, TrainingState
from lambdas.shared.telemetry import count, logger
from lambdas.shared.wake_up import RetrainQueue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import PipelineExecutionStepTypeDef

ENDED = frozenset({"Succeeded", "Failed", "Stopped"})
_UNFINISHED = frozenset({"Starting", "Executing", "Stopping"})
_STOPPED = "the execution was stopped"
_UNDONE = ("Failed", "Stopped")
"""Of the steps, the one that says why an execution failed; SageMaker calls a job that its time limit ended stopped."""
_REJECT_DATA = "RejectData"
"""The Fail step that ends a run whose data Validate refused; a Validate that fails has crashed."""
_SUCCEEDED = frozenset({RunStatus.PROMOTED, RunStatus.KEPT_CHAMPION})
_ATTEMPTS = 5
_JUDGED = ("evaluate/evaluation.html", "evaluate/evaluation.json")
_REPORTS = {
    RunStatus.PROMOTED: _JUDGED,
    RunStatus.KEPT_CHAMPION: _JUDGED,
    RunStatus.REJECTED_DATA: ("validate/validation.json",),
}
_REPORTS_OF_A_FAILURE = (*_JUDGED, "validate/validation.json")


@dataclass(frozen=True)
class Verdict:
    """How a run ended, as far as SageMaker tells."""

    status: RunStatus
    package_arn: str | None = None
    failure: str | None = None
    abandoned: bool = False


def judge(
    execution_status: str, *, steps: "Sequence[PipelineExecutionStepTypeDef]", failure_reason: str | None
) -> Verdict:
    """Tell from an ended execution and its steps what became of the run (pure)."""
    if execution_status == "Succeeded":
        return _judge_success(steps)
    if execution_status == "Stopped":
        return Verdict(RunStatus.FAILED, failure=_STOPPED)
    failed = next((step for status in _UNDONE for step in steps if step.get("StepStatus") == status), None)
    if failed is None:
        return Verdict(RunStatus.FAILED, failure=failure_reason or "SageMaker gave no reason")
    said = failed.get("Metadata", {}).get("Fail", {}).get("ErrorMessage")
    reason = said or failed.get("FailureReason") or failure_reason or "SageMaker gave no reason"
    if failed.get("StepName") == _REJECT_DATA:
        return Verdict(RunStatus.REJECTED_DATA, failure=reason)
    return Verdict(RunStatus.FAILED, failure=f"step {failed.get('StepName')}: {reason}")


def _judge_success(steps: "Sequence[PipelineExecutionStepTypeDef]") -> Verdict:
    for step in steps:
        package_arn = step.get("Metadata", {}).get("RegisterModel", {}).get("Arn")
        if package_arn:
            return Verdict(RunStatus.PROMOTED, package_arn=package_arn)
    if any(step.get("Metadata", {}).get("Condition", {}).get("Outcome") == "False" for step in steps):
        return Verdict(RunStatus.KEPT_CHAMPION)
    return Verdict(
        RunStatus.FAILED, failure="the execution succeeded, but it registered no model and its gate refused none"
    )


class RunCloser:
    """Writes the end of a run into the ledger, frees the lock and tells people."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        sagemaker: "SageMakerClient",
        s3: "S3Client",
        queue: RetrainQueue,
        notifier: Notifier,
        artifacts_bucket: str,
    ) -> None:
        self._ledger = ledger
        self._sagemaker = sagemaker
        self._s3 = s3
        self._queue = queue
        self._notifier = notifier
        self._artifacts_bucket = artifacts_bucket

    def has_ended(self, execution_arn: str) -> bool:
        """Whether nothing runs any more under this execution."""
        status = self.status(execution_arn)
        return status is None or status in ENDED

    def status(self, execution_arn: str) -> str | None:
        """How SageMaker says that an execution is; ``None`` when it was deleted together with its pipeline."""
        try:
            execution = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution_arn)
        except self._sagemaker.exceptions.ResourceNotFound:
            return None
        return execution["PipelineExecutionStatus"]

    def unfinished_steps(self, execution_arn: str) -> list[str]:
        """The steps that have begun and not ended, with their status."""
        return [
            f"{step.get('StepName')} {step.get('StepStatus')}"
            for step in self._steps(execution_arn)
            if step.get("StepStatus") in _UNFINISHED
        ]

    def close(self, execution_arn: str) -> None:
        """Close the run of an execution; a second call changes nothing.

        Raises:
            NotYetError: SageMaker still shows the execution as running.
        """
        run_id, verdict = self._outcome(execution_arn)
        run = self._ledger.run(run_id) if run_id else None
        if run is None:
            logger.warning("execution without a run in the ledger: started by hand", execution_arn=execution_arn)
            count("UnknownExecutions")
            return
        if run.status.is_open:
            self._finish(run, verdict, execution_arn=execution_arn)
        self.wake_up_what_waits()

    def abandon(self, run: Run, *, execution_arn: str, failure: str) -> None:
        """Close a run whose execution does not come to its end: nobody waits for it any longer."""
        self._finish(run, Verdict(RunStatus.FAILED, failure=failure, abandoned=True), execution_arn=execution_arn)
        self.wake_up_what_waits()

    def _outcome(self, execution_arn: str) -> tuple[str | None, Verdict]:
        """Return the run of an execution (its display name), if it has one, and how it ended."""
        try:
            execution = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution_arn)
        except self._sagemaker.exceptions.ResourceNotFound:
            # Deleted together with its pipeline. Only the lock still knows whose execution it was.
            state = self._ledger.training()
            run_id = state.run_id if state.execution_arn == execution_arn else None
            return run_id, Verdict(RunStatus.FAILED, failure="the execution was deleted")
        status = execution["PipelineExecutionStatus"]
        if status not in ENDED:
            raise NotYetError(f"execution {execution_arn} is {status}: waiting for another delivery of the event")
        verdict = judge(status, steps=list(self._steps(execution_arn)), failure_reason=execution.get("FailureReason"))
        return execution.get("PipelineExecutionDisplayName"), verdict

    def _finish(self, run: Run, verdict: Verdict, *, execution_arn: str) -> None:
        evaluation = self._evaluation(run.run_id)
        verdict = with_stop(with_evaluation(verdict, evaluation), run)
        version = int(verdict.package_arn.rpartition("/")[2]) if verdict.package_arn else None
        closed = run.model_copy(
            update={
                "status": verdict.status,
                "execution_arn": execution_arn,
                "ended_at": clock.now(),
                "package_arn": verdict.package_arn,
                "version": version,
                "failure": verdict.failure,
                "abandoned": verdict.abandoned,
                "report_uri": self._report_uri(run.run_id, verdict.status),
                **asdict(evaluation),
            }
        )
        # Told before it is recorded: a crash in between repeats the message, the other order could lose it.
        outcomes.tell(self._notifier, closed)
        self._record(closed)
        count("RunsClosed")
        count(f"Runs{verdict.status.title().replace('_', '')}")

    def _record(self, closed: Run) -> None:
        for _ in range(_ATTEMPTS):
            state = self._ledger.training()
            writes = [ledger.put_run(closed)]
            if state.run_id == closed.run_id:
                writes.append(ledger.put_training(released(state, closed)))
            try:
                return self._ledger.commit(*writes)
            except ConflictError:
                current = self._ledger.run(closed.run_id)
                if current is not None and not current.status.is_open:
                    return None
        raise ConflictError(f"run {closed.run_id} could not be closed: the ledger kept changing")

    def wake_up_what_waits(self) -> None:
        """Send the wake-up as long as a wish waits and nothing runs, so that a crash before it is repaired."""
        state = self._ledger.training()
        if state.waits and state.run_id is None:
            self._queue.wake_up(reason=state.dirty_reason or "requests waited for the run", sender="close-training")

    def _steps(self, execution_arn: str) -> "Iterator[PipelineExecutionStepTypeDef]":
        pages = self._sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=execution_arn, SortOrder="Ascending"
        )
        for page in pages:
            yield from page["PipelineExecutionSteps"]

    def _evaluation(self, run_id: str) -> Evaluation:
        try:
            answer = self._s3.get_object(Bucket=self._artifacts_bucket, Key=evaluation_key(run_id))
        except self._s3.exceptions.NoSuchKey:
            return Evaluation()
        body = answer["Body"].read()
        evaluation = read_evaluation(body)
        if evaluation is None:  # it may cost the figures, never the closing
            logger.warning("evaluation.json is not a report", run_id=run_id, body=body[:200])
        return evaluation or Evaluation()

    def _report_uri(self, run_id: str, status: RunStatus) -> str | None:
        """Return where the run's report for people lies, as far as the run got."""
        for name in _REPORTS.get(status, _REPORTS_OF_A_FAILURE):
            key = f"runs/{run_id}/{name}"
            listed = self._s3.list_objects_v2(Bucket=self._artifacts_bucket, Prefix=key, MaxKeys=1)
            if any(each["Key"] == key for each in listed.get("Contents", [])):
                return f"s3://{self._artifacts_bucket}/{key}"
        return None


def with_evaluation(verdict: Verdict, evaluation: Evaluation) -> Verdict:
    """Turn a gate that could judge nothing into a failure: the champion was not beaten, it was not even scored."""
    if verdict.status is RunStatus.KEPT_CHAMPION and evaluation.gate_rule == CHAMPION_UNREADABLE:
        return Verdict(RunStatus.FAILED, failure=evaluation.gate_reason or "the live model could not be scored")
    return verdict


def with_stop(verdict: Verdict, run: Run) -> Verdict:
    """Say of an execution that was stopped at the limit of its run that it was, and what it was doing."""
    if verdict.failure == _STOPPED and run.stop_reason:
        return replace(verdict, failure=f"{_STOPPED}: {run.stop_reason}")
    return verdict


def released(state: TrainingState, run: Run) -> TrainingState:
    """Return the state after a run: none is in flight; what waits stays until another run has taken it up."""
    trained = run.snapshot_id if run.status in _SUCCEEDED else state.trained_snapshot_id
    return state.model_copy(
        update={"run_id": None, "execution_arn": None, "started_at": None, "trained_snapshot_id": trained}
    )
