"""Queues in memory: at least once, in no order, invisible while they are worked on, dead after too many receives.

AWS pages: "Amazon SQS at-least-once delivery", "Amazon SQS visibility timeout", "Using dead-letter queues in Amazon
SQS". Settings are those of ``stacks/constructs/event_path.py``.
"""

import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from standing_clock import Clock

ATTEMPTS = 5
ADDRESS = "https://sqs.us-east-1.amazonaws.com/000000000000/"


@dataclass
class Waiting:
    """A message in a queue."""

    id: str
    body: Any
    visible_at: datetime
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    receives: int = 0
    copied: bool = False


@dataclass
class Queue:
    """One queue with its dead-letter queue, in front of one function."""

    name: str
    function: str
    timeout: timedelta
    """Of the function; a message stays invisible six times as long."""
    batch: int = 10
    settle: timedelta = timedelta(0)
    waiting: list[Waiting] = field(default_factory=list)
    dead: list[Waiting] = field(default_factory=list)

    def visible(self, now: datetime) -> list[Waiting]:
        return [each for each in self.waiting if each.visible_at <= now]

    def receive(self, now: datetime, *, random: Random) -> list[Waiting]:
        """Take a batch in no order; what was received too often is dead instead."""
        there = self.visible(now)
        random.shuffle(there)
        taken = []
        for message in there[: random.randint(1, self.batch)]:
            if message.receives >= ATTEMPTS:
                self.waiting.remove(message)
                self.dead.append(message)
                continue
            message.receives += 1
            message.visible_at = now + 6 * self.timeout
            taken.append(message)
        return taken

    def deliver_again(self, message: Waiting, *, at: datetime) -> None:
        """Let a second copy of the message appear, whatever becomes of the first one."""
        message.copied = True
        self.waiting.append(replace(message, visible_at=at, receives=0))

    def delete(self, message: Waiting) -> None:
        self.waiting = [each for each in self.waiting if each is not message]

    def redrive(self, message: Waiting, *, at: datetime) -> None:
        """Put a dead letter back."""
        self.dead = [each for each in self.dead if each is not message]
        self.waiting.append(replace(message, visible_at=at, receives=0))


class Queues:
    """All queues of the stage."""

    def __init__(self, clock: Clock, queues: list[Queue]) -> None:
        self.by_name = {queue.name: queue for queue in queues}
        self._clock = clock
        self._ids = itertools.count(1)

    def put(self, name: str, body: Any, *, attributes: Any = None, delay: timedelta | None = None) -> str:
        """Add a message and return its id."""
        queue = self.by_name[name]
        message_id = f"message-{next(self._ids):04d}"
        visible_at = self._clock.now() + (queue.settle if delay is None else delay)
        queue.waiting.append(Waiting(message_id, body, visible_at, attributes or {}))
        return message_id

    def give_up(self, queue: Queue, body: Any) -> None:
        """Add a message that could not be put into a queue to its dead letters."""
        queue.dead.append(Waiting(f"message-{next(self._ids):04d}", body, self._clock.now()))

    def send_message(self, request: dict[str, Any]) -> dict[str, Any]:
        delay = timedelta(seconds=request["DelaySeconds"]) if "DelaySeconds" in request else None
        name = request["QueueUrl"].removeprefix(ADDRESS)
        attributes = {
            each: {"dataType": value["DataType"], "stringValue": value["StringValue"]}
            for each, value in request.get("MessageAttributes", {}).items()
        }
        return {"MessageId": self.put(name, request["MessageBody"], attributes=attributes, delay=delay)}

    def get_queue_url(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"QueueUrl": f"{ADDRESS}{request['QueueName']}"}
