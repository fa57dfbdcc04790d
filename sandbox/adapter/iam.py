"""What the emulator's IAM does not know of requests: SageMaker's actions, alarms and log streams by name.

AWS pages: "Actions, resources, and condition keys" for Amazon SageMaker AI, for Amazon CloudWatch and for its Logs
(Service Authorization Reference). It is consulted only where the server enforces IAM.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from sandbox.adapter import internals
from sandbox.adapter.settings import ACCOUNT, REGION

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]
Fields = Mapping[str, Any]

_SAGEMAKER, _CLOUDWATCH, _LOGS = "sagemaker", "monitoring", "logs"
# The first of these that a request holds names its resource; a value that is an ARN already stands for itself.
_RESOURCES = (
    ("PipelineExecutionArn", "pipeline"),
    ("PipelineName", "pipeline"),
    ("ModelPackageArn", "model-package"),
    ("ModelPackageName", "model-package"),
    ("ModelPackageGroupName", "model-package-group"),
    ("EndpointName", "endpoint"),
    ("EndpointConfigName", "endpoint-config"),
    ("ModelName", "model"),
    ("ProcessingJobName", "processing-job"),
    ("TrainingJobName", "training-job"),
    ("TransformJobName", "transform-job"),
    ("ResourceArn", ""),
)
_INVOCATION = re.compile(r"/endpoints/(?P<name>[^/]+)/invocations")
_ROLE_FIELDS = ("RoleArn", "ExecutionRoleArn")
_VOLUME_KEY = {
    "CreateProcessingJob": ("ProcessingResources", "ClusterConfig", "VolumeKmsKeyId"),
    "CreateTrainingJob": ("ResourceConfig", "VolumeKmsKeyId"),
}


@dataclass(frozen=True)
class Asked:
    """A permission that a request needs beside the one for itself.

    Attributes:
        action: the action.
        resource: the ARN.
        context: condition keys with their values.
    """

    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)


def _fields(body: bytes, params: Mapping[str, Any] | None = None) -> Fields:
    """The members of a request: of its JSON, or the parameters of a query."""
    try:
        content = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        content = {}
    if isinstance(content, dict) and content:
        return content
    return {name: value[0] if isinstance(value, list) else value for name, value in (params or {}).items()}


def resource_of(path: str, body: bytes, *, region: str, account: str) -> str:
    """The ARN that a SageMaker request is about, `*` when it names none."""
    if match := _INVOCATION.fullmatch(path):
        return f"arn:aws:sagemaker:{region}:{account}:endpoint/{unquote(match['name']).lower()}"
    fields = _fields(body)
    for name, kind in _RESOURCES:
        if isinstance(value := fields.get(name), str):
            return _arn(kind, value, region=region, account=account)
    return "*"


def _arn(kind: str, name: str, *, region: str = REGION, account: str = ACCOUNT) -> str:
    # SageMaker writes names in lower case in its ARNs.
    return name if name.startswith("arn:") else f"arn:aws:sagemaker:{region}:{account}:{kind}/{name.lower()}"


def passed_roles(body: bytes) -> list[str]:
    """The roles that a SageMaker request hands to the service, for which its caller needs `iam:PassRole`."""
    fields = _fields(body)
    return [value for name in _ROLE_FIELDS if isinstance(value := fields.get(name), str)]


def asked_by_sagemaker(headers: Mapping[str, str], body: bytes) -> list[Asked]:
    """What a request to SageMaker needs besides: roles handed over, tags, further resources, the key of instances."""
    operation, fields = headers.get("x-amz-target", "").rpartition(".")[2], _fields(body)
    action = f"{_SAGEMAKER}:{operation}"
    to_sagemaker = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    asked = [Asked("iam:PassRole", role, to_sagemaker) for role in passed_roles(body)]
    if operation in {"CreateEndpoint", "UpdateEndpoint"}:
        asked.append(Asked(action, _arn("endpoint-config", str(fields.get("EndpointConfigName")))))
    if operation == "CreateModel":
        containers = [fields.get("PrimaryContainer") or {}, *(fields.get("Containers") or ())]
        names = [each["ModelPackageName"] for each in containers if "ModelPackageName" in each]
        asked += [Asked(action, _arn("model-package", name)) for name in names]
    if operation == "CreateModelPackage" and (group := fields.get("ModelPackageGroupName")):
        # Its number is given only afterwards.
        asked.append(Asked(action, _arn("model-package", f"{group.rpartition('/')[2]}/0")))
    if operation.startswith("Create") and fields.get("Tags"):
        asked.append(Asked("sagemaker:AddTags", resource_of("/", body, region=REGION, account=ACCOUNT)))
    # SageMaker gets a grant on the key of its instances' volumes from whoever makes the config or the job (AWS pages
    # "CreateEndpointConfig", KmsKeyId, and "Amazon SageMaker API Permissions").
    grant = {"kms:GrantIsForAWSResource": "true", "kms:ViaService": f"sagemaker.{REGION}.amazonaws.com"}
    if operation == "CreateEndpointConfig" and (key := fields.get("KmsKeyId")):
        asked += [Asked("kms:CreateGrant", key, grant), Asked("kms:DescribeKey", key)]
    value: Any = fields
    for member in _VOLUME_KEY.get(operation, ()):
        value = value.get(member) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        asked.append(Asked("kms:CreateGrant", value, grant))
    return asked


def asked_by_cloudwatch(headers: Mapping[str, str], body: bytes) -> list[Asked]:
    """What a request to CloudWatch needs besides: each of the alarms that it names."""
    del headers
    return [Asked("cloudwatch:DescribeAlarms", alarm) for alarm in _alarms(_fields(body))[1:]]


def _stream(headers: Mapping[str, str], group: str, stream: str) -> str:
    """The ARN of a log stream; of one that is to be created, only its group's is known, as that of all streams."""
    name = "" if headers.get("x-amz-target", "").endswith(".CreateLogStream") else stream
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:{name}"


