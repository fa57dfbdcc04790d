"""The permissions of SageMaker's API for the emulator's IAM: actions, resources and `iam:PassRole`.

AWS page: "Actions, resources, and condition keys for Amazon SageMaker AI" (Service Authorization Reference).
They are consulted only where the server enforces IAM.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from sandbox.adapter import internals
from sandbox.adapter.settings import ACCOUNT

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]

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


def _fields(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def resource_of(path: str, body: bytes, *, region: str, account: str) -> str:
    """The ARN that a SageMaker request is about, `*` when it names none."""
    if match := _INVOCATION.fullmatch(path):
        return f"arn:aws:sagemaker:{region}:{account}:endpoint/{unquote(match['name']).lower()}"
    fields = _fields(body)
    for field, kind in _RESOURCES:
        if isinstance(value := fields.get(field), str):
            # SageMaker writes names in lower case in its ARNs.
            return value if value.startswith("arn:") else f"arn:aws:sagemaker:{region}:{account}:{kind}/{value.lower()}"
    return "*"


def passed_roles(body: bytes) -> list[str]:
    """The roles that a SageMaker request hands to the service, for which its caller needs `iam:PassRole`."""
    fields = _fields(body)
    return [value for field in _ROLE_FIELDS if isinstance(value := fields.get(field), str)]


def register() -> None:
    """Teach the emulator's IAM the actions and resources of SageMaker."""
    internals.IAM_NAMESPACES.get()["sagemaker"] = "sagemaker"
    internals.REST_MODELS.get()["sagemaker"] = ["sagemaker-runtime"]
    original = internals.RESOURCE_ARN.get()

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
        if service == "sagemaker":
            return resource_of(path, body, region=region, account=account_id)
        return str(original(service, method, path, headers, body, query_params, region, account_id))

    internals.RESOURCE_ARN.replace(extract_resource_arn)


def with_pass_role(handler: Handler) -> Handler:
    """The handler behind a check of `iam:PassRole` for every role that a request hands over."""

    async def checked(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Answer:
        if internals.ENFORCES_IAM.get():
            for role in passed_roles(body):
                if (refusal := _refusal(headers, query_params, role)) is not None:
                    return refusal
        return await handler(method, path, headers, body, query_params)

    return checked


def _refusal(headers: dict[str, str], query_params: dict[str, Any], role: str) -> Answer | None:
    denied = internals.ENFORCE.get()(
        internals.ACCESS_KEY.get()(headers, query_params),
        "iam:PassRole",
        "iam",
        internals.GET_REGION.get()(),
        resource_arn=role,
        service_context={"iam:PassedToService": "sagemaker.amazonaws.com"},
    )
    if not denied:
        return None
    principal = getattr(denied, "principal_arn", f"arn:aws:iam::{ACCOUNT}:root")
    answer: Answer = internals.ACCESS_DENIED.get()(
        "sagemaker", "iam:PassRole", principal, str(uuid4()), headers=headers, resource_arn=role
    )
    return answer
