"""A steady stream of requests to an endpoint, and what became of each of them."""

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_CALLERS = 24
_CONFIG = Config(proxies={}, retries={"total_max_attempts": 1}, read_timeout=30)


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
    """Sends `rate` requests a second for as long as the block lasts; no retries, and no bursts after a delay."""

    endpoint_url: str
    endpoint: str
    rate: float
    _replies: list[Reply] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        numbers = itertools.count()
        for caller in range(_CALLERS):
            thread = threading.Thread(target=self._call, args=(numbers, caller / self.rate), daemon=True)
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

    def _call(self, numbers: Iterator[int], first: float) -> None:
        runtime = boto3.session.Session(
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 - the embedded AWS takes any
            region_name="us-east-1",
        ).client("sagemaker-runtime", endpoint_url=self.endpoint_url, config=_CONFIG)
        every, due = _CALLERS / self.rate, time.monotonic() + first
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + every, time.monotonic())
            self._replies.append(self._ask(runtime, next(numbers)))

    def _ask(self, runtime: Any, number: int) -> Reply:
        at = time.monotonic()
        try:
            answer = runtime.invoke_endpoint(
                EndpointName=self.endpoint,
                ContentType="application/json",
                Accept="application/json",
                InferenceId=f"request-{number}",
                Body=json.dumps({"instances": [number]}),
            )
            body = json.loads(answer["Body"].read())
        except (ClientError, BotoCoreError) as error:
            return Reply(at, time.monotonic() - at, None, str(error))
        # The archive names its version, and so does the variable that the deployment gave to the container.
        assert body["model_version"] == body["archive"], body
        return Reply(at, time.monotonic() - at, int(body["model_version"]))


def versions(replies: Sequence[Reply]) -> Counter[int | None]:
    """How many requests each version answered."""
    return Counter(reply.version for reply in replies)


def failures(replies: Sequence[Reply]) -> list[str]:
    """Why requests were not answered."""
    return [reply.error for reply in replies if reply.error is not None]
