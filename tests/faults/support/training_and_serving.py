"""SageMaker that goes on by itself: executions and endpoints come to their end, and events tell of it."""

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any, NamedTuple, Protocol

from function_inputs import NAME, PACKAGES, endpoint_changed, execution_ended, package_changed
from sagemaker_in_memory import Execution, SageMaker
from standing_clock import Clock

HANGS, DOES_NOT_STOP, END_IS_LOST = "hangs", "does not stop", "its end is lost"
"""What can be wrong with an execution: it ends only when it is stopped, or not even then, or no event tells of it."""
_IN_EVENTS = {"InService": "IN_SERVICE"}


class Served(NamedTuple):
    """Since when a configuration has been serving."""

    since: datetime
    config: str


class Surroundings(Protocol):
    """What SageMaker needs of the world."""

    clock: Clock
    random: Random
    settings: Any

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Let something happen when so much time has passed."""

    def emit(self, queue: str, event: dict[str, Any]) -> None:
        """Let EventBridge deliver an event: late, twice or out of order."""

    def execution_starts(self, execution: Execution) -> None:
        """Somebody started the pipeline."""

    def execution_is_stopped(self, execution: Execution) -> None:
        """Somebody stops an execution."""

    def evaluated(self, run_id: str, verdict: str) -> None:
        """The Evaluate step of a run has left its report."""


class LivelySageMaker(SageMaker):
    """One account. What becomes of an execution or an update is drawn when it starts."""

    def __init__(self, world: Surroundings, *, approval: str) -> None:
        super().__init__(world.clock)
        self._world, self._approval = world, approval
        self.ended: dict[str, str] = {}
        """Verdict by execution."""
        self.ill: dict[str, str] = {}
        """What is wrong with an execution, of those with which something is."""
        self.served: list[Served] = []
        self.made: list[str] = []
        """Names of models and configurations, in the order in which they were created."""

    # -- people and jobs

    def approve(self, version: int, approval: str) -> None:
        """Set the approval of a version, as a person or a pipeline does."""
        self.register(NAME, version, approval=approval)
        self._tell_package(version, updated=["ModelApprovalStatus"])

    def approval(self, version: int) -> str:
        package = self.packages[f"{PACKAGES}/{version}"]
        return str(package["ModelApprovalStatus"])

    # -- operations

    def start_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        before = len(self.executions)
        answer = super().start_pipeline_execution(request)
        if len(self.executions) > before:
            execution = self.executions[answer["PipelineExecutionArn"]]
            self._world.execution_starts(execution)
            self._begin(execution)
        return answer

    def stop_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(request)
        was_executing = execution.status == "Executing"
        answer = super().stop_pipeline_execution(request)
        self._world.execution_is_stopped(execution)
        if was_executing and self.ill.get(execution.arn) != DOES_NOT_STOP:
            self._soon(lambda: self._come_to(execution, "Stopped", "stopped", steps=[]))
        return answer

    def update_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = super().update_model_package(request)
        version = int(request["ModelPackageArn"].rpartition("/")[2])
        # Tandem's own writes come back as events.
        if self._world.random.random() < 0.2:
            self._tell_package(version, updated=["ModelLifeCycle"])
        return answer

    def create_model(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = super().create_model(request)
        self.made.append(request["ModelName"])
        return answer

    def create_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = super().create_endpoint_config(request)
        self.made.append(request["EndpointConfigName"])
        return answer

    def create_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = super().create_endpoint(request)
        self._under_way("CREATING")
        succeeds = self._world.random.random() < 0.85
        self._soon(lambda: self._settle(None if succeeds else "Failed"))
        return answer

    def update_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = super().update_endpoint(request)
        self._under_way("UPDATING")
        succeeds = self._world.random.random() < 0.75
        self._soon(lambda: self._settle(None if succeeds else "InService"))
        return answer

    def delete_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = super().delete_endpoint(request)
        self._soon(lambda: self.finish(NAME))
        return answer

    # -- what happens by itself

    def _begin(self, execution: Execution) -> None:
        random, share = self._world.random, self._world.settings.ill_executions
        if share and random.random() < share:
            self.ill[execution.arn] = random.choice([HANGS, HANGS, DOES_NOT_STOP, END_IS_LOST])
        if self.ill.get(execution.arn) not in {HANGS, DOES_NOT_STOP}:
            self._world.later(random.uniform(60, 1200), lambda: self._end(execution))

    def _end(self, execution: Execution) -> None:
        verdicts = ["promoted"] * 5 + ["kept_champion", "kept_champion", "rejected_data", "failed", "stopped"]
        verdict = self._world.random.choice(verdicts)
        steps: list[dict[str, Any]] = [{"StepName": each, "StepStatus": "Succeeded"} for each in ("Validate", "Train")]
        status = "Succeeded"
        if verdict in {"promoted", "kept_champion"} and self._world.random.random() < 0.5:
            self._world.evaluated(execution.name, verdict)
        match verdict:
            case "promoted":
                version = len(self.packages) + 1
                arn = self.register(NAME, version, approval=self._approval, metadata={"run_id": execution.name})
                steps.append({"StepName": "Register", "Metadata": {"RegisterModel": {"Arn": arn}}})
                self._tell_package(version)
            case "kept_champion":
                steps.append({"StepName": "Gate", "Metadata": {"Condition": {"Outcome": "False"}}})
            case "rejected_data":
                said = {"Fail": {"ErrorMessage": "column air_time is missing"}}
                steps.append({"StepName": "RejectData", "StepStatus": "Failed", "Metadata": said})
                status = "Failed"
            case "failed":
                steps.append({"StepName": "Train", "StepStatus": "Failed", "FailureReason": "out of memory"})
                status = "Failed"
            case _:
                status = "Stopped"
        self._come_to(execution, status, verdict, steps=steps)

    def _come_to(self, execution: Execution, status: str, verdict: str, *, steps: list[dict[str, Any]]) -> None:
        self.end(execution.arn, status, steps=steps)
        self.ended[execution.arn] = verdict
        if self.ill.get(execution.arn) != END_IS_LOST:
            self._world.emit("closing", execution_ended(execution.arn, status=status))

    def _under_way(self, status: str) -> None:
        self._tell_endpoint(status)

    def _settle(self, otherwise: str | None) -> None:
        """Come to the end of an update: well, or in the status that is said otherwise."""
        if otherwise is None:
            self.finish(NAME)
            self.served.append(Served(self.clock.now(), self.endpoints[NAME].config))
        elif otherwise == "InService":
            self.roll_back(NAME, failure="alarm flights-sandbox-rollback-errors is in ALARM")
        else:
            self.fail(NAME, failure="the container did not answer")
        endpoint = self.endpoints[NAME]
        self._tell_endpoint(_IN_EVENTS.get(endpoint.status, endpoint.status.upper()))

    def _soon(self, action: Callable[[], None]) -> None:
        self._world.later(self._world.random.uniform(5, 90), action)

    def _tell_endpoint(self, status: str) -> None:
        modified = self.endpoints[NAME].modified.timestamp() * 1000
        self._world.emit("confirmation", endpoint_changed(status, LastModifiedTime=modified))

    def _tell_package(self, version: int, *, updated: list[str] | None = None) -> None:
        status = self.approval(version)
        if status in {"Approved", "Rejected"}:  # as the rule says
            self._world.emit("deployment", package_changed(version, status=status, updated=updated or []))