def _alarms(fields: Fields) -> list[str]:
    names = fields.get("AlarmNames") or ()
    return [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}" for name in names]


def condition_keys(service: str, body: bytes, params: Mapping[str, Any]) -> dict[str, Any]:
    """The condition keys of a request to SageMaker or to CloudWatch."""
    if service == _CLOUDWATCH:
        namespace = _fields(body, params).get("Namespace")
        return {"cloudwatch:namespace": namespace} if namespace else {}
    if service != _SAGEMAKER:
        return {}
    fields = _fields(body)
    stage = fields.get("ModelLifeCycle") or {}
    found = {
        "sagemaker:ModelLifeCycle:stage": stage.get("Stage"),
        "sagemaker:ModelLifeCycle:stageStatus": stage.get("StageStatus"),
        "sagemaker:ModelApprovalStatus": fields.get("ModelApprovalStatus"),
    }
    return {key: value for key, value in found.items() if value is not None}


def register() -> None:
    """Teach the emulator's IAM the actions, resources and condition keys."""
    internals.IAM_NAMESPACES.get()[_SAGEMAKER] = _SAGEMAKER
    internals.REST_MODELS.get()[_SAGEMAKER] = ["sagemaker-runtime"]
    original, context = internals.RESOURCE_ARN.get(), internals.REQUEST_CONTEXT.get()

    def extract_resource_arn(
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query_params: Mapping[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        if service == _SAGEMAKER:
            return resource_of(path, body, region=region, account=account_id)
        if service == _LOGS and (stream := _fields(body).get("logStreamName")):
            return _stream(headers, str(_fields(body).get("logGroupName")), str(stream))
        if service == _CLOUDWATCH and (alarms := _alarms(_fields(body))):
            return alarms[0]
        return str(original(service, method, path, headers, body, query_params, region, account_id))

    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        return {**context(service, iam_action, body, params), **condition_keys(service, body, params)}

    internals.RESOURCE_ARN.replace(extract_resource_arn)
    internals.REQUEST_CONTEXT.replace(request_tag_context)


def with_more_checks(
    service: str, handler: Handler, asked: Callable[[Mapping[str, str], bytes], Sequence[Asked]]
) -> Handler:
    """The handler of a service behind the checks of what a request needs besides."""

    async def checked(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Answer:
        if internals.ENFORCES_IAM.get():
            for one in asked(headers, body):
                if (refusal := _refusal(service, headers, query_params, one)) is not None:
                    return refusal
        return await handler(method, path, headers, body, query_params)

    return checked


def _refusal(service: str, headers: dict[str, str], query_params: dict[str, Any], asked: Asked) -> Answer | None:
    denied = internals.ENFORCE.get()(
        internals.ACCESS_KEY.get()(headers, query_params),
        asked.action,
        asked.action.partition(":")[0],
        internals.GET_REGION.get()(),
        resource_arn=asked.resource,
        service_context=dict(asked.context),
    )
    if not denied:
        return None
    principal = getattr(denied, "principal_arn", f"arn:aws:iam::{ACCOUNT}:root")
    answer: Answer = internals.ACCESS_DENIED.get()(
        service, asked.action, principal, str(uuid4()), headers=headers, resource_arn=asked.resource
    )
    return answer
