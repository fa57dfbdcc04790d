"""A steady stream of requests to a deployed application, and what became of each of them."""

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import urllib3

from sandbox.application import signed_headers

_CALLERS = 24
_OK = 200


@dataclass(frozen=True)
class Reply:
    """One request.

    Attributes:
        at: when it was sent, in seconds of this process's clock.
        seconds: how long it took.
        version: who answered; None when nobody did.
        error: why not.
    """

    at: float
    seconds: float
    version: int | None
    error: str | None = None


@dataclass
class LiveTraffic:
    """Sends `rate` requests a second for as long as the block lasts; no retries, and no bursts after a delay.

    Attributes:
        url: of the application's predictions.
        record: that every request asks about.
        rate: requests a second.
    """

    url: str
    record: Mapping[str, Any]
    rate: float
    _replies: list[Reply] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for caller in range(_CALLERS):
            thread = threading.Thread(target=self._call, args=(caller / self.rate,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def since(self, moment: float) -> Sequence[Reply]:
        """What was sent after a moment of `time.monotonic` and is answered by now."""
        return [reply for reply in tuple(self._replies) if reply.at >= moment]

    def _call(self, first: float) -> None:
        body = json.dumps({"records": [self.record]}).encode()
        headers = signed_headers("POST", self.url, body=body)
        every, due = _CALLERS / self.rate, time.monotonic() + first
        with urllib3.PoolManager(retries=False, timeout=30) as pool:
            while not self._stopping.wait(max(0.0, due - time.monotonic())):
                due = max(due + every, time.monotonic())
                self._replies.append(self._ask(pool, body, headers))

    def _ask(self, pool: urllib3.PoolManager, body: bytes, headers: Mapping[str, str]) -> Reply:
        at = time.monotonic()
        try:
            response = pool.request("POST", self.url, body=body, headers=headers)
            answer = response.json()
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            return Reply(at, time.monotonic() - at, None, str(error))
        if response.status != _OK:
            return Reply(at, time.monotonic() - at, None, f"{response.status} {answer}")
        # The archive's own number is what it predicts; the other one is what the deployment gave to the container.
        version = answer["model_version"]
        assert [each["prediction"] for each in answer["predictions"]] == [int(version)], answer
        return Reply(at, time.monotonic() - at, int(version))


def versions(replies: Sequence[Reply]) -> Counter[int | None]:
    """How many requests each version answered."""
    return Counter(reply.version for reply in replies)


def failures(replies: Sequence[Reply]) -> list[str]:
    """Why requests were not answered."""
    return [reply.error for reply in replies if reply.error is not None]
