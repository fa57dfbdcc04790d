"""Requests for training that Tandem sends to its own retrain queue."""

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lambdas.shared import clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class RetrainQueue:
    """Writes to the retrain queue."""

    def __init__(self, client: "SQSClient", *, url: str) -> None:
        self._client = client
        self._url = url

    def wake_up(self, *, reason: str, sender: str, delay_seconds: int | None = None) -> datetime | None:
        """Ask StartTraining to look at the ledger again.

        The wish itself stays in the ledger (``dirty``), so a duplicate of this message is harmless. ``delay_seconds``
        is at most 900 (page "Amazon SQS delay queues"); ``None`` leaves the queue's own settle time.

        Returns:
            When a delayed message is due; the message says it too, so that it is known from its copies.
        """
        due = None if delay_seconds is None else clock.now() + timedelta(seconds=delay_seconds)
        body = {
            "source": "tandem",
            "detail-type": "Retrain Requested",
            "detail": {"reason": reason, "requested_by": sender, "wake_up": True}
            | ({"due": clock.iso(due)} if due is not None else {}),
        }
        delay: dict[str, Any] = {} if delay_seconds is None else {"DelaySeconds": delay_seconds}
        self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(body), **delay)
        return due
