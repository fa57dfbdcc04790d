"""One stage of Tandem for one test: its own table, buckets, queues and topic, and the handlers' real entry points."""

import importlib
import itertools
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lambdas.shared.attributes import decode_item
from lambdas.shared.ledger import Ledger
from tests.unit.lambdas.support.clock import Clock
from tests.unit.lambdas.support.gate import Gate
from tests.unit.lambdas.support.sagemaker import SageMaker

PROJECT, ENVIRONMENT = "flights", "sandbox"
NAME = f"{PROJECT}-{ENVIRONMENT}"
PIPELINE = f"{NAME}-training"
CROSSED = (
    "Threshold Crossed: 3 out of the last 5 datapoints [0.31234567 (28/02/13 00:00:00), 0.25 (27/02/13 00:00:00), "
    "0.11 (26/02/13 00:00:00)] were greater than the threshold (0.1) (minimum 3 datapoints for OK -> ALARM transition)."
)
ROLE = "arn:aws:iam::000000000000:role/flights-sandbox-execution"


@dataclass(frozen=True)
class Message:
    """A message of a queue, as Lambda hands it over."""

    body: Any
    id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    sent_at: datetime = datetime(2013, 3, 1, 10, 15, tzinfo=UTC)


def has_failed(answer: Any) -> bool:
    """Whether a handler asks for at least one message to be delivered again."""
    return bool(answer["batchItemFailures"])


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
class Shared:
    """Resources that tests may share: nothing that one writes there is read by another."""

    artifacts: str
    retrain_url: str
    deploy_url: str
    topic: str

    @classmethod
    def create(cls, clients: Mapping[str, Any]) -> "Shared":
        """Create them."""
        create_bucket(clients["s3"], "artifacts")
        return cls(
            artifacts="artifacts",
            retrain_url=clients["sqs"].create_queue(QueueName="retrain")["QueueUrl"],
            deploy_url=clients["sqs"].create_queue(QueueName="deploy")["QueueUrl"],
            topic=clients["sns"].create_topic(Name="notifications")["TopicArn"],
        )


def create_bucket(s3: Any, name: str) -> None:
    """Create a versioned bucket."""
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


