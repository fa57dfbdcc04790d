"""What is remembered of pipelines, their executions and the steps of these."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.sagemaker.pipelines.definition import Definition, Value


@dataclass(frozen=True)
class Pipeline:
    """A stored pipeline."""

    name: str
    arn: str
    display_name: str | None
    description: str | None
    text: str
    definition: Definition
    role_arn: str
    parallelism: Mapping[str, int] | None
    created: datetime
    modified: datetime
    last_run: datetime | None = None


@dataclass(frozen=True)
class StepRun:
    """A step of an execution that has begun."""

    name: str
    type: str
    display_name: str | None
    description: str | None
    started: datetime
    number: int
    status: str = "Starting"
    ended: datetime | None = None
    failure_reason: str | None = None
    metadata: Mapping[str, Any] | None = None

    def as_aws(self) -> dict[str, Any]:
        """The entry in ListPipelineExecutionSteps."""
        return {
            "StepName": self.name,
            "StepDisplayName": self.display_name,
            "StepDescription": self.description,
            "StartTime": self.started,
            "EndTime": self.ended,
            "StepStatus": self.status,
            "FailureReason": self.failure_reason,
            "Metadata": self.metadata or {},
            "AttemptCount": 1,
        }


@dataclass(frozen=True)
class Execution:
    """One execution of a pipeline; it keeps the definition that it started with."""

    id: str
    arn: str
    pipeline: Pipeline
    display_name: str
    description: str | None
    parameters: Mapping[str, Value]
    parallelism: Mapping[str, int] | None
    created: datetime
    modified: datetime
    status: str = "Executing"
    ended: datetime | None = None
    failure_reason: str | None = None

    def description_for_aws(self) -> dict[str, Any]:
        """The answer of DescribePipelineExecution."""
        return {
            "PipelineArn": self.pipeline.arn,
            "PipelineExecutionArn": self.arn,
            "PipelineExecutionDisplayName": self.display_name,
            "PipelineExecutionStatus": self.status,
            "PipelineExecutionDescription": self.description,
            "FailureReason": self.failure_reason,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "CreatedBy": {},
            "LastModifiedBy": {},
            "ParallelismConfiguration": self.parallelism,
        }
