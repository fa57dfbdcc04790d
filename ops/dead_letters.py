"""What lies in the dead-letter queues of a stage, since when, and why.

Two ways lead into one: SQS moves what a handler could not handle, and EventBridge (a rule, or the Scheduler) sends what
it could not deliver. AWS pages: "Using dead-letter queues in Amazon SQS" (a standard queue keeps the time at which a
message was first sent); "Using dead-letter queues to process undelivered events" (Amazon EventBridge User Guide) and
"Configuring a dead-letter queue for EventBridge Scheduler", for the attributes that say why.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ops.stage import Stage
from ops.teardown.plan import STACKS

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_CONSTRUCT: Final = "DeadLetters"
"""Id of the constructs (stacks/constructs/dead_letters.py); some take what EventBridge could not deliver elsewhere."""
_LOOKED_AT: Final = 100
"""Messages of a queue that are looked at; the count is of all of them."""
_BATCH: Final = 10
_HIDDEN_SECONDS: Final = 60
"""How long a message that is looked at stays hidden when nobody puts it back, because the command was interrupted."""
_COUNTERS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue of the stage."""

    url: str
    arn: str

    @property
    def name(self) -> str:
        """Its physical name, which begins with the stack's."""
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True, kw_only=True)
class DeadLetters:
    """What lies in one dead-letter queue.

    Attributes:
        queue: the dead-letter queue.
        source: the queue of a handler whose messages these are; None where EventBridge keeps here what it could not
            deliver to anything else.
        count: how many there are.
        oldest_at: when the oldest one that was looked at was first sent.
        reason: why that one is here.
        target: ARN of what EventBridge could not deliver that one to; None for what a handler failed on.
    """

    queue: Queue
    source: Queue | None
    count: int
    oldest_at: datetime | None = None
    reason: str | None = None
    target: str | None = None

    def as_json(self, *, now: datetime) -> dict[str, Any]:
        """The same for machines."""
        return {
            "queue": self.queue.name,
            "source": self.source.name if self.source else None,
            "count": self.count,
            "oldest_at": self.oldest_at.isoformat() if self.oldest_at else None,
            "oldest_age_seconds": int((now - self.oldest_at).total_seconds()) if self.oldest_at else None,
            "reason": self.reason,
        }


def find(stage: Stage) -> list[DeadLetters]:
    """Look into every dead-letter queue of a stage, the empty ones included; nothing is taken out.

    Raises:
        OpsError: the stage is not deployed here.
    """
    _ = stage.retrain_queue_url  # says what to do when there is no such stage
    sqs = stage.target.sqs
    resources = dict(_queues(stage))
    attributes = {url: _attributes(sqs, url) for url in resources}
    sources = {
        json.loads(each["RedrivePolicy"])["deadLetterTargetArn"]: Queue(url=url, arn=each["QueueArn"])
        for url, each in attributes.items()
        if "RedrivePolicy" in each
    }
    found = [
        _look(sqs, Queue(url=url, arn=each["QueueArn"]), sources.get(each["QueueArn"]), count=count(each))
        for url, each in attributes.items()
        if each["QueueArn"] in sources or _CONSTRUCT in resources[url]
    ]
    return sorted(found, key=lambda letters: letters.queue.name)


def count(attributes: Mapping[str, str]) -> int:
    """Return how many messages a queue holds, whether they can be received now or not."""
    return sum(int(attributes.get(counter, "0")) for counter in _COUNTERS)


def _attributes(sqs: "SQSClient", url: str) -> dict[str, str]:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return {str(name): value for name, value in answer["Attributes"].items()}


def _queues(stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield URL and logical id of every queue; a physical name may be cut before it says what the queue is for."""
    for suffix in STACKS:
        pages = stage.target.cloudformation.get_paginator("list_stack_resources")
        try:
            for page in pages.paginate(StackName=f"{stage.name}-{suffix}"):
                for resource in page["StackResourceSummaries"]:
                    if resource["ResourceType"] == "AWS::SQS::Queue" and resource.get("PhysicalResourceId"):
                        yield resource["PhysicalResourceId"], resource["LogicalResourceId"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":  # what CloudFormation answers for an absent stack
                raise


def _look(sqs: "SQSClient", queue: Queue, source: Queue | None, *, count: int) -> DeadLetters:
    if not count:
        return DeadLetters(queue=queue, source=source, count=0)
    seen: list[MessageTypeDef] = []
    try:
        while len(seen) < min(count, _LOOKED_AT):
            received = sqs.receive_message(
                QueueUrl=queue.url,
                MaxNumberOfMessages=_BATCH,
                VisibilityTimeout=_HIDDEN_SECONDS,
                # Without, SQS asks only some of its servers (page "Amazon SQS short and long polling").
                WaitTimeSeconds=1,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            if not received:
                break
            seen += received
    finally:
        _put_back(sqs, queue, seen)
    if not seen:
        return DeadLetters(queue=queue, source=source, count=count)
    oldest = min(seen, key=_sent_at)
    return DeadLetters(
        queue=queue,
        source=source,
        count=count,
        oldest_at=_sent_at(oldest),
        reason=_reason(oldest),
        target=_told(oldest).get("TARGET_ARN"),
    )


def _put_back(sqs: "SQSClient", queue: Queue, seen: Sequence["MessageTypeDef"]) -> None:
    for first in range(0, len(seen), _BATCH):
        sqs.change_message_visibility_batch(
            QueueUrl=queue.url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
                for number, message in enumerate(seen[first : first + _BATCH])
            ],
        )


def _sent_at(message: "MessageTypeDef") -> datetime:
    return datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)


def _reason(message: "MessageTypeDef") -> str:
    """Say what the message is and why it is here."""
    told = _told(message)
    what = f"{_kind(message['Body'])} (message {message['MessageId']})"
    if "ERROR_CODE" in told:
        why = ": ".join(part for part in (told["ERROR_CODE"], told.get("ERROR_MESSAGE")) if part)
        return f"{what}: EventBridge could not deliver it, {why}"
    return f"{what}: every delivery to its handler failed; the handler's log has the error under the message's id"


def _told(message: "MessageTypeDef") -> dict[str, str]:
    """Return what EventBridge wrote beside the message."""
    return {name: each.get("StringValue", "") for name, each in message.get("MessageAttributes", {}).items()}


def _kind(body: str) -> str:
    """Name an event by its type; what is none is quoted, shortened."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        event = None
    kind = event.get("detail-type") if isinstance(event, dict) else None
    return kind if isinstance(kind, str) and kind else f"no event, {' '.join(body.split())[:60]!r},"
