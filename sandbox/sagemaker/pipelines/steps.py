"""What each type of step does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.sagemaker.names import step_job_name
from sandbox.sagemaker.pipelines.backend import Backend
from sandbox.sagemaker.pipelines.conditions import all_hold
from sandbox.sagemaker.pipelines.definition import Step
from sandbox.sagemaker.pipelines.expressions import Scope
from sandbox.sagemaker.pipelines.records import Execution
from sandbox.sagemaker.protocol.errors import AwsError


class StepError(Exception):
    """The step failed; the message is its FailureReason, `stopped` tells that its job was stopped."""

    def __init__(self, reason: str, *, stopped: bool = False) -> None:
        super().__init__(reason)
        self.stopped = stopped


@dataclass(frozen=True)
class Outcome:
    """What a finished step leaves behind: its properties for later steps and, for conditions, the branch."""

    properties: Mapping[str, Any]
    metadata: Mapping[str, Any]
    branch: bool | None = None


@dataclass(frozen=True)
class StepContext:
    """Everything that a step can use; `announce` shows the metadata while the step still runs."""

    execution: Execution
    step: Step
    scope: Scope
    backend: Backend
    announce: Callable[[Mapping[str, Any]], None]

    def arguments(self) -> dict[str, Any]:
        """The step's arguments with all expressions resolved."""
        resolved: dict[str, Any] = self.scope.resolve(self.step.arguments)
        return resolved

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call SageMaker as the pipeline does, with its words for a refusal."""
        try:
            return self.backend.call_as(self.execution.pipeline.role_arn, operation, request)
        except AwsError as error:
            raise StepError(
                f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error.message}"
            ) from error

    def tagged(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Add the tags by which SageMaker marks what a pipeline created."""
        tags = [
            {"Key": "sagemaker:pipeline-execution-arn", "Value": self.execution.arn},
            {"Key": "sagemaker:pipeline-step-name", "Value": self.step.name},
        ]
        return {**request, "Tags": [*request.get("Tags", ()), *tags]}


def run_step(context: StepContext) -> Outcome:
    """Run a step to its end.

    Raises:
        StepError: the step failed.
    """
    return _RUNNERS[context.step.type](context)


def job_of(metadata: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """The kind and the name of the job behind a step, from the step's metadata."""
    for kind in ("Processing", "Training"):
        arn = (metadata or {}).get(f"{kind}Job", {}).get("Arn")
        if arn:
            return kind, arn.rsplit("/", maxsplit=1)[-1]
    return None


def _run_job(context: StepContext, kind: str) -> Outcome:
    name = step_job_name(context.execution.id, context.step.name)
    key = f"{kind}JobName"
    scope = replace(context.scope, execution={**context.scope.execution, key: name})
    request = context.tagged({**scope.resolve(context.step.arguments), key: name})
    arn = context.call(f"Create{kind}Job", request)[f"{kind}JobArn"]
    metadata = {f"{kind}Job": {"Arn": arn}}
    context.announce(metadata)
    context.backend.wait(kind, name)
    job = context.call(f"Describe{kind}Job", {key: name})
    status, reason = job[f"{kind}JobStatus"], job.get("FailureReason")
    if status != "Completed":
        stopped = status == "Stopped" and reason is None and job.get("SecondaryStatus", status) == status
        raise StepError(f"ClientError: {reason or f'{kind} job {name} ended as {status}'}", stopped=stopped)
    return Outcome(properties=job, metadata=metadata)


def _run_processing(context: StepContext) -> Outcome:
    return _run_job(context, "Processing")


def _run_training(context: StepContext) -> Outcome:
    return _run_job(context, "Training")


def _run_condition(context: StepContext) -> Outcome:
    branch = all_hold(context.arguments()["Conditions"])
    return Outcome(properties={"Outcome": branch}, metadata={"Condition": {"Outcome": str(branch)}}, branch=branch)


def _run_fail(context: StepContext) -> Outcome:
    message = str(context.arguments().get("ErrorMessage", ""))
    context.announce({"Fail": {"ErrorMessage": message}})
    raise StepError(message)


def _run_register(context: StepContext) -> Outcome:
    request = context.arguments()
    generated = {"GeneratedBy": context.execution.arn, **request.get("MetadataProperties", {})}
    arn = context.call("CreateModelPackage", {**request, "MetadataProperties": generated})["ModelPackageArn"]
    package = context.backend.call("DescribeModelPackage", {"ModelPackageName": arn})
    return Outcome(properties=package, metadata={"RegisterModel": {"Arn": arn}})


def _run_model(context: StepContext) -> Outcome:
    name = step_job_name(context.execution.id, context.step.name)
    request = context.tagged({"ModelName": name, **context.arguments()})
    arn = context.call("CreateModel", request)["ModelArn"]
    model = context.backend.call("DescribeModel", {"ModelName": request["ModelName"]})
    return Outcome(properties=model, metadata={"Model": {"Arn": arn}})


_RUNNERS: Mapping[str, Callable[[StepContext], Outcome]] = {
    "Processing": _run_processing,
    "Training": _run_training,
    "Condition": _run_condition,
    "Fail": _run_fail,
    "RegisterModel": _run_register,
    "Model": _run_model,
}
