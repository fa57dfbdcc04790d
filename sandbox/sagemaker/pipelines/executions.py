"""The operations on executions of pipelines, and the events that tell of them."""

import logging
import threading
from typing import Any

from sandbox.sagemaker.events import Events, iso_seconds
from sandbox.sagemaker.listing import Row, listed, page_of
from sandbox.sagemaker.names import random_id
from sandbox.sagemaker.pipelines.backend import Backend
from sandbox.sagemaker.pipelines.executor import Executor, Observer
from sandbox.sagemaker.pipelines.pipelines import Pipelines
from sandbox.sagemaker.pipelines.records import Execution, Pipeline, StepRun
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.dispatch import Answer, Operation, Request
from sandbox.sagemaker.protocol.errors import conflict, not_found, validation
from sandbox.sagemaker.table import Table

_log = logging.getLogger(__name__)
_FAILURE = "Step failure: One or multiple steps failed."
_INTERNAL = "InternalServerError: the execution broke inside the sandbox; its server log has the traceback"
_EVENT_METADATA = {"ProcessingJob": "processingJob", "TrainingJob": "trainingJob", "RegisterModel": "registerModel"}


class Executions:
    """The executions of all pipelines."""

    def __init__(
        self, platform: Platform, *, table: Table[Execution], pipelines: Pipelines, backend: Backend, events: Events
    ) -> None:
        self._platform = platform
        self._pipelines = pipelines
        self._backend = backend
        self._events = events
        self._table = table
        self._tokens: dict[tuple[str, str], str] = {}
        self._executors: dict[str, Executor] = {}
        self._threads: list[threading.Thread] = []

    def operations(self) -> dict[str, Operation]:
        """The operations by their AWS names."""
        return {
            "StartPipelineExecution": self._start,
            "StopPipelineExecution": self._stop,
            "DescribePipelineExecution": lambda request: self._existing(request).description_for_aws(),
            "ListPipelineExecutions": self._list,
            "ListPipelineExecutionSteps": self._list_steps,
            "DescribePipelineDefinitionForExecution": self._definition,
            "ListPipelineParametersForExecution": self._parameters,
        }

    def close(self) -> None:
        """Stop all executions and wait for their ends."""
        for executor in list(self._executors.values()):
            executor.stop()
        for thread in self._threads:
            thread.join(timeout=10)

    def _existing(self, request: Request) -> Execution:
        arn = request.get("PipelineExecutionArn", "")
        execution = self._table.get(arn)
        if execution is None:
            raise not_found(f"Pipeline execution '{arn}' does not exist.")
        return execution

    def _start(self, request: Request) -> Answer:
        for member in ("SelectiveExecutionConfig", "PipelineVersionId"):
            if member in request:
                raise validation(f"The sandbox does not support {member}.")
        with self._table.lock:
            pipeline = self._pipelines.existing(request["PipelineName"])
            token = (pipeline.name, request["ClientRequestToken"])
            if token in self._tokens:
                return {"PipelineExecutionArn": self._tokens[token]}
            execution = self._new(pipeline, request)
            self._table.add(execution.arn, execution)
            self._tokens[token] = execution.arn
            self._pipelines.table.change(pipeline.name, last_run=execution.created)
        observer = Observer(now=self._platform.clock.now, changed=self._tell_step)
        executor = Executor(execution, backend=self._backend, observer=observer)
        self._executors[execution.arn] = executor
        self._tell(execution, before=None)
        thread = threading.Thread(target=self._run, args=[execution, executor], name=f"pipeline-{execution.id}")
        thread.daemon = True
        self._threads = [*(running for running in self._threads if running.is_alive()), thread]
        thread.start()
        return {"PipelineExecutionArn": execution.arn}

    def _new(self, pipeline: Pipeline, request: Request) -> Execution:
        given = {item["Name"]: item["Value"] for item in request.get("PipelineParameters", ())}
        identifier, now = random_id(), self._platform.clock.now()
        return Execution(
            id=identifier,
            arn=f"{pipeline.arn}/execution/{identifier}",
            pipeline=pipeline,
            display_name=request.get("PipelineExecutionDisplayName", f"execution-{round(now.timestamp() * 1000)}"),
            description=request.get("PipelineExecutionDescription"),
            parameters=pipeline.definition.values(given),
            parallelism=request.get("ParallelismConfiguration", pipeline.parallelism),
            created=now,
            modified=now,
        )

    def _run(self, execution: Execution, executor: Executor) -> None:
        try:
            status, reason = executor.run(), None
        except Exception:  # noqa: BLE001 - the last frame of the thread: the execution must not stay Executing for ever
            _log.exception("%s broke inside the sandbox", execution.arn)
            status, reason = "Failed", _INTERNAL
        if status == "Failed" and reason is None:
            reason = _FAILURE
        now = self._platform.clock.now()
        with self._table.lock:
            before = self._existing({"PipelineExecutionArn": execution.arn}).status
            ended = self._table.change(execution.arn, status=status, failure_reason=reason, modified=now, ended=now)
        self._tell(ended, before=before)

    def _stop(self, request: Request) -> Answer:
        with self._table.lock:
            execution = self._existing(request)
            if execution.status == "Stopping":
                return {"PipelineExecutionArn": execution.arn}
            if execution.status != "Executing":
                raise conflict(f"Only executions that are Executing can be stopped; this one is {execution.status}.")
            stopping = self._table.change(execution.arn, status="Stopping", modified=self._platform.clock.now())
        self._tell(stopping, before=execution.status)
        self._executors[execution.arn].stop()
        return {"PipelineExecutionArn": execution.arn}

    def _list(self, request: Request) -> Answer:
        pipeline = self._pipelines.existing(request["PipelineName"])
        rows = [
            Row(
                name=execution.arn,
                created=execution.created,
                number=number,
                summary={
                    "PipelineExecutionArn": execution.arn,
                    "StartTime": execution.created,
                    "PipelineExecutionStatus": execution.status,
                    "PipelineExecutionDescription": execution.description,
                    "PipelineExecutionDisplayName": execution.display_name,
                    "PipelineExecutionFailureReason": execution.failure_reason,
                },
            )
            for number, execution in enumerate(self._table.all())
            if execution.pipeline.arn == pipeline.arn
        ]
        page, token = listed(rows, request, descending=True)
        return {"PipelineExecutionSummaries": page, "NextToken": token}

    def _list_steps(self, request: Request) -> Answer:
        execution = self._existing(request)
        rows = [
            Row(name=step.name, created=step.started, number=step.number, summary=step.as_aws())
            for step in self._executors[execution.arn].steps()
        ]
        page, token = listed(rows, request, descending=True)
        return {"PipelineExecutionSteps": page, "NextToken": token}

    def _definition(self, request: Request) -> Answer:
        execution = self._existing(request)
        return {"PipelineDefinition": execution.pipeline.text, "CreationTime": execution.pipeline.modified}

    def _parameters(self, request: Request) -> Answer:
        parameters = [{"Name": name, "Value": str(value)} for name, value in self._existing(request).parameters.items()]
        page, token = page_of(parameters, request, default_size=50)
        return {"PipelineParameters": page, "NextToken": token}

    def _tell(self, execution: Execution, *, before: str | None) -> None:
        detail = {
            "pipelineExecutionDisplayName": execution.display_name,
            "currentPipelineExecutionStatus": execution.status,
            "previousPipelineExecutionStatus": before,
            "executionStartTime": iso_seconds(execution.created),
            "executionEndTime": iso_seconds(execution.ended) if execution.ended else None,
            "pipelineExecutionDescription": execution.description,
            "pipelineArn": execution.pipeline.arn,
            "pipelineExecutionArn": execution.arn,
        }
        self._events.emit(
            "SageMaker Model Building Pipeline Execution Status Change",
            detail=detail,
            resources=[execution.pipeline.arn, execution.arn],
        )

    def _tell_step(self, execution: Execution, step: StepRun, before: str | None) -> None:
        metadata: dict[str, Any] = {
            _EVENT_METADATA[kind]: {"arn": value["Arn"]}
            for kind, value in (step.metadata or {}).items()
            if kind in _EVENT_METADATA
        }
        detail = {
            "metadata": metadata,
            "stepStartTime": iso_seconds(step.started),
            "stepEndTime": iso_seconds(step.ended) if step.ended else None,
            "stepName": step.name,
            "stepType": step.type,
            "previousStepStatus": before,
            "currentStepStatus": step.status,
            "failureReason": step.failure_reason,
            "pipelineArn": execution.pipeline.arn,
            "pipelineExecutionArn": execution.arn,
        }
        self._events.emit(
            "SageMaker Model Building Pipeline Execution Step Status Change",
            detail=detail,
            resources=[execution.pipeline.arn, execution.arn],
        )
