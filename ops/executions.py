"""Executions of SageMaker pipelines, step by step."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

UNDER_WAY = frozenset({"Executing", "Stopping"})
"""Statuses of an execution that has not ended."""


def steps(sagemaker: "SageMakerClient", arn: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, status and reason of failure of every step that has begun."""
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn, SortOrder="Ascending"
    )
    for page in pages:
        for step in page["PipelineExecutionSteps"]:
            yield step["StepName"], step["StepStatus"], step.get("FailureReason", "SageMaker gave no reason")


class StepTeller:
    """Tells what changed since it told the last time."""

    def __init__(self, sagemaker: "SageMakerClient", arn: str, *, told: Callable[[str], None]) -> None:
        self._sagemaker = sagemaker
        self._arn = arn
        self._told = told
        self._seen: dict[str, str] = {}

    def tell(self) -> None:
        """Look once."""
        for name, status, _ in steps(self._sagemaker, self._arn):
            if self._seen.get(name) != status and status != "Starting":
                self._told(f"step {name}: {status.lower()}")
            self._seen[name] = status
