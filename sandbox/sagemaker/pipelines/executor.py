"""Runs one execution: starts every step whose predecessors are done, until nothing is left or a step fails."""

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.sagemaker.names import reason
from sandbox.sagemaker.pipelines.backend import Backend
from sandbox.sagemaker.pipelines.definition import Step
from sandbox.sagemaker.pipelines.expressions import Scope
from sandbox.sagemaker.pipelines.paths import PathError
from sandbox.sagemaker.pipelines.records import Execution, StepRun
from sandbox.sagemaker.pipelines.steps import Outcome, StepContext, StepError, job_of, run_step
from sandbox.sagemaker.protocol.errors import AwsError
from sandbox.sagemaker.storage import StorageError

_log = logging.getLogger(__name__)
_DEFAULT_PARALLELISM = 50
_INTERNAL = "InternalServerError: the step broke inside the sandbox; its server log has the traceback"


@dataclass(frozen=True)
class Observer:
    """Who is told of the steps: `changed` gets the new state and the status before it."""

    now: Callable[[], datetime]
    changed: Callable[[Execution, StepRun, str | None], None]


class Executor:
    """The steps of one execution, with their states."""

    def __init__(self, execution: Execution, *, backend: Backend, observer: Observer) -> None:
        self._execution = execution
        self._backend = backend
        self._observer = observer
        self._lock = threading.Lock()
        self._runs: dict[str, StepRun] = {}
        self._properties: dict[str, Mapping[str, Any]] = {}
        self._waiting: dict[str, Step] = {step.name: step for step in execution.pipeline.definition.steps}
        self._dead: set[str] = set()
        self._running = 0
        self._failed = False
        self._stopping = False
        self._finished: queue.SimpleQueue[tuple[Step, Outcome | None]] = queue.SimpleQueue()
        self._scope = self._new_scope()

    def steps(self) -> list[StepRun]:
        """All steps that have begun, in the order of their beginnings."""
        with self._lock:
            return list(self._runs.values())

    def stop(self) -> None:
        """Start no more steps and stop the jobs of the running ones."""
        with self._lock:
            self._stopping = True
            running = [run for run in self._runs.values() if run.ended is None]
        for run in running:
            self._stop_job(run.metadata)

    def run(self) -> str:
        """Run everything; the final status of the execution."""
        self._start_ready()
        while self._running:
            step, outcome = self._finished.get()
            self._running -= 1
            if outcome is None:
                self._failed = self._failed or not self._stopping
            elif outcome.branch is not None:
                self._take_branch(step, taken=outcome.branch)
            self._start_ready()
        if self._stopping:
            return "Stopped"
        return "Failed" if self._failed else "Succeeded"

    def _new_scope(self) -> Scope:
        execution, pipeline = self._execution, self._execution.pipeline
        return Scope(
            parameters=execution.parameters,
            execution={
                "PipelineName": pipeline.name,
                "PipelineArn": pipeline.arn,
                "PipelineExecutionId": execution.id,
                "PipelineExecutionArn": execution.arn,
                "StartDateTime": execution.created.isoformat(),
                "CurrentDateTime": execution.created.isoformat(),
            },
            steps={step.name: step for top in pipeline.definition.steps for step in top.all()},
            properties=self._properties.__getitem__,
            read=lambda uri: self._backend.read(uri, role_arn=pipeline.role_arn),
        )

    def _take_branch(self, step: Step, *, taken: bool) -> None:
        chosen, other = (step.then, step.otherwise) if taken else (step.otherwise, step.then)
        self._waiting.update({inner.name: inner for inner in chosen})
        self._dead.update(inner.name for top in other for inner in top.all())

    def _start_ready(self) -> None:
        if self._failed or self._stopping:
            return
        self._drop_unreachable()
        parallelism = (self._execution.parallelism or {}).get("MaxParallelExecutionSteps", _DEFAULT_PARALLELISM)
        ready = [step for step in self._waiting.values() if step.needs <= self._properties.keys()]
        for step in ready[: max(0, parallelism - self._running)]:
            del self._waiting[step.name]
            self._running += 1
            thread = threading.Thread(target=self._run_one, args=[step], name=f"step-{step.name}", daemon=True)
            thread.start()

    def _drop_unreachable(self) -> None:
        """Steps that wait for a branch not taken never run, nor what waits for them."""
        while unreachable := [step for step in self._waiting.values() if step.needs & self._dead]:
            for step in unreachable:
                del self._waiting[step.name]
                self._dead.update(inner.name for inner in step.all())

    def _run_one(self, step: Step) -> None:
        outcome: Outcome | None = None
        try:
            outcome = self._outcome(step)
        except StepError as error:
            status = "Stopped" if error.stopped and self._stopping else "Failed"
            self._change(step, status=status, failure_reason=reason(str(error)), ended=self._observer.now())
        except (PathError, StorageError, AwsError) as error:
            text = reason(f"ClientError: {error}")
            self._change(step, status="Failed", failure_reason=text, ended=self._observer.now())
        except Exception:  # noqa: BLE001 - the last frame of the thread: the execution must learn that the step ended
            _log.exception("step %s of %s broke inside the sandbox", step.name, self._execution.arn)
            self._change(step, status="Failed", failure_reason=_INTERNAL, ended=self._observer.now())
        self._finished.put((step, outcome))

    def _outcome(self, step: Step) -> Outcome:
        self._begin(step)
        context = StepContext(
            execution=self._execution,
            step=step,
            scope=self._scope,
            backend=self._backend,
            announce=lambda metadata: self._announce(step, metadata),
        )
        outcome = run_step(context)
        self._properties[step.name] = outcome.properties
        self._change(step, status="Succeeded", metadata=outcome.metadata, ended=self._observer.now())
        return outcome

    def _begin(self, step: Step) -> None:
        with self._lock:
            run = StepRun(
                name=step.name,
                type=step.type,
                display_name=step.display_name,
                description=step.description,
                started=self._observer.now(),
                number=len(self._runs),
            )
            self._runs[step.name] = run
        self._observer.changed(self._execution, run, None)
        self._change(step, status="Executing")

    def _announce(self, step: Step, metadata: Mapping[str, Any]) -> None:
        with self._lock:
            self._runs[step.name] = replace(self._runs[step.name], metadata=metadata)
            stopping = self._stopping
        if stopping:
            self._stop_job(metadata)

    def _change(self, step: Step, **changes: Any) -> None:
        with self._lock:
            before = self._runs[step.name]
            run = replace(before, **changes)
            self._runs[step.name] = run
        self._observer.changed(self._execution, run, before.status)

    def _stop_job(self, metadata: Mapping[str, Any] | None) -> None:
        job = job_of(metadata)
        if job is None:
            return
        kind, name = job
        try:
            role = self._execution.pipeline.role_arn
            self._backend.call_as(role, f"Stop{kind}Job", {f"{kind}JobName": name})
        except AwsError as error:
            _log.debug("%s job %s was not stopped: %s", kind, name, error)
