"""What CloudWatch refuses, and what of it the sandbox does not have.

AWS pages: "PutMetricAlarm" and "PutMetricData" (Amazon CloudWatch API Reference).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sandbox.cloudwatch.evaluation import COMPARISONS, Missing
from sandbox.cloudwatch.statistics import is_extended
from sandbox.cloudwatch.windows import window_of

_HOUR = 3600
_MINUTE = 60
_HIGH_RESOLUTION = (10, 20, 30)
_LONGEST = timedelta(days=7)
_LONGEST_OF_SHORT_PERIODS = timedelta(days=1)
_OLDEST = timedelta(days=14)
_NEWEST = timedelta(hours=2)
_BASIC_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_NOT_HERE = {
    "Metrics": "metric math",
    "EvaluationCriteria": "PromQL",
    "ThresholdMetricId": "anomaly detection",
    "WarmUpConfiguration": "warm-up periods",
}


def alarm_problem(request: Mapping[str, Any]) -> str | None:
    """What is wrong with a request of PutMetricAlarm; None when nothing is."""
    return next(_alarm_problems(request), None)


def _alarm_problems(request: Mapping[str, Any]) -> Iterator[str]:
    for field, what in _NOT_HERE.items():
        if request.get(field):
            yield f"The sandbox has no alarms with {field} ({what}); give it MetricName, Namespace and a Threshold."
    for field in ("AlarmName", "MetricName", "Namespace", "Period", "EvaluationPeriods", "ComparisonOperator"):
        if not request.get(field):
            yield f"The parameter {field} is required."
    if request.get("Threshold") is None:
        yield "The parameter Threshold is required."
    if request["ComparisonOperator"] not in COMPARISONS:
        yield f"ComparisonOperator {request['ComparisonOperator']} needs an anomaly detection model."
    yield from _statistic_problems(request)
    if (missing := request.get("TreatMissingData")) is not None and missing not in set(Missing):
        yield f"TreatMissingData {missing!r} is none of {', '.join(Missing)}."
    yield from _period_problems(request)


def _statistic_problems(request: Mapping[str, Any]) -> Iterator[str]:
    basic, extended = request.get("Statistic"), request.get("ExtendedStatistic")
    if bool(basic) == bool(extended):
        yield "Exactly one of Statistic and ExtendedStatistic is required."
    if basic and basic not in _BASIC_STATISTICS:
        yield f"Statistic {basic!r} is none of {', '.join(_BASIC_STATISTICS)}."
    if extended and not is_extended(extended):
        yield f"ExtendedStatistic {extended!r} is not valid."
    if (few := request.get("EvaluateLowSampleCountPercentile")) is not None and few not in {"evaluate", "ignore"}:
        yield f"EvaluateLowSampleCountPercentile {few!r} is neither evaluate nor ignore."


def _period_problems(request: Mapping[str, Any]) -> Iterator[str]:
    period, of = int(request["Period"]), int(request["EvaluationPeriods"])
    if period not in _HIGH_RESOLUTION and (period < _MINUTE or period % _MINUTE):
        yield f"Period {period} is neither 10, 20, 30 nor a multiple of 60."
    needed = request.get("DatapointsToAlarm")
    if needed is not None and not 1 <= int(needed) <= of:
        yield f"DatapointsToAlarm {needed} is not between 1 and EvaluationPeriods {of}."
    longest = _LONGEST_OF_SHORT_PERIODS if period < _HOUR else _LONGEST
    if timedelta(seconds=period * of) > longest:
        yield (
            f"Metrics cannot be checked across more than {longest.days} day(s) (EvaluationPeriods {of} * Period "
            f"{period} must be <= {int(longest.total_seconds())})."
        )
    try:
        window_of(request, period=period)
    except ValueError as error:
        yield str(error)


def data_problem(moments: Sequence[float | None], *, now: float) -> str | None:
    """What is wrong with the timestamps of a request of PutMetricData; None when nothing is.

    Args:
        moments: the timestamps, in seconds since 1970; None where the request gives none.
        now: the present.
    """
    for number, moment in enumerate(moments, start=1):
        if moment is None:
            continue
        if moment < now - _OLDEST.total_seconds():
            return f"The parameter MetricData.member.{number}.Timestamp must not be more than two weeks in the past."
        if moment > now + _NEWEST.total_seconds():
            return f"The parameter MetricData.member.{number}.Timestamp must not be more than 2 hours in the future."
    return None
