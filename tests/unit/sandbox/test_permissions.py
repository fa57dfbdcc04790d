"""SageMaker's permissions where the sandbox enforces IAM."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.adapter.iam import passed_roles, resource_of
from sandbox.server import Sandbox

ARN = "arn:aws:sagemaker:us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/pipeline-role"
DEFINITION = json.dumps(
    {"Version": "2020-12-01", "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "on purpose"}}]}
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that enforces IAM, with a user who may create and describe one pipeline."""
    with Sandbox(tmp_path_factory.mktemp("guarded") / "state", enforce_iam=True) as running:
        iam = running.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        iam.create_role(
            RoleName="pipeline-role",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        iam.create_user(UserName="builder")
        _allow(running, "pipelines", ["sagemaker:CreatePipeline", "sagemaker:DescribePipeline"], f"{ARN}:pipeline/mine")
        yield running


def _allow(sandbox: Sandbox, name: str, actions: list[str], resource: str, *, to: str | None = None) -> None:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": actions, "Resource": resource}
    if to is not None:
        statement["Condition"] = {"StringEquals": {"iam:PassedToService": to}}
    sandbox.client("iam").put_user_policy(
        UserName="builder",
        PolicyName=name,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


@pytest.fixture
def builder(guarded: Sandbox) -> Any:
    """A SageMaker client of the user."""
    key = guarded.client("iam").create_access_key(UserName="builder")["AccessKey"]
    session = boto3.session.Session(
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        region_name="us-east-1",
    )
    yield session.client("sagemaker", endpoint_url=guarded.endpoint_url)
    guarded.client("iam").delete_access_key(UserName="builder", AccessKeyId=key["AccessKeyId"])


def _refusal(error: ClientError) -> str:
    assert error.response["Error"]["Code"] in {"AccessDeniedException", "AccessDenied"}
    return error.response["Error"]["Message"]


def test_an_action_that_no_policy_allows_is_refused_and_named(builder: Any) -> None:
    with pytest.raises(ClientError) as caught:
        builder.list_endpoints()
    assert "sagemaker:ListEndpoints" in _refusal(caught.value)


def test_an_action_on_another_resource_is_refused(builder: Any) -> None:
    with pytest.raises(ClientError) as caught:
        builder.describe_pipeline(PipelineName="other")
    assert "sagemaker:DescribePipeline" in _refusal(caught.value)


def test_handing_over_a_role_needs_pass_role_for_this_service(guarded: Sandbox, builder: Any) -> None:
    request = {
        "PipelineName": "Mine",
        "PipelineDefinition": DEFINITION,
        "RoleArn": ROLE,
        "ClientRequestToken": "a" * 32,
    }
    with pytest.raises(ClientError) as caught:
        builder.create_pipeline(**request)
    assert "iam:PassRole" in _refusal(caught.value)
    _allow(guarded, "pass", ["iam:PassRole"], ROLE, to="lambda.amazonaws.com")
    with pytest.raises(ClientError):
        builder.create_pipeline(**request)
    _allow(guarded, "pass", ["iam:PassRole"], ROLE, to="sagemaker.amazonaws.com")
    builder.create_pipeline(**request)
    assert builder.describe_pipeline(PipelineName="Mine")["RoleArn"] == ROLE


@pytest.mark.parametrize(
    ("path", "request_body", "resource"),
    [
        ("/", {"PipelineName": "Flights-Training"}, f"{ARN}:pipeline/flights-training"),
        ("/", {"PipelineExecutionArn": f"{ARN}:pipeline/p/execution/e"}, f"{ARN}:pipeline/p/execution/e"),
        ("/", {"ModelPackageGroupName": "flights"}, f"{ARN}:model-package-group/flights"),
        ("/", {"ModelPackageArn": f"{ARN}:model-package/flights/3"}, f"{ARN}:model-package/flights/3"),
        ("/", {"EndpointName": "Flights", "EndpointConfigName": "v1"}, f"{ARN}:endpoint/flights"),
        ("/endpoints/Flights/invocations", {}, f"{ARN}:endpoint/flights"),
        ("/", {}, "*"),
    ],
)
def test_the_resource_of_a_request_is_its_arn(path: str, request_body: dict[str, str], resource: str) -> None:
    body = json.dumps(request_body).encode()
    assert resource_of(path, body, region="us-east-1", account="000000000000") == resource


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"{}"])
def test_a_request_without_roles_passes_none(body: bytes) -> None:
    assert passed_roles(body) == []
