"""One alarm: what its metric says now, in CloudWatch's own words."""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.cloudwatch.evaluation import Missing, Rule, State, Verdict, judge
from sandbox.cloudwatch.statistics import Point, needs_single_values, percentile, sample_count, value
from sandbox.cloudwatch.windows import Period, Sliding, WallClock, window_of

#: The points of a metric since a moment in the order of their time: `(namespace, name, dimensions, since, single)`.
#: Dimensions have to agree exactly; without `single` those of one moment may be added up.
Metrics = Callable[[str, str, Mapping[str, str], float, bool], Sequence[Point]]

_WORDS = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_ENOUGH_SAMPLES = 10


@dataclass(frozen=True)
class Change:
    """A new state of an alarm, with the reason and its data as the API has them."""

    state: State
    reason: str
    reason_data: str


@dataclass(frozen=True)
class _Bucket:
    """The value of one period, and of how many samples."""

    period: Period
    value: float
    samples: float


class Alarm:
    """An alarm on one metric, read from the API's description of it."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        self._described = described
        self._statistic = str(described.get("ExtendedStatistic") or described.get("Statistic") or "Average")
        self._period = int(described["Period"])
        of = int(described["EvaluationPeriods"])
        default = Missing.IGNORE if described["Namespace"] == "AWS/DynamoDB" else Missing.MISSING
        self._rule = Rule(
            comparison=described["ComparisonOperator"],
            threshold=float(described["Threshold"]),
            of=of,
            needed=int(described.get("DatapointsToAlarm") or of),
            missing=Missing(described.get("TreatMissingData") or default),
        )
        self._window: Sliding | WallClock = window_of(described, period=self._period)

    def _points(self, metrics: Metrics, *, since: float, single: bool) -> Sequence[Point]:
        dimensions = {item["Name"]: item["Value"] for item in self._described.get("Dimensions") or ()}
        found = metrics(self._described["Namespace"], self._described["MetricName"], dimensions, since, single)
        unit = self._described.get("Unit")
        return [point for point in found if point.unit == unit] if unit else found

    def moments(self, metrics: Metrics, *, after: float, until: float) -> set[float]:
        """When its values change between two moments, because points enter its periods or leave them."""
        # Older points have left every period before, also where a day of daylight saving is longer.
        oldest = after - (self._rule.reach + 2) * self._period
        entered = {self._window.floor(point.moment) for point in self._points(metrics, since=oldest, single=False)}
        return {
            moment
            for point in entered
            for moment in self._window.changes(point, self._rule.reach)
            if after < moment <= until
        }

    def evaluate(self, metrics: Metrics, *, now: float) -> Change | None:
        """The state that it has to change to; None when it keeps the present one."""
        periods = self._window.periods(now, self._rule.reach)
        points = self._points(metrics, since=periods[0].start, single=needs_single_values(self._statistic))
        buckets = list(_buckets(points, periods, statistic=self._statistic))
        if self._ignores_few(buckets):
            return None
        verdict = judge([bucket.value if bucket else None for bucket in buckets], self._rule)
        if verdict.state is None or verdict.state == self._described["StateValue"]:
            return None
        used = [bucket for position in verdict.used if (bucket := buckets[position]) is not None]
        return Change(
            state=verdict.state,
            reason=self._reason(verdict, used),
            reason_data=self._reason_data(used, now=now),
        )

    def _ignores_few(self, buckets: Sequence[_Bucket | None]) -> bool:
        """Whether a percentile of too few samples is to change nothing (`EvaluateLowSampleCountPercentile`)."""
        share = percentile(self._statistic)
        if share is None or self._described.get("EvaluateLowSampleCountPercentile") != "ignore":
            return False
        rare = min(share, 1 - share)
        known = [bucket for bucket in buckets if bucket is not None][-self._rule.of :]
        return any(round(bucket.samples * rare, 6) < _ENOUGH_SAMPLES for bucket in known)

    def _reason(self, verdict: Verdict, used: Sequence[_Bucket]) -> str:
        rule = self._rule
        if verdict.state is State.UNKNOWN:
            return f"Insufficient Data: {_counted(verdict.filled, 'datapoint')} {_was(verdict.filled)} unknown."
        missing = ""
        if verdict.filled and rule.missing in {Missing.BREACHING, Missing.NOT_BREACHING}:
            taken = "Breaching" if rule.missing is Missing.BREACHING else "NonBreaching"
            missing = f"{_counted(verdict.filled, 'missing datapoint')} {_was(verdict.filled)} treated as [{taken}]"
        if not used:
            received = f"no datapoints were received for {_counted(rule.of, 'period')}"
            return f"Threshold Crossed: {received} and {missing}."
        ringing = verdict.state is State.ALARM
        # An alarm rings by the data points that breach, and is well by those that do not.
        shown = [bucket for bucket in used if rule.breaches(bucket.value) == ringing] or list(used)
        values = ", ".join(f"{bucket.value} ({_short(bucket.period.start)})" for bucket in reversed(shown))
        minimum = rule.needed if ringing else rule.of - rule.needed + 1
        change = "OK -> ALARM" if ringing else "ALARM -> OK"
        return (
            f"Threshold Crossed: {len(shown)} out of the last {_counted(rule.of, 'datapoint')} [{values}] "
            f"{_was(len(shown))} {'' if ringing else 'not '}{_WORDS[rule.comparison]} the threshold "
            f"({rule.threshold}) (minimum {_counted(minimum, 'datapoint')} for {change} transition)"
            f"{f' and {missing}' if missing else ''}."
        )

    def _reason_data(self, used: Sequence[_Bucket], *, now: float) -> str:
        statistic = {} if self._described.get("ExtendedStatistic") else {"statistic": self._statistic}
        data = {
            "version": "1.0",
            "queryDate": iso_milliseconds(now),
            **({"startDate": iso_milliseconds(used[0].period.start)} if used else {}),
            **statistic,
            "period": self._period,
            "recentDatapoints": [bucket.value for bucket in used],
            "threshold": self._rule.threshold,
            "evaluatedDatapoints": [
                {
                    "timestamp": iso_milliseconds(bucket.period.start),
                    "sampleCount": bucket.samples,
                    "value": bucket.value,
                }
                for bucket in reversed(used)
            ],
        }
        return json.dumps(data, separators=(",", ":"))


def _buckets(points: Sequence[Point], periods: Sequence[Period], *, statistic: str) -> Iterator[_Bucket | None]:
    moments = [point.moment for point in points]
    for period in periods:
        inside = points[bisect_left(moments, period.start) : bisect_left(moments, period.end)]
        found = value(inside, statistic)
        yield None if found is None else _Bucket(period=period, value=float(found), samples=sample_count(inside))


def iso_milliseconds(moment: float) -> str:
    """The form of time in the data of alarms."""
    shown = datetime.fromtimestamp(moment, UTC)
    return f"{shown:%Y-%m-%dT%H:%M:%S}.{shown.microsecond // 1000:03d}+0000"


def _short(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%d/%m/%y %H:%M:%S}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
