"""What a function of the loop gets from outside: its environment variables, Lambda's context, and messages of a queue.

The bodies are events as AWS documents them; the pages are named beside the models in ``lambdas/*/events.py``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PROJECT, ENVIRONMENT = "flights", "sandbox"
NAME = f"{PROJECT}-{ENVIRONMENT}"
PIPELINE = f"{NAME}-training"
ROLE = "arn:aws:iam::000000000000:role/flights-sandbox-execution"
PACKAGES = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{NAME}"
RUN_LIMIT_SECONDS = 6 * 3600
CROSSED = (
    "Threshold Crossed: 3 out of the last 5 datapoints [0.31234567 (28/02/13 00:00:00), 0.25 (27/02/13 00:00:00), "
    "0.11 (26/02/13 00:00:00)] were greater than the threshold (0.1) (minimum 3 datapoints for OK -> ALARM transition)."
)


@dataclass(frozen=True)
class Message:
    """A message of a queue, as Lambda hands it over."""

    body: Any
    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    sent_at: datetime = datetime(2013, 3, 1, 10, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Context:
    """What Powertools reads from the Lambda context."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:function"
    aws_request_id: str = "52fdfc07-2182-154f-163f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        """Enough."""
        return 60_000


@dataclass(frozen=True)
class Resources:
    """Names of what the functions work with."""

    table: str
    data: str
    artifacts: str
    topic: str
    retrain_url: str
    alarms: Sequence[str]

    def variables(self) -> dict[str, str]:
        """The environment variables of all four functions."""
        return {
            "PROJECT": PROJECT,
            "ENVIRONMENT": ENVIRONMENT,
            "LEDGER_TABLE": self.table,
            "NOTIFICATION_TOPIC_ARN": self.topic,
            "DATA_BUCKET": self.data,
            "DATA_PREFIX": "data/",
            "WINDOW_PERIODS": "12",
            "MAX_OBJECTS": "10000",
            "ARTIFACTS_BUCKET": self.artifacts,
            "PIPELINE_NAME": PIPELINE,
            "MODEL_PACKAGE_GROUP": NAME,
            "RETRAIN_QUEUE_URL": self.retrain_url,
            "COOLDOWN_SECONDS": "0",
            "MAX_RUNS_PER_DAY": "100",
            "RUN_LIMIT_SECONDS": str(RUN_LIMIT_SECONDS),
            "NEW_DATA": "always",
            "APPROVAL_STATUS": "Approved",
            "CODE_VERSION": "0123abc",
            "CONTRACT_VERSION": "1",
            "PROCESSING_INSTANCE_TYPE": "ml.m5.xlarge",
            "TRAINING_INSTANCE_TYPE": "ml.m5.xlarge",
            "ENDPOINT_NAME": NAME,
            "EXECUTION_ROLE_ARN": ROLE,
            "VARIANT_NAME": "live",
            "INSTANCE_TYPE": "ml.m5.large",
            "INSTANCE_COUNT": "1",
            "CAPTURE_PERCENT": "100",
            "NETWORK_ISOLATION": "false",
            "CAPTURE_URI": f"s3://{self.artifacts}/capture",
            "KMS_KEY_ARN": "arn:aws:kms:us-east-1:000000000000:key/0123",
            "ROLLOUT_STRATEGY": "canary",
            "ROLLOUT_STEP_PERCENT": "50",
            "ROLLOUT_BAKE_SECONDS": "300",
            "ROLLOUT_TERMINATION_WAIT_SECONDS": "120",
            "ROLLOUT_MAX_SECONDS": "3600",
            "ROLLBACK_ALARMS": ",".join(self.alarms),
            "KEEP_DEPLOYMENTS": "2",
        }


def record(message: Message, queue: str) -> dict[str, Any]:
    """One message of a queue in the batch that Lambda hands over (page "Using Lambda with Amazon SQS")."""
    return {
        "messageId": message.id,
        "receiptHandle": "handle",
        "body": message.body if isinstance(message.body, str) else json.dumps(message.body),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(int(1000 * message.sent_at.timestamp())),
        },
        "messageAttributes": {
            name: {"dataType": "String", "stringValue": value} for name, value in message.attributes.items()
        },
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
        "awsRegion": "us-east-1",
    }


def object_created(bucket: str, key: str, version_id: str) -> dict[str, Any]:
    """An object was stored."""
    detail = {
        "version": "0",
        "bucket": {"name": bucket},
        "object": {"key": key, "size": 1, "etag": "e", "version-id": version_id, "sequencer": "00"},
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "000000000000",
        "reason": "PutObject",
    }
    return event("aws.s3", "Object Created", detail)


def retrain_requested(reason: str, **detail: Any) -> dict[str, Any]:
    """A person asks for a run."""
    content = {"reason": reason, "requested_by": "ana"} | detail
    return {"source": "tandem", "detail-type": "Retrain Requested", "detail": content}


def alarm_changed(kind: str, value: str, *, timestamp: str, reason: str = CROSSED) -> dict[str, Any]:
    """An alarm of the monitor went on or off."""
    detail = {
        "alarmName": f"{NAME}-{kind}",
        "configuration": {"description": "what it watches", "metrics": []},
        "previousState": {"reason": "Unchecked: Initial alarm creation", "value": "INSUFFICIENT_DATA"},
        "state": {"reason": reason, "reasonData": "{}", "timestamp": timestamp, "value": value},
    }
    return event("aws.cloudwatch", "CloudWatch Alarm State Change", detail)


def execution_ended(arn: str, *, status: str = "Succeeded") -> dict[str, Any]:
    """An execution of the training pipeline ended."""
    detail = {
        "pipelineExecutionDisplayName": "name",
        "currentPipelineExecutionStatus": status,
        "previousPipelineExecutionStatus": "Executing",
        "pipelineArn": arn.partition("/execution/")[0],
        "pipelineExecutionArn": arn,
    }
    return event("aws.sagemaker", "SageMaker Model Building Pipeline Execution Status Change", detail)


def watch_due(at: datetime) -> dict[str, Any]:
    """The schedule asks CloseTraining to look at the run in flight."""
    detail = {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    return {"source": "tandem", "detail-type": "Training Watch Due", "detail": detail}


def package_changed(version: int, *, status: str = "Approved", updated: Sequence[str] = ()) -> dict[str, Any]:
    """A model package changed."""
    detail = {
        "ModelPackageGroupName": NAME,
        "ModelPackageVersion": version,
        "ModelPackageArn": f"{PACKAGES}/{version}",
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": status,
    }
    if updated:
        detail["UpdatedModelPackageFields"] = list(updated)
    return event("aws.sagemaker", "SageMaker Model Package State Change", detail)


def deployment_requested(version: int, *, reason: str = "version 2 is better on holidays") -> dict[str, Any]:
    """A person asks for a version."""
    detail = {"package_arn": f"{PACKAGES}/{version}", "reason": reason, "requested_by": "ana"}
    return {"source": "tandem", "detail-type": "Deployment Requested", "detail": detail}


def endpoint_changed(status: str, **more: Any) -> dict[str, Any]:
    """The endpoint changed."""
    detail = {"EndpointName": NAME, "EndpointStatus": status, "EndpointConfigName": "whatever"} | more
    return event("aws.sagemaker", "SageMaker Endpoint State Change", detail)


def event(source: str, detail_type: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    """An event as EventBridge delivers it (page "AWS service event metadata")."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": detail_type,
        "source": source,
        "account": "000000000000",
        "time": "2013-03-01T10:15:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }
