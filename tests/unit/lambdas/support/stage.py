"""One stage of Tandem for one test: its own table, buckets, queues and topic, and the handlers' real entry points."""

import importlib
import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from function_inputs import (
    CROSSED,
    NAME,
    PIPELINE,
    ROLE,
    Context,
    Message,
    Resources,
    alarm_changed,
    deployment_requested,
    endpoint_changed,
    execution_ended,
    object_created,
    package_changed,
    record,
    retrain_requested,
    watch_due,
)
from sagemaker_in_memory import SageMaker
from standing_clock import Clock

from lambdas.shared.attributes import decode_item
from lambdas.shared.ledger import Ledger
from tests.unit.lambdas.support.gate import Gate

__all__ = ["CROSSED", "NAME", "PIPELINE", "ROLE", "Context", "Message", "Stage", "has_failed", "only_execution"]


def has_failed(answer: Any) -> bool:
    """Whether a handler asks for at least one message to be delivered again."""
    return bool(answer["batchItemFailures"])


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
        resources = Resources(
            table=self.table,
            data=self.data,
            artifacts=self.artifacts,
            topic=self.topic,
            retrain_url=self.retrain_url,
            alarms=self.alarms,
        )
        return resources.variables()

    # -- entry points

    def invoke(self, function: str, messages: Sequence[Message], *, queue: str = "queue") -> Any:
        """Call a handler the way Lambda does and return its answer."""
        handler = importlib.import_module(f"lambdas.{function}.handler").handler
        records = [record(message, queue) for message in messages]
        return handler({"Records": records}, Context())

    def start_training(self, *messages: Message) -> Any:
        """Deliver messages to StartTraining."""
        return self.invoke("start_training", messages)

    def close_training(self, execution_arn: str) -> Any:
        """Deliver the end of an execution to CloseTraining."""
        return self.invoke("close_training", [self.execution_event(execution_arn)])

    def look(self, at: datetime | None = None) -> Any:
        """Let CloseTraining look at the run in flight, as of now unless another time is given."""
        return self.invoke("close_training", [self.message(watch_due(at or self.clock.now()))])

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
        """The event of a stored object."""
        return self.message(object_created(self.data, key, version_id))

    def retrain(self, reason: str = "the winter schedule", **detail: Any) -> Message:
        """A person asks for a run."""
        return self.message(retrain_requested(reason, **detail))

    def alarm(self, kind: str, value: str = "ALARM", *, at: str = "2013-03-01T09:00", reason: str = CROSSED) -> Message:
        """An alarm changed its state."""
        return self.message(alarm_changed(kind, value, timestamp=f"{at}:00.000+0000", reason=reason))

    def execution_event(self, arn: str) -> Message:
        """An execution ended."""
        return self.message(execution_ended(arn))

    def package_event(self, version: int, *, status: str = "Approved", updated: Sequence[str] = ()) -> Message:
        """A model package changed."""
        return self.message(package_changed(version, status=status, updated=updated))

    def deployment_request(self, version: int) -> Message:
        """A person asks for a version."""
        return self.message(deployment_requested(version))

    def endpoint_event(self, status: str, **more: Any) -> Message:
        """The endpoint changed."""
        return self.message(endpoint_changed(status, **more))

    def message(self, body: Any, **attributes: str) -> Message:
        """Wrap a body."""
        return Message(body, f"message-{next(self._ids):04d}", attributes)

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
