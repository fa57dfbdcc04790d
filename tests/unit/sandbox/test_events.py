"""Events travel as on AWS: from the service through a rule and a queue to a Lambda."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.server import Sandbox

KEEPS = """
import json, os, boto3
def handler(event, context):
    for record in event["Records"]:
        item = {"pk": {"S": record["messageId"]}, "body": {"S": record["body"]}}
        boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item=item)
    return {"batchItemFailures": []}
"""
PATTERNS = {
    "S3": {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"object": {"key": [{"prefix": "data/"}]}},
    },
    "SageMaker": {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": ["mini"], "ModelApprovalStatus": ["Approved"]},
    },
}


def _template() -> str:
    resources: dict[str, Any] = {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
                "VersioningConfiguration": {"Status": "Enabled"},
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            },
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        },
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": KEEPS},
                "Timeout": 20,
                "Environment": {"Variables": {"TABLE": {"Ref": "Table"}}},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": {"Ref": "Function"},
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
            },
        },
    }
    for name, pattern in PATTERNS.items():
        resources[f"{name}Rule"] = {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": pattern,
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
            },
        }
    outputs = {"Bucket": {"Value": {"Ref": "Bucket"}}, "Table": {"Value": {"Ref": "Table"}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox, deploy_template: Callable[..., dict[str, str]]) -> dict[str, str]:
    """The outputs of the deployed template."""
    return deploy_template(sandbox, stack="mini", template=_template())


@pytest.fixture
def received(
    sandbox: Sandbox, stack: dict[str, str], wait_for: Callable[[Callable[[], Any]], Any]
) -> Callable[[str], dict[str, Any]]:
    """Waits for an event of a detail type that the Lambda kept."""
    table = sandbox.client("dynamodb")

    def event(detail_type: str) -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            kept = [json.loads(item["body"]["S"]) for item in table.scan(TableName=stack["Table"])["Items"]]
            return [one for one in kept if one["detail-type"] == detail_type]

        return dict(wait_for(found)[0])

    return event


def test_an_object_in_the_bucket_reaches_the_lambda_through_rule_and_queue(
    sandbox: Sandbox, stack: dict[str, str], received: Callable[[str], dict[str, Any]]
) -> None:
    storage = sandbox.client("s3")
    storage.put_object(Bucket=stack["Bucket"], Key="other/ignored", Body=b"1")
    version = storage.put_object(Bucket=stack["Bucket"], Key="data/period=2013-01/part.parquet", Body=b"1")["VersionId"]
    event = received("Object Created")
    assert event["source"] == "aws.s3"
    assert event["detail"]["bucket"]["name"] == stack["Bucket"]
    assert event["detail"]["object"]["key"] == "data/period=2013-01/part.parquet"
    assert event["detail"]["object"]["version-id"] == version


def test_sagemakers_own_event_is_matched_by_a_rule(sandbox: Sandbox, received: Callable[[str], dict[str, Any]]) -> None:
    client = sandbox.client("sagemaker")
    client.create_model_package_group(ModelPackageGroupName="mini")
    package = client.create_model_package(
        ModelPackageGroupName="mini",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [
                {
                    "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
                    "ModelDataUrl": "s3://models/model.tar.gz",
                }
            ],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    event = received("SageMaker Model Package State Change")
    assert event["source"] == "aws.sagemaker"
    assert event["account"] == "000000000000"
    assert event["region"] == "us-east-1"
    assert package in event["resources"]


def test_the_public_api_refuses_events_in_awss_name(sandbox: Sandbox) -> None:
    entry = {"Source": "aws.sagemaker", "DetailType": "SageMaker Endpoint State Change", "Detail": "{}"}
    answer = sandbox.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
