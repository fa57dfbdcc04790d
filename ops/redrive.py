"""Moves dead letters back to the queues they were for.

The destination is named, although SQS would find it: it knows the source of what it moved itself, and none for what
EventBridge sent here, which belongs in the same queue. AWS pages: "StartMessageMoveTask", "ListMessageMoveTasks"
(Amazon SQS API Reference) and "Configuring a dead-letter queue redrive" (Developer Guide). A message that is moved back
is a new one to SQS, and every handler may see one twice, late and out of order.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ops.dead_letters import DeadLetters
from ops.errors import OpsError, UsageError
from ops.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import ListMessageMoveTasksResultEntryTypeDef

_RUNNING: Final = frozenset({"RUNNING", "CANCELLING"})
_PATIENCE_SECONDS: Final = 600
_NO_SOURCE: Final = (
    "no queue is their source: {what}. Nothing of the loop waits for them: read them, do what the alarm's description "
    "says, then empty the queue with aws sqs purge-queue --queue-url {url}"
)
_CALLED: Final = {
    "scheduler": "EventBridge Scheduler could not start what its schedule is for; the next start does what this one "
    "would have",
    "sns": "EventBridge could not publish a message to the topic {name}, and nobody was told",
    "sqs": "EventBridge Scheduler could not put its message into {name}; the next message of the schedule does what "
    "this one would have",
}
"""By the service that was called. A call of an API on a schedule has the Scheduler's own ARN (AWS page "Using universal
targets in EventBridge Scheduler")."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the messages of one dead-letter queue.

    Attributes:
        letters: what lay there.
        moved: how many are back in their queue.
        left: why the others are not; None when none was left.
    """

    letters: DeadLetters
    moved: int
    left: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {"moved": self.moved, "left": self.left}


def select(found: Sequence[DeadLetters], *, queue: str | None) -> list[DeadLetters]:
    """Return those whose name, or whose source's name, contains a text.

    Raises:
        UsageError: it is in none of the names.
    """
    if queue is None:
        return list(found)
    chosen = [each for each in found if any(queue.lower() in name.lower() for name in _names(each))]
    if not chosen:
        names = ", ".join(each.queue.name for each in found) or "none"
        raise UsageError(f"--queue {queue}: neither a dead-letter queue nor a source of one is called so: {names}")
    return chosen


def redrive(stage: Stage, found: Iterable[DeadLetters], *, told: Callable[[str], None]) -> list[Outcome]:
    """Move everything that has a queue to go back to, one queue after the other."""
    return [_redriven(stage, letters, told=told) for letters in found if letters.count]


def _names(letters: DeadLetters) -> Iterable[str]:
    return (letters.queue.name, *([letters.source.name] if letters.source else []))


def _redriven(stage: Stage, letters: DeadLetters, *, told: Callable[[str], None]) -> Outcome:
    if letters.source is None:
        left = _NO_SOURCE.format(what=_called(letters.target), url=letters.queue.url)
        return Outcome(letters=letters, moved=0, left=left)
    told(f"moving {letters.count} from {letters.queue.name} to {letters.source.name}")
    under_way = _newest(stage, letters)
    if under_way is None or under_way["Status"] not in _RUNNING:  # else somebody began it; only one may run
        stage.target.sqs.start_message_move_task(SourceArn=letters.queue.arn, DestinationArn=letters.source.arn)
    ended = _followed(stage, letters)
    moved = ended.get("ApproximateNumberOfMessagesMoved", 0)
    match ended["Status"]:
        case "COMPLETED":
            return Outcome(letters=letters, moved=moved, left=_hidden(letters, moved))
        case "FAILED":
            why = ended.get("FailureReason", "SQS gave no reason")
            return Outcome(letters=letters, moved=moved, left=f"the move failed: {why}; run it again")
        case "CANCELLED":
            return Outcome(letters=letters, moved=moved, left="somebody cancelled the move; run it again")
        case _:
            return Outcome(
                letters=letters,
                moved=moved,
                left=f"the move goes on after {_PATIENCE_SECONDS} s, by itself; run it again to follow it",
            )


def _called(target: str | None) -> str:
    match (target or "").split(":"):
        case [_, _, service, *_, name] if service in _CALLED:
            return _CALLED[service].format(name=name)
        case _:
            return "no handler was to get them"


def _followed(stage: Stage, letters: DeadLetters) -> "ListMessageMoveTasksResultEntryTypeDef":
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        task = _newest(stage, letters)
        if task is None:
            raise OpsError(f"SQS started to move the messages of {letters.queue.name} and tells nothing about it")
        if task["Status"] not in _RUNNING or time.monotonic() > deadline:
            return task
        time.sleep(min(5, stage.target.poll_seconds))


def _newest(stage: Stage, letters: DeadLetters) -> "ListMessageMoveTasksResultEntryTypeDef | None":
    tasks = stage.target.sqs.list_message_move_tasks(SourceArn=letters.queue.arn, MaxResults=1)
    return next(iter(tasks.get("Results", [])), None)


def _hidden(letters: DeadLetters, moved: int) -> str | None:
    missing = letters.count - moved
    if missing <= 0:
        return None
    return f"{missing} could not be received, because somebody else is reading them; run it again in a minute"
