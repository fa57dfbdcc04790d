"""The stacks of a small stage, with the outputs that `ops` reads."""

import json
from typing import Any

_LEDGER = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
}
_BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}}
_QUEUE = {"Type": "AWS::SQS::Queue"}
_GIVES_UP = {
    "Type": "AWS::SQS::Queue",
    "Properties": {
        "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}, "maxReceiveCount": 2},
    },
}
_TOPIC = {"Type": "AWS::SNS::Topic"}


def create(cloudformation: Any, name: str, *, pipeline: str) -> None:
    """Deploy the stacks of a stage."""
    for stack, template in _templates(name, pipeline=pipeline).items():
        cloudformation.create_stack(StackName=f"{name}-{stack}", TemplateBody=json.dumps(template))
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=f"{name}-{stack}", WaiterConfig={"Delay": 1})


def _templates(name: str, *, pipeline: str) -> dict[str, dict[str, Any]]:
    group = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": name}}
    return {
        "Storage": {
            "Resources": {"Ledger": _LEDGER, "Data": _BUCKET, "Artifacts": _BUCKET, "Topic": _TOPIC},
            "Outputs": {
                "DataBucketName": {"Value": {"Ref": "Data"}},
                "ArtifactsBucketName": {"Value": {"Ref": "Artifacts"}},
                "LedgerTableName": {"Value": {"Ref": "Ledger"}},
                "NotificationTopicArn": {"Value": {"Ref": "Topic"}},
            },
        },
        "Training": {
            "Resources": {"Group": group, "Queue": _GIVES_UP, "DeadLetters": _QUEUE, "ScheduleDeadLetters": _QUEUE},
            "Outputs": {
                "TrainingPipelineName": {"Value": pipeline},
                "ModelPackageGroupName": {"Value": name},
                "RetrainQueueUrl": {"Value": {"Ref": "Queue"}},
            },
        },
        "Serving": {
            "Resources": {"Queue": _QUEUE},
            "Outputs": {"EndpointName": {"Value": name}, "DeploymentQueueUrl": {"Value": {"Ref": "Queue"}}},
        },
    }
