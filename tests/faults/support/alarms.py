"""Alarms on dead letters as the templates have them, which tell people when they go on, and of nothing else.

AWS pages: "Using Amazon CloudWatch alarms" (actions are invoked when an alarm changes its state, and are not invoked
again while it keeps it) and "Alarm evaluation".
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dead_letter_alarms

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
}
_SEEN = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Statistic": "Maximum"}


@dataclass
class Alarm:
    """One alarm, judged at the end of each of its periods."""

    name: str
    of: Mapping[str, Any]
    is_on: bool = False
    breaches: int = 0
    """Periods in a row."""

    @property
    def period(self) -> timedelta:
        return timedelta(seconds=self.of["Period"])

    def is_reached_by(self, messages: int) -> bool:
        return _COMPARISONS[self.of["ComparisonOperator"]](messages, self.of["Threshold"])

    def judge(self, most: int) -> bool:
        """Judge the period that is over by the most messages in it; whether people are told something now."""
        self.breaches = self.breaches + 1 if self.is_reached_by(most) else 0
        was_on, self.is_on = self.is_on, self.breaches >= self.of["EvaluationPeriods"]
        return self.is_on and not was_on and self.of["ActionsEnabled"] and bool(self.of["AlarmActions"])


class DeadLetterQueue:
    """One dead-letter queue with its alarms; how full it was is remembered until it is judged."""

    def __init__(self, name: str, *, alarms: Mapping[str, Any], now: datetime) -> None:
        """Describe it; an alarm on another metric sees nothing of it."""
        self.name = name
        self.alarms = [Alarm(each, of) for each, of in alarms.items() if _SEEN.items() <= of.items()]
        self._changes: list[tuple[datetime, int]] = [(now, 0)]

    @property
    def is_watched(self) -> bool:
        """Whether an alarm is on."""
        return any(alarm.is_on for alarm in self.alarms)

    def holds(self, messages: int, *, now: datetime) -> None:
        """Note how many messages there are from now on."""
        self._changes.append((now, messages))

    def is_quiet(self, alarm: Alarm) -> bool:
        """Whether judging the alarm again would change nothing, as long as no message comes or goes."""
        if alarm.is_reached_by(self._changes[-1][1]):
            return alarm.is_on
        return not alarm.is_on and alarm.breaches == 0

    def most(self, *, since: datetime) -> int:
        """The most messages that there were at any time since."""
        before = [messages for at, messages in self._changes if at <= since][-1:]
        return max([*before, *(messages for at, messages in self._changes if at > since)])


def dead_letter_queues(now: datetime) -> Iterator[tuple[str, DeadLetterQueue]]:
    """All of them, by the queue (or the schedule) whose messages they take."""
    for name, each in dead_letter_alarms.recorded().items():
        yield name, DeadLetterQueue(each["dead_letters"], alarms=each["alarms"], now=now)