class Stage:
    """Resources, state and entry points."""

    def __init__(
        self, clients: Mapping[str, Any], *, shared: Shared, sagemaker: SageMaker, gate: Gate, clock: Clock
    ) -> None:
        self.clients = clients
        self.sagemaker = sagemaker
        self.gate = gate
        self.clock = clock
        self._ids = itertools.count(1)
        tag = uuid.uuid4().hex[:12]
        self.alarms = [f"{NAME}-rollback-{kind}-{tag}" for kind in ("errors", "latency")]
        self.table, self.data = f"ledger-{tag}", f"data-{tag}"
        self._create_table()
        create_bucket(clients["s3"], self.data)
        self.artifacts, self.topic = shared.artifacts, shared.topic
        self.retrain_url, self.deploy_url = shared.retrain_url, shared.deploy_url
        self.deploy_queue = shared.deploy_url.rpartition("/")[2]
        self.ledger = Ledger(clients["dynamodb"], table=self.table)
        gate.calls.clear()

    def _create_table(self) -> None:
        self.clients["dynamodb"].create_table(
            TableName=self.table,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )

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

    # -- entry points

    def invoke(self, function: str, messages: Sequence[Message], *, queue: str = "queue") -> Any:
        """Call a handler the way Lambda does and return its answer."""
        handler = importlib.import_module(f"lambdas.{function}.handler").handler
        records = [self._record(message, queue) for message in messages]
        return handler({"Records": records}, Context())

    def start_training(self, *messages: Message) -> Any:
        """Deliver messages to StartTraining."""
        return self.invoke("start_training", messages)

    def close_training(self, execution_arn: str) -> Any:
        """Deliver the end of an execution to CloseTraining."""
        return self.invoke("close_training", [self.execution_event(execution_arn)])

    def end_run(self, status: str = "Succeeded") -> None:
        """Let the run in flight end and deliver that to CloseTraining."""
        execution = self.ledger.training().execution_arn
        assert execution is not None
        self.sagemaker.end(execution, status)
        self.close_training(execution)

    def deploy(self, *messages: Message) -> Any:
        """Deliver messages to DeployModel."""
        return self.invoke("deploy_model", messages, queue=self.deploy_queue)

    def confirm(self, status: str = "IN_SERVICE", **detail: Any) -> Any:
        """Deliver an event of the endpoint to ConfirmDeployment."""
        return self.invoke("confirm_deployment", [self.endpoint_event(status, **detail)])

    def _record(self, message: Message, queue: str) -> dict[str, Any]:
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

    def ring(self, alarm: str, state: str = "ALARM") -> None:
        """Put an alarm that undoes deployments into a state."""
        cloudwatch = self.clients["cloudwatch"]
        cloudwatch.put_metric_alarm(
            AlarmName=alarm,
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=3,
            Threshold=0.01,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="a test")

    # -- messages

    def drop(self, period: str, *, name: str = "part", content: str = "x") -> Message:
        """Store an object of data and return its event."""
        key = f"data/period={period}/{name}.parquet"
        stored = self.clients["s3"].put_object(Bucket=self.data, Key=key, Body=content.encode())
        return self.object_event(key, stored["VersionId"])

    def object_event(self, key: str, version_id: str) -> Message:
        """The event of a stored object (AWS page "EventBridge event message structure")."""
        detail = {
            "version": "0",
            "bucket": {"name": self.data},
            "object": {"key": key, "size": 1, "etag": "e", "version-id": version_id, "sequencer": "00"},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "000000000000",
            "reason": "PutObject",
        }
        return self.message(self._event("aws.s3", "Object Created", detail))

    def retrain(self, reason: str = "the winter schedule", **detail: Any) -> Message:
        """A person asks for a run."""
        content = {"reason": reason, "requested_by": "ana"} | detail
        return self.message({"source": "tandem", "detail-type": "Retrain Requested", "detail": content})

    def alarm(self, kind: str, value: str = "ALARM", *, at: str = "2013-03-01T09:00", reason: str = CROSSED) -> Message:
        """An alarm changed its state (AWS page "Alarm events and EventBridge")."""
        detail = {
            "alarmName": f"{NAME}-{kind}",
            "configuration": {"description": "what it watches", "metrics": []},
            "previousState": {"reason": "Unchecked: Initial alarm creation", "value": "INSUFFICIENT_DATA"},
            "state": {"reason": reason, "reasonData": "{}", "timestamp": f"{at}:00.000+0000", "value": value},
        }
        return self.message(self._event("aws.cloudwatch", "CloudWatch Alarm State Change", detail))

    def execution_event(self, arn: str) -> Message:
        """An execution ended."""
        detail = {
            "pipelineExecutionDisplayName": "name",
            "currentPipelineExecutionStatus": "Succeeded",
            "previousPipelineExecutionStatus": "Executing",
            "pipelineArn": arn.partition("/execution/")[0],
            "pipelineExecutionArn": arn,
        }
        kind = "SageMaker Model Building Pipeline Execution Status Change"
        return self.message(self._event("aws.sagemaker", kind, detail))

    def package_event(self, version: int, *, status: str = "Approved", updated: Sequence[str] = ()) -> Message:
        """A model package changed."""
        detail = {
            "ModelPackageGroupName": NAME,
            "ModelPackageVersion": version,
            "ModelPackageArn": f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{NAME}/{version}",
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": status,
        }
        if updated:
            detail["UpdatedModelPackageFields"] = list(updated)
        return self.message(self._event("aws.sagemaker", "SageMaker Model Package State Change", detail))

    def deployment_request(self, version: int) -> Message:
        """A person asks for a version."""
        detail = {
            "package_arn": f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{NAME}/{version}",
            "reason": "version 2 is better on holidays",
            "requested_by": "ana",
        }
        return self.message({"source": "tandem", "detail-type": "Deployment Requested", "detail": detail})

    def endpoint_event(self, status: str, **more: Any) -> Message:
        """The endpoint changed."""
        detail = {"EndpointName": NAME, "EndpointStatus": status, "EndpointConfigName": "whatever"} | more
        return self.message(self._event("aws.sagemaker", "SageMaker Endpoint State Change", detail))

    def message(self, body: Any, **attributes: str) -> Message:
        """Wrap a body."""
        return Message(body, f"message-{next(self._ids):04d}", attributes)

    @staticmethod
    def _event(source: str, detail_type: str, detail: Mapping[str, Any]) -> dict[str, Any]:
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

    # -- what happened

    def notifications(self) -> list[str]:
        """The subjects of the messages to people, without the stage."""
        return [call["Subject"].removeprefix(f"[{NAME}] ") for call in self.gate.made("Publish")]

    def wake_ups(self) -> list[dict[str, Any]]:
        """The calls that put messages into queues."""
        return self.gate.made("SendMessage")

    def items(self, pk: str) -> list[dict[str, Any]]:
        """All records under a partition key, as plain values."""
        found = self.clients["dynamodb"].query(
            TableName=self.table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": pk}}
        )["Items"]
        return [decode_item(item) for item in found]


def only_execution(stage: Stage) -> str:
    """ARN of the one execution there is."""
    (arn,) = stage.sagemaker.executions
    return arn
