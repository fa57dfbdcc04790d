"""A small stateful SageMaker behind a real botocore client.

The client validates every request as usual; on top, string patterns are checked (botocore leaves them out), and every
answer is checked against the service model. Errors carry SageMaker's own words.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator
from standing_clock import Clock

ACCOUNT = "arn:aws:sagemaker:us-east-1:000000000000"
SERVING_VARIABLES = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
BUSY = {"Creating", "Updating", "Deleting", "RollingBack", "SystemUpdating"}

_KEPT_CHAMPION = {"StepName": "Gate", "StepStatus": "Succeeded", "Metadata": {"Condition": {"Outcome": "False"}}}


class Refused(Exception):  # noqa: N818 - becomes an error response
    """SageMaker answers with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _invalid(message: str) -> NoReturn:
    raise Refused("ValidationException", message)


@dataclass
class Execution:
    arn: str
    name: str
    parameters: dict[str, str]
    status: str = "Executing"
    steps: list[dict[str, Any]] = field(default_factory=list)
    failure: str | None = None


@dataclass
class EndpointState:
    status: str
    config: str
    modified: datetime
    pending: str | None = None
    failure: str | None = None
    history: list[str] = field(default_factory=list)


class SageMaker:
    """The state of one account, and the operations that the handlers use."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.executions: dict[str, Execution] = {}
        self._tokens: dict[str, tuple[Any, str]] = {}
        self.packages: dict[str, dict[str, Any]] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.endpoints: dict[str, EndpointState] = {}

    # -- what a test does in the place of AWS and of people

    def end(self, arn: str, status: str, *, steps: list[dict[str, Any]] | None = None) -> None:
        """Let an execution end; one that succeeds without more to say kept the champion."""
        execution = self.executions[arn]
        default = [_KEPT_CHAMPION] if status == "Succeeded" else []
        execution.status, execution.steps = status, default if steps is None else steps

    def register(
        self, group: str, version: int, *, approval: str = "Approved", metadata: Mapping[str, str] | None = None
    ) -> str:
        """Add or change a model package."""
        arn = f"{ACCOUNT}:model-package/{group}/{version}"
        package = self.packages.setdefault(
            arn,
            {
                "ModelPackageName": group,
                "ModelPackageGroupName": group,
                "ModelPackageVersion": version,
                "ModelPackageArn": arn,
                "CreationTime": self.clock.now(),
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": []},
                "InferenceSpecification": {"Containers": [{"Image": "image", "Environment": SERVING_VARIABLES}]},
                "CustomerMetadataProperties": dict(metadata or {"run_id": f"run-of-{version}"}),
            },
        )
        package["ModelApprovalStatus"] = approval
        package["LastModifiedTime"] = self.clock.now()
        return arn

    def finish(self, name: str) -> None:
        """Let the running creation or update of an endpoint succeed."""
        endpoint = self.endpoints[name]
        if endpoint.status == "Deleting":
            del self.endpoints[name]
            return
        endpoint.config, endpoint.pending = endpoint.pending or endpoint.config, None
        self._modify(endpoint, "InService")
        endpoint.history.append(endpoint.config)

    def roll_back(self, name: str, *, failure: str | None = None) -> None:
        """Let the running update fail: SageMaker goes back to the old configuration and says InService."""
        endpoint = self.endpoints[name]
        endpoint.pending, endpoint.failure = None, failure
        self._modify(endpoint, "InService")

    def fail(self, name: str, *, failure: str) -> None:
        """Let the running creation fail."""
        endpoint = self.endpoints[name]
        endpoint.pending, endpoint.failure = None, failure
        self._modify(endpoint, "Failed")

    # -- operations

    def start_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        token = request["ClientRequestToken"]
        known = self._tokens.get(token)
        if known is not None:
            if known[0] != request:
                raise Refused("ConflictException", "same token, other parameters")
            return {"PipelineExecutionArn": known[1]}
        name = f"{len(self.executions):012d}"
        arn = f"{ACCOUNT}:pipeline/{request['PipelineName']}/execution/{name}"
        parameters = {each["Name"]: each["Value"] for each in request["PipelineParameters"]}
        self.executions[arn] = Execution(arn, request["PipelineExecutionDisplayName"], parameters)
        self._tokens[token] = (request, arn)
        return {"PipelineExecutionArn": arn}

    def describe_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(request)
        answer = {
            "PipelineExecutionArn": execution.arn,
            "PipelineExecutionDisplayName": execution.name,
            "PipelineExecutionStatus": execution.status,
        }
        return answer | ({"FailureReason": execution.failure} if execution.failure else {})

    def stop_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(request)
        if execution.status not in {"Executing", "Stopping"}:
            raise Refused("ConflictException", f"Pipeline execution {execution.arn} is {execution.status}.")
        execution.status = "Stopping"
        return {"PipelineExecutionArn": execution.arn}

    def list_pipeline_execution_steps(self, request: dict[str, Any]) -> dict[str, Any]:
        steps = self._execution(request).steps
        start = int(request.get("NextToken", "0"))
        # Pages of two, so that a caller that reads one page only is found out.
        more = {"NextToken": str(start + 2)} if len(steps) > start + 2 else {}
        return {"PipelineExecutionSteps": steps[start : start + 2]} | more

    def list_model_packages(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [
            package
            for package in self.packages.values()
            if package["ModelPackageGroupName"] == request["ModelPackageGroupName"]
            and package["ModelApprovalStatus"] == request["ModelApprovalStatus"]
        ]
        newest = sorted(found, key=lambda package: package["ModelPackageVersion"], reverse=True)
        keys = ("ModelPackageArn", "ModelPackageVersion", "CreationTime", "ModelPackageStatus", "ModelApprovalStatus")
        return {"ModelPackageSummaryList": [{key: each[key] for key in keys} for each in newest]}

    def describe_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ModelPackageName"]
        return self.packages.get(name) or _invalid(f"ModelPackage {name} does not exist.")

    def update_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        arn = request["ModelPackageArn"]
        package = self.packages.get(arn) or _invalid(f"ModelPackage {arn} does not exist.")
        package["ModelLifeCycle"] = request["ModelLifeCycle"]
        return {"ModelPackageArn": arn}

    def create_model(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ModelName"]
        for container in request["Containers"]:
            if container["ModelPackageName"] not in self.packages:
                _invalid(f"Could not find model package {container['ModelPackageName']}.")
        return {"ModelArn": self._create(self.models, "model", name, request)}

    def create_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["EndpointConfigName"]
        for variant in request["ProductionVariants"]:
            if variant["ModelName"] not in self.models:
                _invalid(f'Could not find model "{ACCOUNT}:model/{variant["ModelName"]}".')
        return {"EndpointConfigArn": self._create(self.configs, "endpoint configuration", name, request)}

    def delete_model(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ModelName"]
        if self.models.pop(name, None) is None:
            _invalid(f'Could not find model "{ACCOUNT}:model/{name}".')
        return {}

    def delete_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        del self.configs[self._config({"EndpointConfigName": request["EndpointConfigName"]})]
        return {}

    def describe_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        name, endpoint = self._endpoint(request)
        answer = {
            "EndpointName": name,
            "EndpointArn": f"{ACCOUNT}:endpoint/{name}",
            "EndpointConfigName": endpoint.config,
            "EndpointStatus": endpoint.status,
            "CreationTime": endpoint.modified,
            "LastModifiedTime": endpoint.modified,
        }
        if endpoint.pending:
            answer["PendingDeploymentSummary"] = {"EndpointConfigName": endpoint.pending}
        return answer | ({"FailureReason": endpoint.failure} if endpoint.failure else {})

    def create_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        name, config = request["EndpointName"], self._config(request)
        if name in self.endpoints:
            _invalid(f'Cannot create already existing endpoint "{ACCOUNT}:endpoint/{name}".')
        self.endpoints[name] = EndpointState("Creating", config, self._tick())
        return {"EndpointArn": f"{ACCOUNT}:endpoint/{name}"}

    def update_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        config = self._config(request)
        name, endpoint = self._changeable(request)
        endpoint.pending, endpoint.failure = config, None
        self._modify(endpoint, "Updating")
        return {"EndpointArn": f"{ACCOUNT}:endpoint/{name}"}

    def delete_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        _, endpoint = self._changeable(request, failed_too=True)
        self._modify(endpoint, "Deleting")
        return {}

    # -- helpers

    def _execution(self, request: dict[str, Any]) -> Execution:
        arn = request["PipelineExecutionArn"]
        if arn not in self.executions:
            raise Refused("ResourceNotFound", f"Pipeline execution {arn} does not exist.")
        return self.executions[arn]

    def _endpoint(self, request: dict[str, Any]) -> tuple[str, EndpointState]:
        name = request["EndpointName"]
        endpoint = self.endpoints.get(name) or _invalid(f'Could not find endpoint "{ACCOUNT}:endpoint/{name}".')
        return name, endpoint

    def _changeable(self, request: dict[str, Any], *, failed_too: bool = False) -> tuple[str, EndpointState]:
        name, endpoint = self._endpoint(request)
        if endpoint.status in BUSY:
            _invalid(f'Cannot update in-progress endpoint "{ACCOUNT}:endpoint/{name}".')
        if endpoint.status == "Failed" and not failed_too:
            _invalid(f'Cannot update failed endpoint "{ACCOUNT}:endpoint/{name}".')
        return name, endpoint

    def _config(self, request: dict[str, Any]) -> str:
        name: str = request["EndpointConfigName"]
        if name not in self.configs:
            _invalid(f'Could not find endpoint configuration "{ACCOUNT}:endpoint-config/{name}".')
        return name

    def _create(self, kind: dict[str, dict[str, Any]], word: str, name: str, request: dict[str, Any]) -> str:
        arn = f"{ACCOUNT}:{'model' if word == 'model' else 'endpoint-config'}/{name}"
        if name in kind:
            _invalid(f'Cannot create already existing {word} "{arn}".')
        kind[name] = request
        return arn

    def _modify(self, endpoint: EndpointState, status: str) -> None:
        endpoint.status, endpoint.modified = status, self._tick()

    def _tick(self) -> datetime:
        self.clock.advance(milliseconds=10)
        return self.clock.now() + timedelta(0)


@dataclass(frozen=True)
class _Http:
    status_code: int


class Wire:
    """Answers a client's calls from whichever :class:`SageMaker` is plugged in."""

    def __init__(self, client: Any) -> None:
        self.account: SageMaker | None = None
        client.meta.events.register("provide-client-params", self._check_patterns, unique_id="wire-patterns")
        client.meta.events.register("before-call", self._answer, unique_id="wire-answer")
        self._request: dict[str, Any] = {}

    def _check_patterns(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self._request = params
        for problem in pattern_problems(params, model.input_shape):
            raise AssertionError(f"{model.name}: {problem}")

    def _answer(self, model: Any, **_: Any) -> tuple[_Http, dict[str, Any]]:
        assert self.account is not None
        operation = re.sub(r"(?<!^)(?=[A-Z])", "_", model.name).lower()
        try:
            answer = getattr(self.account, operation)(self._request)
        except Refused as refusal:
            error = {"Code": refusal.code, "Message": refusal.message}
            return _Http(400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
        if model.output_shape is not None:
            report = ParamValidator().validate(answer, model.output_shape)
            assert not report.has_errors(), f"{model.name} of the double: {report.generate_report()}"
        return _Http(200), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}


def pattern_problems(value: Any, shape: Shape, path: str = "") -> list[str]:
    """Check strings against the patterns of the service model, where Python can read the pattern."""
    if isinstance(shape, StructureShape):
        members = [(key, value[key], member) for key, member in shape.members.items() if key in value]
        return [each for key, part, member in members for each in pattern_problems(part, member, f"{path}.{key}")]
    if isinstance(shape, ListShape):
        return [each for part in value for each in pattern_problems(part, shape.member, f"{path}[]")]
    if isinstance(shape, MapShape):
        return [each for key, part in value.items() for each in pattern_problems(part, shape.value, f"{path}.{key}")]
    if isinstance(shape, StringShape):
        pattern = shape.metadata.get("pattern", "")
        # The pattern of S3 URIs allows one character after the scheme in full, so AWS must read it as a prefix.
        if pattern and "\\p{" not in pattern and not re.match(pattern, value):
            return [f"{path}={value!r} does not match {pattern}"]
        too_long = shape.metadata.get("max") is not None and len(value) > shape.metadata["max"]
        return [f"{path}={value!r} is longer than {shape.metadata['max']}"] if too_long else []
    return []
