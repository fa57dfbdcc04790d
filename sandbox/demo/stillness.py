"""Waits until the deployed loop has nothing left to do, as far as anybody can see from outside."""

import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.demo.cloud import Cloud, DemoError

_PATIENCE_SECONDS = 300
_LOOK_SECONDS = 0.1
_LOOKS = 2
_NEWEST = 10
_WAITING = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_BUSY = frozenset({"Executing", "Stopping"})


@dataclass
class Stillness:
    """Looks at queues, pipelines and the endpoint."""

    cloud: Cloud
    _queues: list[str] = field(default_factory=list)
    _pipelines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        sqs = self.cloud.client("sqs")
        pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=f"{self.cloud.stage}-")
        self._queues = [url for page in pages for url in page.get("QueueUrls", [])]
        self._pipelines = [
            self.cloud.outputs("Training")["TrainingPipelineName"],
            self.cloud.outputs("Monitoring")["MonitoringPipelineName"],
        ]

    def wait(self) -> None:
        """Return when nothing moves any more, seen several times in a row.

        Raises:
            DemoError: a message ended in a dead-letter queue, a pipeline failed, or the loop does not come to rest.
        """
        deadline, still = time.monotonic() + _PATIENCE_SECONDS, 0
        while time.monotonic() < deadline:
            still = still + 1 if self._is_still() else 0
            if still == _LOOKS:
                return
            time.sleep(_LOOK_SECONDS)
        raise DemoError(
            f"the loop did not come to rest within {_PATIENCE_SECONDS} s; the logs are in {self.cloud.logs}"
        )

    def _is_still(self) -> bool:
        return not (any(map(self._runs, self._pipelines)) or any(map(self._waits, self._queues)) or self._changes())

    def _runs(self, pipeline: str) -> bool:
        newest = self.cloud.client("sagemaker").list_pipeline_executions(PipelineName=pipeline, MaxResults=_NEWEST)
        executions = newest["PipelineExecutionSummaries"]
        for execution in executions:
            if execution["PipelineExecutionStatus"] == "Failed":
                reason = execution.get("PipelineExecutionFailureReason", "no reason given")
                raise DemoError(f"pipeline {pipeline} failed ({reason}); the logs are in {self.cloud.logs}")
        return any(execution["PipelineExecutionStatus"] in _BUSY for execution in executions)

    def _waits(self, queue: str) -> bool:
        answer: dict[str, Any] = self.cloud.client("sqs").get_queue_attributes(
            QueueUrl=queue, AttributeNames=list(_WAITING)
        )["Attributes"]
        waiting = any(int(answer.get(name, 0)) for name in _WAITING)
        if waiting and "DeadLetters" in queue:
            raise DemoError(f"a message was given up: read it in {queue}; the logs are in {self.cloud.logs}")
        return waiting

    def _changes(self) -> bool:
        found = self.cloud.client("sagemaker").describe_endpoint(EndpointName=self.cloud.endpoint)
        return bool(found["EndpointStatus"] != "InService")
