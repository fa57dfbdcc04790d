"""Message move tasks of the embedded SQS: what AWS moves, and what it refuses to."""

import json
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from sandbox.server import Sandbox


class Queues:
    """A queue that gives a message up after its first delivery, and its dead-letter queue."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sqs, tag = sandbox.client("sqs"), uuid4().hex[:8]
        self.dead, self.dead_arn = self.create(f"dead-{tag}")
        policy = json.dumps({"deadLetterTargetArn": self.dead_arn, "maxReceiveCount": 1})
        self.source, self.source_arn = self.create(f"source-{tag}", RedrivePolicy=policy)
        self.other, self.other_arn = self.create(f"other-{tag}")

    def create(self, name: str, **attributes: str) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def give_up(self, body: str) -> str:
        """Let the one delivery of a message fail; returns its id."""
        sent: str = self.sqs.send_message(QueueUrl=self.source, MessageBody=body)["MessageId"]
        for _ in range(2):
            self.sqs.receive_message(QueueUrl=self.source, VisibilityTimeout=0)
        return sent

    def bodies(self, url: str) -> list[str]:
        received = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [each["Body"] for each in received.get("Messages", [])]

    def newest(self) -> dict[str, object]:
        (task,) = self.sqs.list_message_move_tasks(SourceArn=self.dead_arn)["Results"]
        return dict(task)


@pytest.fixture(name="queues")
def _queues(sandbox: Sandbox) -> Queues:
    return Queues(sandbox)


def test_a_message_goes_back_to_its_source_as_a_new_one(queues: Queues) -> None:
    first = queues.give_up("lost")
    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)
    (moved,) = queues.sqs.receive_message(QueueUrl=queues.source)["Messages"]
    assert (moved["Body"], queues.bodies(queues.dead)) == ("lost", [])
    assert moved["MessageId"] != first
    task = queues.newest()
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    assert "DestinationArn" not in task


def test_a_message_that_no_queue_gave_up_needs_a_destination(queues: Queues) -> None:
    queues.sqs.send_message(QueueUrl=queues.dead, MessageBody="sent here")
    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)
    task = queues.newest()
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert queues.bodies(queues.dead) == ["sent here"]

    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn, DestinationArn=queues.other_arn)
    assert (queues.newest()["Status"], queues.bodies(queues.other)) == ("COMPLETED", ["sent here"])


def test_what_somebody_is_reading_stays(queues: Queues) -> None:
    queues.give_up("read")
    queues.sqs.receive_message(QueueUrl=queues.dead, VisibilityTimeout=60)
    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn, DestinationArn=queues.source_arn)
    assert queues.newest()["ApproximateNumberOfMessagesMoved"] == 0


def test_only_dead_letter_queues_that_exist_are_emptied(queues: Queues) -> None:
    with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue"):
        queues.sqs.start_message_move_task(SourceArn=queues.other_arn)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        queues.sqs.start_message_move_task(SourceArn=f"{queues.dead_arn}-gone")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        queues.sqs.start_message_move_task(SourceArn=queues.dead_arn, DestinationArn=f"{queues.dead_arn}-gone")
    with pytest.raises(ClientError, match="Only active tasks"):
        queues.sqs.cancel_message_move_task(TaskHandle="over")
