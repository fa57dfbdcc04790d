"""Invocations that run side by side, one step at a time: each stops before every AWS call until it is let on.

Every invocation has a thread to itself, but only the one that was let on runs: what happens depends on nothing but the
order in which they are let on.
"""

import importlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Lock
from typing import Any

from function_inputs import Context, Message, record

from tests.faults.support.queues import Queue, Waiting

_threads = ThreadPoolExecutor(max_workers=64, thread_name_prefix="invocation")


class Killed(BaseException):
    """The process ended in the middle: Lambda's time limit, memory, a lost host. No handler gets to see it."""


class Invocation:
    """One batch in the hands of a function."""

    def __init__(
        self, queue: Queue, batch: Sequence[Waiting], *, number: int, started: datetime, is_alone: bool
    ) -> None:
        """Describe it; one that is alone never stops, so it needs no thread."""
        self.queue, self.batch, self.number, self.started = queue, batch, number, started
        self.calls = 0
        self.ended = self.is_doomed = False
        self.answer: Any = None
        self.error: BaseException | None = None
        self._event, self._is_alone = _event(queue, batch), is_alone
        if not is_alone:
            self._go, self._stopped = _held(), _held()
            _threads.submit(self._follow)

    @property
    def function(self) -> str:
        return self.queue.function

    @property
    def failed(self) -> list[Waiting]:
        """Messages that have to be delivered again, by Lambda's rules for partial batch responses."""
        if self.error is not None:
            return list(self.batch)
        again = {each["itemIdentifier"] for each in self.answer["batchItemFailures"]}
        return [each for each in self.batch if each.id in again]

    def go_on(self) -> None:
        """Let it run up to its next AWS call, or to its end."""
        if self._is_alone:
            self._run()
        else:
            self._go.release()
            self._stopped.acquire()

    def stop(self) -> None:
        """Called inside the invocation: wait until it is let on."""
        self._stopped.release()
        self._go.acquire()
        if self.is_doomed:
            raise Killed

    def kill(self) -> None:
        """End it where it stands."""
        self.is_doomed = True
        self.go_on()

    def _follow(self) -> None:
        self._go.acquire()
        self._run()
        self._stopped.release()

    def _run(self) -> None:
        try:
            self.answer = _handler(self.function)(self._event, Context(function_name=self.function))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the batch comes back
            self.error = error
        self.ended = True


def _held() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


def _handler(function: str) -> Callable[[dict[str, Any], Context], Any]:
    entry: Callable[[dict[str, Any], Context], Any] = importlib.import_module(f"lambdas.{function}.handler").handler
    return entry


def _event(queue: Queue, batch: Sequence[Waiting]) -> dict[str, Any]:
    records = []
    for each in batch:
        records.append(record(Message(each.body, each.id), queue.name))
        records[-1]["messageAttributes"] = each.attributes
        records[-1]["attributes"]["ApproximateReceiveCount"] = str(each.receives)
    return {"Records": records}
