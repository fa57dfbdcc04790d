"""What is remembered of a training job."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.sagemaker.instances import Instance, instance
from sandbox.sagemaker.listing import Row
from sandbox.sagemaker.storage import join_uri

_DAY = 86_400
_ANSWERED = (
    "TrainingJobName", "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig",
    "ResourceConfig", "VpcConfig", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining", "CheckpointConfig", "DebugHookConfig", "ProfilerConfig", "ExperimentConfig",
    "Environment", "RetryStrategy",
)  # fmt: skip
_NOT_IN_EVENTS = frozenset({"Environment", "ModelArtifacts"})


@dataclass(frozen=True)
class Transition:
    """A stage of the job: AWS's SecondaryStatusTransition."""

    status: str
    message: str
    started: datetime
    ended: datetime | None = None

    def as_aws(self) -> dict[str, Any]:
        """The transition as AWS answers it."""
        return {"Status": self.status, "StartTime": self.started, "EndTime": self.ended, "StatusMessage": self.message}


@dataclass(frozen=True)
class TrainingJob:
    """A training job; `request` holds the members that are answered as they came."""

    name: str
    arn: str
    role_arn: str
    request: Mapping[str, Any]
    created: datetime
    modified: datetime
    transitions: tuple[Transition, ...]
    status: str = "InProgress"
    started: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None

    @property
    def secondary_status(self) -> str:
        """The newest stage."""
        return self.transitions[-1].status

    @property
    def stopping_condition(self) -> Mapping[str, Any]:
        """When to stop; AWS's default is a day."""
        condition: Mapping[str, Any] = self.request.get("StoppingCondition", {"MaxRuntimeInSeconds": _DAY})
        return condition

    @property
    def max_runtime(self) -> int:
        """Seconds after which the job is stopped."""
        return int(self.stopping_condition.get("MaxRuntimeInSeconds", _DAY))

    @property
    def instance(self) -> Instance:
        """The machine that the job asks for."""
        return instance(self.request["ResourceConfig"]["InstanceType"])

    @property
    def output_uri(self) -> str:
        """Where the archives go."""
        return join_uri(self.request["OutputDataConfig"]["S3OutputPath"], self.name, "output")

    @property
    def model_uri(self) -> str:
        """Where the model goes."""
        plain = self.request["OutputDataConfig"].get("CompressionType") == "NONE"
        return join_uri(self.output_uri, "model/" if plain else "model.tar.gz")

    def description(self) -> dict[str, Any]:
        """The answer of DescribeTrainingJob."""
        seconds = round((self.ended - self.started).total_seconds()) if self.started and self.ended else None
        return {
            **{name: self.request[name] for name in _ANSWERED if name in self.request},
            "TrainingJobArn": self.arn,
            "ModelArtifacts": {"S3ModelArtifacts": self.model_uri},
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary_status,
            "FailureReason": self.failure_reason,
            "StoppingCondition": self.stopping_condition,
            "CreationTime": self.created,
            "TrainingStartTime": self.started,
            "TrainingEndTime": self.ended,
            "LastModifiedTime": self.modified,
            "SecondaryStatusTransitions": [transition.as_aws() for transition in self.transitions],
            "TrainingTimeInSeconds": None if seconds is None else max(1, seconds),
            "BillableTimeInSeconds": None if seconds is None else max(1, seconds),
        }

    def event_detail(self) -> dict[str, Any]:
        """The detail of its state change event."""
        return {name: value for name, value in self.description().items() if name not in _NOT_IN_EVENTS}

    def row(self, number: int) -> Row:
        """The entry in ListTrainingJobs."""
        summary = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "CreationTime": self.created,
            "TrainingEndTime": self.ended,
            "LastModifiedTime": self.modified,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary_status,
        }
        return Row(
            name=self.name, created=self.created, number=number, summary=summary, modified=self.modified,
            status=self.status,
        )  # fmt: skip
