"""Points as alarms ask for them: in order, read once, and added up where single values do not matter."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cloudwatch.history import History
from sandbox.cloudwatch.statistics import Point, value

STORED = st.fixed_dictionaries(
    {"at": st.integers(0, 5), "value": st.integers(-9, 9), "count": st.integers(0, 3), "unit": st.sampled_from("ab")}
)


def point(stored: Mapping[str, Any]) -> Point:
    return Point(
        moment=float(stored["at"]),
        count=float(stored["count"]),
        total=float(stored["value"] * stored["count"]),
        low=float(stored["value"]),
        high=float(stored["value"]),
        unit=stored["unit"],
    )


def item(at: int, value: int, count: int = 1, unit: str = "a") -> dict[str, Any]:
    return {"at": at, "value": value, "count": count, "unit": unit}


@given(st.lists(STORED), st.lists(STORED), st.integers(0, 6))
def test_added_up_they_have_the_statistics_of_the_single_ones(
    first: list[dict[str, Any]], then: list[dict[str, Any]], since: int
) -> None:
    stored = list(first)
    history = History(point)
    history.follow(stored)
    stored += then
    history.follow(stored)

    single, together = (history.since(since, single=each) for each in (True, False))
    assert sorted(single, key=repr) == sorted((point(one) for one in stored if one["at"] >= since), key=repr)
    assert [one.moment for one in single] == sorted(one.moment for one in single)
    for statistic in ("SampleCount", "Sum", "Average", "Minimum", "Maximum"):
        expected = value(single, statistic)
        assert value(together, statistic) == (None if expected is None else pytest.approx(expected))


def test_values_of_one_moment_are_one_point_however_many_there_are() -> None:
    history = History(point).follow([item(1, value) for value in range(500)] + [item(2, 7)])
    assert len(history.since(0, single=False)) == 2
    assert len(history.since(0, single=True)) == 501


def test_a_late_point_takes_its_place() -> None:
    history = History(point).follow([item(3, 1), item(1, 2)])
    assert [one.moment for one in history.since(2, single=True)] == [3.0]
    assert [one.moment for one in history.since(0, single=False)] == [1.0, 3.0]


def test_after_old_points_have_gone_the_rest_is_read_again() -> None:
    history = History(point).follow([item(1, 1), item(2, 2)])
    assert [one.low for one in history.follow([item(2, 2)]).since(0, single=True)] == [2.0]
