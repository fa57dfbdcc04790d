"""The values that alarms compare: statistics of periods, and which periods an alarm looks at."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.cloudwatch.alarm import Alarm, Change
from sandbox.cloudwatch.evaluation import State
from sandbox.cloudwatch.statistics import Point, is_statistic, value
from sandbox.cloudwatch.validation import alarm_problem, data_problem
from sandbox.cloudwatch.windows import Sliding, WallClock, window_of

MIDNIGHT = datetime(2013, 3, 1, tzinfo=UTC).timestamp()
MINUTE, HOUR, DAY = 60, 3600, 86400


def _points(*values: float, count: float = 1, moment: float = MIDNIGHT) -> list[Point]:
    return [Point(moment, count, item * count, item, item, "None") for item in values]


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("SampleCount", 10),
        ("Sum", 55),
        ("Average", 5.5),
        ("Minimum", 1),
        ("Maximum", 10),
        ("p50", 5.5),
        ("p90", 9.1),
        ("p100", 10),
        ("TM(10%:90%)", 5.5),
        ("tm90", 5.0),
        ("TC(10%:90%)", 8),
        ("ts90", 45),
        ("WM(10%:90%)", 5.5),
        ("wm90", 5.4),
        ("IQM", 5.5),
        ("PR(:5)", 50),
        ("PR(2:8)", 60),
    ],
)
def test_a_statistic_of_the_numbers_from_one_to_ten(statistic: str, expected: float) -> None:
    assert value(_points(*range(1, 11)), statistic) == pytest.approx(expected)


def test_a_value_seen_often_weighs_as_much_as_that_many() -> None:
    points = [*_points(1.0, count=9), *_points(11.0)]
    assert value(points, "Average") == 2
    assert value(points, "p50") == 1
    assert value(points, "SampleCount") == 10


def test_a_published_set_of_statistics_has_no_percentiles_unless_all_its_values_are_equal() -> None:
    mixed = Point(MIDNIGHT, 4, 10, 1, 4, "None")
    assert value([mixed], "Average") == 2.5
    assert value([mixed], "p90") is None
    assert value([Point(MIDNIGHT, 4, 12, 3, 3, "None")], "p90") == 3


def test_there_is_no_percentile_of_negative_values_and_nothing_of_no_samples() -> None:
    assert value(_points(-1.0, 2.0), "p90") is None
    assert value([], "Sum") is None


@pytest.mark.parametrize("name", ["p", "p101", "median", "TM(10%)", "tm"])
def test_an_unknown_statistic_is_known_as_such(name: str) -> None:
    assert not is_statistic(name)


def test_a_sliding_window_includes_the_present_minute_and_moves_with_every_minute() -> None:
    first, last = Sliding(MINUTE).periods(MIDNIGHT + 90.5, 2)
    assert (first.start, last.end) == (MIDNIGHT, MIDNIGHT + 120)
    (daily,) = Sliding(DAY).periods(MIDNIGHT + HOUR, 1)
    assert (daily.start, daily.end) == (MIDNIGHT + HOUR + MINUTE - DAY, MIDNIGHT + HOUR + MINUTE)
    (fast,) = Sliding(10).periods(MIDNIGHT + 3, 1)
    assert (fast.start, fast.end) == (MIDNIGHT, MIDNIGHT + 10)


@pytest.mark.parametrize(
    ("period", "timezone", "now", "start", "end"),
    [
        (HOUR, "UTC", MIDNIGHT + 90 * MINUTE, MIDNIGHT, MIDNIGHT + HOUR),
        (DAY, "UTC", MIDNIGHT + HOUR, MIDNIGHT - DAY, MIDNIGHT),
        (DAY, "+05:30", MIDNIGHT, MIDNIGHT - DAY - 5.5 * HOUR, MIDNIGHT - 5.5 * HOUR),
        (DAY, "GMT-08:00", MIDNIGHT, MIDNIGHT - 40 * HOUR, MIDNIGHT - 16 * HOUR),
        # Daylight saving began in Berlin on 31 March 2013: that day had 23 hours.
        (DAY, "Europe/Berlin", MIDNIGHT + 31 * DAY, MIDNIGHT + 30 * DAY - HOUR, MIDNIGHT + 31 * DAY - 2 * HOUR),
        # 1 March 2013 was a Friday; weeks begin on Monday.
        (7 * DAY, "UTC", MIDNIGHT, MIDNIGHT - 11 * DAY, MIDNIGHT - 4 * DAY),
    ],
)
def test_a_wall_clock_window_is_the_last_whole_period_of_its_time_zone(
    period: int, timezone: str, now: float, start: float, end: float
) -> None:
    window = window_of({"EvaluationWindow": {"WallClockWindow": {"Timezone": timezone}}}, period=period)
    (found,) = window.periods(now, 1)
    assert (found.start, found.end) == (start, end)


@pytest.mark.parametrize("window", [Sliding(DAY), WallClock(DAY)])
def test_the_values_change_when_a_point_enters_a_period_and_when_it_leaves_the_last(
    window: Sliding | WallClock,
) -> None:
    point, count = MIDNIGHT + 12 * HOUR, 3
    changes = sorted(window.changes(point, count))

    def where(now: float) -> list[bool]:
        return [period.start <= point < period.end for period in window.periods(now, count)]

    moments = [MIDNIGHT + step * 600 for step in range(6 * 144)]
    seen = [moment for moment, earlier in zip(moments[1:], moments, strict=False) if where(moment) != where(earlier)]
    assert seen == changes


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ({"WallClockWindow": {"Timezone": "Mars/Olympus"}}, "is not known"),
        ({"WallClockWindow": {"Timezone": "+01:03"}}, "no multiple of 5 minutes"),
    ],
)
def test_a_wrong_time_zone_is_refused(window: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        window_of({"EvaluationWindow": window}, period=DAY)


ALARM: dict[str, Any] = {
    "AlarmName": "a",
    "AlarmArn": "arn",
    "StateValue": "OK",
    "Namespace": "N",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": MINUTE,
    "EvaluationPeriods": 2,
    "Threshold": 3,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


def _evaluate(points: Sequence[Point], *, now: float = MIDNIGHT + 90, **changes: Any) -> Change | None:
    def metrics(
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        since: float,
        single: bool,  # noqa: FBT001 - as alarms ask
    ) -> Sequence[Point]:
        assert (namespace, name, dimensions) == ("N", "m", {})
        assert single == ("ExtendedStatistic" in changes)
        return [point for point in points if point.moment >= since]

    return Alarm({**ALARM, **changes}).evaluate(metrics, now=now)


def test_values_of_one_period_are_summed_and_periods_are_kept_apart() -> None:
    points = [*_points(1.0, 2.0), *_points(3.0, moment=MIDNIGHT + MINUTE)]
    change = _evaluate(points)
    assert change is not None
    assert change.state is State.ALARM
    assert change.reason == (
        "Threshold Crossed: 2 out of the last 2 datapoints [3.0 (01/03/13 00:01:00), 3.0 (01/03/13 00:00:00)] were "
        "greater than or equal to the threshold (3.0) (minimum 2 datapoints for OK -> ALARM transition)."
    )
    data = json.loads(change.reason_data)
    assert data["startDate"] == "2013-03-01T00:00:00.000+0000"
    assert data["recentDatapoints"] == [3.0, 3.0]


def test_a_state_that_stays_is_no_change() -> None:
    assert _evaluate(_points(1.0)) is None


def test_values_of_another_unit_do_not_count() -> None:
    assert _evaluate(_points(9.0, 9.0), Unit="Count", EvaluationPeriods=1) is not None
    change = _evaluate(_points(9.0), Unit="Count", EvaluationPeriods=1)
    assert change is not None
    assert change.state is State.UNKNOWN


def test_a_percentile_of_too_few_samples_can_be_left_alone() -> None:
    settings: dict[str, Any] = {"Statistic": None, "ExtendedStatistic": "p90", "EvaluationPeriods": 1}
    assert _evaluate(_points(9.0), **settings) is not None
    assert _evaluate(_points(9.0), **settings, EvaluateLowSampleCountPercentile="ignore") is None
    many = _points(9.0, count=100)
    assert _evaluate(many, **settings, EvaluateLowSampleCountPercentile="ignore") is not None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"Period": 45}, "neither 10, 20, 30 nor a multiple of 60"),
        ({"EvaluationPeriods": 1441}, "more than 1 day"),
        ({"Period": 3600, "EvaluationPeriods": 169}, "more than 7 day"),
        ({"DatapointsToAlarm": 3}, "not between 1 and EvaluationPeriods 2"),
        ({"ExtendedStatistic": "p90"}, "Exactly one of Statistic and ExtendedStatistic"),
        ({"Statistic": None, "ExtendedStatistic": "p9x"}, "is not valid"),
        ({"Statistic": "Median"}, "is none of SampleCount"),
        ({"TreatMissingData": "maybe"}, "is none of missing"),
        ({"EvaluateLowSampleCountPercentile": "maybe"}, "neither evaluate nor ignore"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "needs an anomaly detection model"),
        ({"Threshold": None}, "Threshold is required"),
        ({"MetricName": None}, "MetricName is required"),
        ({"Metrics": [{"Id": "m1"}]}, "has no alarms with Metrics"),
        ({"Period": 120, "EvaluationWindow": {"WallClockWindow": {}}}, "supported are 60, 300, 3600, 86400, 604800"),
    ],
)
def test_an_alarm_that_aws_refuses_is_refused(changes: Mapping[str, Any], problem: str) -> None:
    assert problem in str(alarm_problem({**ALARM, **changes}))


def test_an_alarm_that_aws_takes_is_taken() -> None:
    assert alarm_problem(ALARM) is None
    daily = {"Period": DAY, "EvaluationPeriods": 7, "EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC"}}}
    assert alarm_problem({**ALARM, **daily}) is None


def test_data_may_be_two_weeks_old_and_two_hours_ahead() -> None:
    assert data_problem([None, MIDNIGHT - 14 * DAY, MIDNIGHT + 2 * HOUR], now=MIDNIGHT) is None
    assert "member.2.Timestamp" in str(data_problem([MIDNIGHT, MIDNIGHT - 14 * DAY - 1], now=MIDNIGHT))
