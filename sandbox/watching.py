"""Waiting while something is watched: how a deployment bakes, whoever runs it."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sandbox.sagemaker.platform import Clock

_POLL_EVERY = 5.0
_SHORTEST_POLL, _LONGEST_POLL = 0.05, 1.0


def watch(clock: Clock, seconds: float, *, check: Callable[[], None], closing: threading.Event) -> bool:
    """Let so many seconds of the clock pass and call `check` all along, which raises when it has seen enough.

    Returns:
        False when `closing` was set meanwhile.
    """
    poll = min(_LONGEST_POLL, max(_SHORTEST_POLL, clock.real_seconds(_POLL_EVERY)))
    # Whichever comes first: somebody may move the clock forward while it runs.
    deadline, until = time.monotonic() + clock.real_seconds(seconds), clock.now() + timedelta(seconds=seconds)
    while True:
        check()
        left = min(deadline - time.monotonic(), clock.real_seconds((until - clock.now()).total_seconds()))
        if left <= 0:
            return True
        if closing.wait(min(left, poll)):
            return False


def ringing(cloudwatch: Any, alarms: Sequence[str]) -> list[str]:
    """Which of the alarms are in the state ALARM, asked with a client of CloudWatch."""
    if not alarms:
        return []
    answer = cloudwatch.describe_alarms(
        AlarmNames=list(alarms), AlarmTypes=["MetricAlarm", "CompositeAlarm"], StateValue="ALARM"
    )
    return [alarm["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for alarm in answer.get(kind, ())]
