"""The time-ordered split and the total order."""

import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.steps import split
from pipelines.steps.failure import StepError

START = datetime(2013, 1, 1, tzinfo=UTC)


def table(hours: list[int], labels: list[int | None] | None = None) -> pa.Table:
    moments = pa.array([START + timedelta(hours=hour) for hour in hours], pa.timestamp("us", tz="UTC"))
    return pa.table({"label": pa.array(labels or [0] * len(hours), pa.int64()), "at": moments})


def test_the_newest_days_are_held_out_and_the_cut_belongs_to_training() -> None:
    parts = split.by_time(table([0, 24, 48, 49, 72]), time_column="at", holdout_days=1)
    assert parts.cut == START + timedelta(hours=48)
    assert len(parts.train) == 3
    assert len(parts.holdout) == 2


@given(st.lists(st.integers(0, 2000), min_size=2, max_size=60), st.integers(1, 30))
def test_training_is_always_older_than_the_hold_out_and_nothing_is_lost(hours: list[int], days: int) -> None:
    rows = table(hours)
    if max(hours) - min(hours) < days * 24:
        with pytest.raises(StepError, match="holding out the newest"):
            split.by_time(rows, time_column="at", holdout_days=days)
        return
    parts = split.by_time(rows, time_column="at", holdout_days=days)
    train, holdout = parts.train.column("at").to_pylist(), parts.holdout.column("at").to_pylist()
    assert max(train) <= parts.cut < min(holdout)
    assert len(train) + len(holdout) == len(hours)
    assert parts.newest - min(holdout) < timedelta(days=days)


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 3)), min_size=1, max_size=40), st.randoms())
def test_the_order_does_not_depend_on_how_rows_came_in(
    rows: list[tuple[int, int | None]], shuffler: random.Random
) -> None:
    shuffled = rows.copy()
    shuffler.shuffle(shuffled)
    ordered = [
        split.in_total_order(table([hour for hour, _ in some], [label for _, label in some]), time_column="at")
        for some in (rows, shuffled)
    ]
    assert ordered[0].equals(ordered[1])


def test_a_history_that_is_too_short_says_how_long_it_is() -> None:
    with pytest.raises(StepError, match=r"from 2013-01-01 to 2013-01-03: .* 14 days leaves 0 rows to train on"):
        split.by_time(table([0, 48]), time_column="at", holdout_days=14)
