"""Sends a message back to its own queue while the endpoint is busy.

Waiting is no failure, so it must not use up the receives after which SQS moves a message to the dead-letter queue
(``maxReceiveCount``; changing the visibility timeout would, because each new receive counts). Instead a copy with a
delay is sent and the original is acknowledged: real failures still reach the dead-letter queue after a few receives,
while waiting may last as long as a deployment may take. A crash between the two leaves a duplicate, which is harmless.
The delay doubles from 5 s to 5 min; after 12 hours waiting becomes a failure. Whoever then moves the message back from
the dead-letter queue lets it wait anew: SQS keeps its attributes and gives it a new time.

AWS pages: "Amazon SQS dead-letter queues", "Amazon SQS message timers", "Configuring a dead-letter queue redrive".
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lambdas.shared import clock
from lambdas.shared.errors import NotYetError
from lambdas.shared.telemetry import count, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from mypy_boto3_sqs import SQSClient

_FIRST_DELAY_SECONDS = 5
_LONGEST_DELAY_SECONDS = 300
_PATIENCE = timedelta(hours=12)
_REDRIVEN = _PATIENCE + timedelta(minutes=5)
"""No copy is sent later than this, the clocks of SQS and Lambda being what they are: only a person sends one then."""

_FIRST_MOMENT, _LAST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Between them every moment can be written in UTC."""


@dataclass(frozen=True)
class Ticket:
    """How long a request has been waiting; travels in the attributes of the copies."""

    request_id: str
    rounds: int
    since: datetime

    @classmethod
    def of(cls, record: "SQSRecord") -> "Ticket":
        """Read the ticket of a message; a message without one starts to wait now.

        Raises:
            ValueError: it has one that was not written here.
        """
        attributes = record.message_attributes.items()
        values = {name: each["stringValue"] for name, each in attributes if "stringValue" in each}
        sent_at = datetime.fromtimestamp(int(record.attributes.sent_timestamp) / 1000, UTC)
        request_id = values.get("RequestId", record.message_id)
        if "WaitingSince" not in values:
            return cls(request_id=request_id, rounds=0, since=clock.now())
        since = datetime.fromisoformat(values["WaitingSince"])
        if since.tzinfo is None or not _FIRST_MOMENT <= since < _LAST_MOMENT:
            raise ValueError(f"WaitingSince is {values['WaitingSince']!r}, it must be a moment with an offset from UTC")
        if sent_at > since + _REDRIVEN:
            return cls(request_id=request_id, rounds=0, since=sent_at)
        rounds = int(values.get("Rounds", "0"))
        if rounds < 0:
            raise ValueError(f"Rounds is {rounds}, it must be at least 0")
        return cls(request_id=request_id, rounds=rounds, since=since)


def send_back(sqs: "SQSClient", record: "SQSRecord", *, ticket: Ticket, reason: str) -> None:
    """Let a request wait for another round.

    Raises:
        NotYetError: it has waited for 12 hours.
    """
    if clock.now() - ticket.since > _PATIENCE:
        raise NotYetError(f"gave up waiting since {clock.iso(ticket.since)}: {reason}. Look at the endpoint.")
    *_, account, queue = record.event_source_arn.split(":")
    url = sqs.get_queue_url(QueueName=queue, QueueOwnerAWSAccountId=account)["QueueUrl"]
    delay = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2 ** min(ticket.rounds, 10))
    sqs.send_message(
        QueueUrl=url,
        MessageBody=record.body,
        DelaySeconds=delay,
        MessageAttributes={
            "RequestId": {"DataType": "String", "StringValue": ticket.request_id},
            "Rounds": {"DataType": "Number", "StringValue": str(ticket.rounds + 1)},
            "WaitingSince": {"DataType": "String", "StringValue": clock.iso(ticket.since)},
        },
    )
    logger.info("waiting", reason=reason, seconds=delay)
    count("Waiting")
