"""Events of SageMaker, sent in the order in which they happened and off the path of the work that causes them.

Shapes: AWS's page "Events that Amazon SageMaker AI sends to Amazon EventBridge".
"""

import json
import logging
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.codec import without_nones

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Event:
    detail_type: str
    detail: Mapping[str, Any]
    resources: tuple[str, ...]


def epoch_milliseconds(moment: datetime) -> int:
    """The form of time that most of SageMaker's events use."""
    return round(moment.timestamp() * 1000)


def iso_seconds(moment: datetime) -> str:
    """The form of time that the events of pipelines and model packages use."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return epoch_milliseconds(value)
    raise TypeError(f"{type(value).__name__} has no place in an event")


class Events:
    """Hands events to the platform from one thread, so that their order is kept."""

    def __init__(self, platform: Platform, *, duplicate: bool) -> None:
        self._platform = platform
        self._copies = 2 if duplicate else 1
        self._queue: queue.SimpleQueue[_Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sagemaker-events", daemon=True)
        self._thread.start()

    def emit(self, detail_type: str, *, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
        """Send an event; datetimes become epoch milliseconds, members that are None are left out."""
        plain = json.loads(json.dumps(without_nones(detail), default=_plain))
        for _ in range(self._copies):
            self._queue.put(_Event(detail_type=detail_type, detail=plain, resources=tuple(resources)))

    def stop(self) -> None:
        """Send what is waiting, then end."""
        self._queue.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self._platform.emit(event.detail_type, detail=event.detail, resources=event.resources)
            except Exception:  # noqa: BLE001 - one event that the bus refuses must not silence all later ones
                _log.exception("the event %r was lost: %s", event.detail_type, event.detail)
