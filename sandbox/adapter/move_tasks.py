"""Message move tasks, which the emulator's SQS lacks: how messages leave a dead-letter queue.

A task is over with the call that starts it. AWS takes its time, and tells it through the same ListMessageMoveTasks. AWS
pages: "StartMessageMoveTask", "ListMessageMoveTasks" (Amazon SQS API Reference); "Configuring a dead-letter queue
redrive" (Amazon SQS Developer Guide): a moved message is a new one, with an id and a time of its own, and one that no
queue has moved here has no source to go back to, so that its task needs a destination.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from sandbox.adapter import internals

_KEPT: Final = 10
"""Tasks that AWS tells of."""
_NO_SOURCE: Final = "CouldNotDetermineMessageSource"


def install() -> None:
    """Add the operations to the emulator's SQS."""
    tasks = _Tasks()
    internals.SQS_OPERATIONS.get().update(
        {"StartMessageMoveTask": tasks.start, "ListMessageMoveTasks": tasks.list, "CancelMessageMoveTask": tasks.cancel}
    )


class _Tasks:
    """The tasks of all queues; they end with the sandbox, the messages are the emulator's."""

    def __init__(self) -> None:
        self._of: dict[str, list[dict[str, Any]]] = {}

    def start(self, request: Mapping[str, Any], _url: str) -> dict[str, Any]:
        """Move what can be received now: each message is sent before it is taken away, so none gets lost."""
        arn, destination = str(request.get("SourceArn", "")), request.get("DestinationArn")
        queue = _queue(arn)
        if not _is_dead_letter_queue(arn):
            raise _error("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
        if destination is not None:
            _queue(destination)
        now = time.time()
        ready = [message for message in queue["messages"] if message.get("visible_at", now) <= now]
        task: dict[str, Any] = {
            "Status": "COMPLETED",
            "SourceArn": arn,
            "ApproximateNumberOfMessagesMoved": 0,
            "ApproximateNumberOfMessagesToMove": len(ready),
            "StartedTimestamp": int(now * 1000),
        }
        task |= {name: request[name] for name in ("DestinationArn", "MaxNumberOfMessagesPerSecond") if name in request}
        self._of[arn] = [task, *self._of.get(arn, [])][:_KEPT]
        for message in ready:
            target = destination or message["sys"].get("DeadLetterQueueSourceArn")
            if target is None:
                task |= {"Status": "FAILED", "FailureReason": _NO_SOURCE}
                break
            _send(message, target)
            queue["messages"] = [each for each in queue["messages"] if each is not message]
            task["ApproximateNumberOfMessagesMoved"] += 1
        return {"TaskHandle": f"{arn}/{len(self._of[arn])}"}

    def list(self, request: Mapping[str, Any], _url: str) -> dict[str, Any]:
        """Tell of the newest tasks of a queue."""
        arn = str(request.get("SourceArn", ""))
        _queue(arn)
        return {"Results": self._of.get(arn, [])[: int(request.get("MaxResults", 1))]}

    def cancel(self, _request: Mapping[str, Any], _url: str) -> dict[str, Any]:
        """Refuse, because nothing runs."""
        raise _error("UnsupportedOperation", "Only active tasks can be cancelled.")


def _send(message: Mapping[str, Any], target: str) -> None:
    url = str(_queue(target)["url"])
    content = {
        "QueueUrl": url,
        "MessageBody": message["body"],
        "MessageAttributes": message.get("message_attributes") or {},
    }
    internals.SQS_OPERATIONS.get()["SendMessage"](content, url)


def _queue(arn: str) -> dict[str, Any]:
    found: dict[str, Any] | None = internals.QUEUE_BY_ARN.get()(arn)
    if found is None:
        raise _error("ResourceNotFoundException", f"The queue {arn} doesn't exist.")
    return found


def _is_dead_letter_queue(arn: str) -> bool:
    queues = internals.QUEUES.get().values()
    return any(f'"{arn}"' in str(each["attributes"].get("RedrivePolicy", "")) for each in queues)


def _error(code: str, message: str) -> Exception:
    error: Exception = internals.SQS_ERROR.get()(code, message)
    return error
