"""A window on the event bus: a rule and a queue of the demo's own, created through the public APIs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient

_NAME = "demo-watches-every-event"
_PATTERN = {"source": ["aws.s3", "aws.sagemaker"]}


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Receives a copy of every event of S3 and SageMaker."""

    events: "EventBridgeClient"
    sqs: "SQSClient"
    queue_url: str

    @classmethod
    def open(cls, *, events: "EventBridgeClient", sqs: "SQSClient") -> "Watch":
        """Create the queue, let EventBridge send to it, and subscribe it."""
        queue_url = sqs.create_queue(QueueName=_NAME)["QueueUrl"]
        queue_arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rule_arn = events.put_rule(Name=_NAME, EventPattern=json.dumps(_PATTERN))["RuleArn"]
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
        }
        policy = {"Version": "2012-10-17", "Statement": [allow]}
        sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": json.dumps(policy)})
        events.put_targets(Rule=_NAME, Targets=[{"Id": "queue", "Arn": queue_arn}])
        return cls(events=events, sqs=sqs, queue_url=queue_url)

    def drain(self) -> Iterator[dict[str, Any]]:
        """Yield the events that have arrived, oldest first, and forget them."""
        while messages := self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                yield json.loads(message["Body"])
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])

    def close(self) -> None:
        """Take the rule and the queue away again."""
        self.events.remove_targets(Rule=_NAME, Ids=["queue"])
        self.events.delete_rule(Name=_NAME)
        self.sqs.delete_queue(QueueUrl=self.queue_url)
