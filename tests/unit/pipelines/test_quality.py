"""What Validate refuses beyond the contract, on real flights that were tampered with; what it leaves to the gate."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local_snapshot import Validation, profile_of, replaced

from pipelines.projects.flights import feed as flights_feed
from pipelines.projects.late import feed as late_feed
from pipelines.steps.failure import StepError
from pipelines.steps.profile import Profile
from pipelines.steps.quality import duplicates, future, limits
from pipelines.steps.quality.leakage import association
from pipelines.steps.quality.limits import Limits

MARCH = "data/period=2013-03/tampered.parquet"
Tamper = Callable[[pa.Table], pa.Table]


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return flights_feed.write([1, 2, 3], tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="session")
def late(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return late_feed.write([1, 2, 3], tmp_path_factory.mktemp("late"))


@pytest.fixture(scope="session")
def champion_of_flights(flights: list[Path]) -> Profile:
    return profile_of("flights", flights[:2], time_column="time_hour")


@pytest.fixture(scope="session")
def champion_of_late(late: list[Path]) -> Profile:
    return profile_of("late", late[:2], time_column="time_hour")


@pytest.fixture
def validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, champion_of_flights: Profile) -> Validation:
    return Validation("flights", "time_hour", tmp_path, monkeypatch, champion=champion_of_flights)


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Validation:
    """The validation of flights while there is no champion."""
    return Validation("flights", "time_hour", tmp_path, monkeypatch)


@pytest.fixture
def of_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, champion_of_late: Profile) -> Validation:
    return Validation("late", "time_hour", tmp_path, monkeypatch, champion=champion_of_late)


def tampered(source: Path, tamper: Tamper, folder: Path) -> Path:
    path = folder / source.parent.name / "tampered.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(tamper(pq.ParquetFile(source).read()), path)
    return path


def refused(document: Any) -> list[tuple[str, str | None, str]]:
    return [
        (entry["key"], problem["column"], problem["rule"])
        for entry in document["quarantined"]
        for problem in entry["problems"]
    ]


def test_real_months_are_accepted_with_and_without_a_champion(
    validation: Validation, first: Validation, flights: list[Path]
) -> None:
    for document in (first.run(flights), validation.run(flights)):
        assert (document["accepted"], document["quarantined"]) == (True, [])
        assert document["summary"].startswith("accepted 3 objects with 80789 rows")


def _hours(table: pa.Table) -> pa.Table:
    hours = pc.max_element_wise(pc.divide(table.column("air_time"), 60.0), 1.0, skip_nulls=False)
    return replaced(table, "air_time", hours.to_pylist())


def _far_outliers(table: pa.Table) -> pa.Table:
    values = table.column("air_time").to_pylist()
    values[::100] = [1440.0] * len(values[::100])
    return replaced(table, "air_time", values)


def _nulls(table: pa.Table) -> pa.Table:
    return replaced(table, "temp", [None] * len(table))


def _renamed(table: pa.Table) -> pa.Table:
    return replaced(table, "carrier", [f"{code[0]}9" for code in table.column("carrier").to_pylist()])


def _leaking(table: pa.Table) -> pa.Table:
    return replaced(table, "temp", pc.divide(table.column("air_time"), 10.0).to_pylist())


def _twice(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1000)])


def _from_next_year(table: pa.Table) -> pa.Table:
    moments = table.column("time_hour").to_pylist()
    return replaced(table, "time_hour", [moments[0] + timedelta(days=365), *moments[1:]])


@pytest.mark.parametrize(
    ("tamper", "column", "rule", "words"),
    [
        (_hours, "air_time", "label_shift", "on average, against 152.8 when the champion was trained"),
        (_far_outliers, "air_time", "label_range", "holds 1440.0 and the like in 1.04% of the rows"),
        (_nulls, "temp", "nulls", "is null in 100.0% of the rows, against"),
        (_renamed, "carrier", "unseen", "holds values that the champion never saw, such as"),
        (_leaking, "temp", "leakage", "gives the target 'air_time' away"),
        (_twice, None, "duplicate", "repeats 1000 rows (3.4%), some of them from itself"),
        (_from_next_year, "time_hour", "future", "lies in the future in 1 rows, up to 2014-03-01T10:00:00Z"),
    ],
    ids=["unit", "outliers", "nulls", "categories", "leakage", "duplicates", "future"],
)
def test_a_tampered_drop_is_quarantined_by_name_with_rule_and_column(
    validation: Validation,
    flights: list[Path],
    tmp_path: Path,
    tamper: Tamper,
    column: str | None,
    rule: str,
    words: str,
) -> None:
    document = validation.run([*flights[:2], tampered(flights[2], tamper, tmp_path)])
    assert document["accepted"] is False
    assert (MARCH, column, rule) in refused(document)
    assert {key for key, *_ in refused(document)} == {MARCH}
    named = f"{MARCH}: " + ("" if column is None else f"column {column!r} ")
    assert document["summary"].startswith(named)
    assert words in str(document["quarantined"])


def test_the_report_gives_the_rows_and_an_example(validation: Validation, flights: list[Path], tmp_path: Path) -> None:
    (entry,) = validation.run([tampered(flights[2], _far_outliers, tmp_path)])["quarantined"]
    (problem,) = entry["problems"]
    assert problem["rows"] == len(range(0, 28834, 100))
    assert problem["example"] == "1440.0"
    assert (entry["version_id"], entry["rows"]) == ("v1", 28834)


def test_without_a_champion_outliers_within_the_contract_are_left_to_the_gate(
    first: Validation, flights: list[Path], tmp_path: Path
) -> None:
    assert first.run([tampered(flights[2], _far_outliers, tmp_path)])["accepted"] is True


def _flipped(share: float) -> Tamper:
    def tamper(table: pa.Table) -> pa.Table:
        values = table.column("late").to_pylist()
        chosen = np.random.default_rng(1).random(len(values)) < share
        flipped = [
            not value if flip and value is not None else value for value, flip in zip(values, chosen, strict=True)
        ]
        return replaced(table, "late", flipped)

    return tamper


def _shuffled(table: pa.Table) -> pa.Table:
    order = np.random.default_rng(1).permutation(len(table))
    return replaced(table, "late", table.column("late").take(order).to_pylist())


@pytest.mark.parametrize("tamper", [_flipped(0.01), _shuffled], ids=["one per cent flipped", "shuffled"])
def test_labels_that_are_wrong_without_looking_odd_are_left_to_the_gate(
    of_late: Validation, late: list[Path], tmp_path: Path, tamper: Tamper
) -> None:
    assert of_late.run([*late[:2], tampered(late[2], tamper, tmp_path)])["accepted"] is True


def test_labels_with_their_meaning_turned_round_are_refused(
    of_late: Validation, late: list[Path], tmp_path: Path
) -> None:
    document = of_late.run([*late[:2], tampered(late[2], _flipped(1.0), tmp_path)])
    assert refused(document) == [(MARCH, "late", "label_shift")]


def test_a_snapshot_with_one_class_only_is_refused(of_late: Validation, late: list[Path], tmp_path: Path) -> None:
    document = of_late.run([tampered(late[2], lambda table: table.filter(pc.invert(table.column("late"))), tmp_path)])
    assert ("s3://artifacts/snapshots/s.json", "late", "label_constant") in refused(document)
    assert "is False in all" in document["summary"]


def test_the_same_drop_under_another_name_is_refused_and_the_first_one_named(
    first: Validation, flights: list[Path], tmp_path: Path
) -> None:
    copy = tampered(flights[2], lambda table: table.take(np.arange(len(table))[::-1]), tmp_path)
    document = first.run([flights[2], copy])
    assert refused(document) == [(MARCH, None, "duplicate")]
    assert "repeats 28834 rows (100.0%), some of them from data/period=2013-03/flights.parquet" in document["summary"]


def test_what_strays_less_than_its_limit_is_a_warning(
    validation: Validation, flights: list[Path], tmp_path: Path
) -> None:
    def fewer(table: pa.Table) -> pa.Table:
        values = [None if number % 8 == 0 else value for number, value in enumerate(table.column("temp").to_pylist())]
        return replaced(table, "temp", values)

    document = validation.run([tampered(flights[2], fewer, tmp_path)])
    assert document["accepted"] is True
    (entry,) = document["warnings"]
    assert (entry["key"], entry["problems"][0]["rule"]) == (MARCH, "nulls")
    assert document["summary"].endswith(", 1 warnings")


def test_a_limit_can_be_widened(validation: Validation, flights: list[Path], tmp_path: Path) -> None:
    wide = Limits(max_null_increase=0.999)
    assert validation.run([tampered(flights[2], _nulls, tmp_path)], limits=wide)["accepted"] is True


def test_a_replay_six_months_later_comes_to_the_same_document(
    validation: Validation, flights: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [*flights[:2], tampered(flights[2], _twice, tmp_path)]
    before = validation.run(files)
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert validation.run(files) == before


@pytest.mark.parametrize(
    ("run_id", "accepted"),
    [("20130401T060000Z-aa", True), ("20130315T000000Z-aa", False), ("started-by-hand", True)],
)
def test_rows_later_than_the_run_are_from_the_future(
    first: Validation,
    flights: list[Path],
    run_id: str,
    accepted: bool,  # noqa: FBT001
) -> None:
    assert first.run([flights[2]], run_id=run_id)["accepted"] is accepted


def test_many_broken_objects_are_counted_and_the_report_stays_readable_for_sagemaker(
    first: Validation, tmp_path: Path
) -> None:
    files = []
    for number in range(300):
        path = tmp_path / "period=2013-03" / f"{number:03d}-{'long' * 50}.parquet"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no parquet")
        files.append(path)
    document = first.run(files)
    assert document["objects"] == {"checked": 300, "quarantined": 300, "warned": 0}
    assert len(document["quarantined"]) == 200
    assert document["summary"].endswith("(299 more in validation.json)")
    assert len(document["summary"]) <= 1024


@pytest.mark.parametrize(
    ("period", "end"),
    [
        ("2013-01", datetime(2013, 2, 1, tzinfo=UTC)),
        ("2013-12", datetime(2014, 1, 1, tzinfo=UTC)),
        ("2012-02-29", datetime(2012, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_period_ends_where_the_next_one_begins(period: str, end: datetime) -> None:
    assert future.end_of_period(period) == end


def test_an_input_that_orders_the_rows_as_the_target_does_is_told_from_one_that_almost_does() -> None:
    random = np.random.default_rng(7)
    target = random.normal(size=5000)
    assert association(np.exp(target), target) == pytest.approx(1)
    assert association(-(target**3), target) == pytest.approx(1)
    assert association(target + random.normal(scale=0.2, size=5000), target) < 0.99
    assert association(random.normal(size=5000), target) < 0.05
    assert association(np.zeros(5000), target) == 0


def test_a_delay_gives_the_class_away_that_was_cut_from_it() -> None:
    delay = np.random.default_rng(7).normal(scale=30, size=5000)
    late = (delay > 15).astype(float)
    assert association(delay, late) == pytest.approx(1)
    few = np.zeros(5000)
    few[np.argmax(delay)] = 1
    assert association(delay, few) == 0, "one row of a class says nothing"


@pytest.mark.parametrize("text", ["", "future_hours=24", Limits().as_text() + " more=1"])
def test_limits_that_are_not_complete_are_refused(text: str) -> None:
    with pytest.raises(StepError, match="they must be exactly max_duplicate_share"):
        limits.parse(text)


def test_limits_survive_their_way_into_the_job() -> None:
    given = Limits(max_null_increase=0.5, future_hours=48)
    assert limits.parse(given.as_text()) == given
    assert len(given.as_text()) <= 256, "the longest argument of a processing job"
    with pytest.raises(StepError, match="future_hours is 'x', it must be a int"):
        limits.parse(given.as_text().replace("48", "x"))


ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, "", "a", "b"]),
        st.sampled_from([None, 0.0, -0.0, 1.5]),
        st.sampled_from([None, 0, 1]),
        st.sampled_from([None, True, False]),
    ),
    max_size=30,
)


@settings(max_examples=100, deadline=None)
@given(parts=st.lists(ROWS, min_size=1, max_size=4))
def test_repeated_rows_are_those_that_were_seen_before_in_this_or_an_earlier_object(parts: list[list[Any]]) -> None:
    schema = pa.schema([("t", pa.string()), ("n", pa.float64()), ("i", pa.int64()), ("b", pa.bool_())])
    seen: set[Any] = set()
    expected = {}
    for number, rows in enumerate(parts):
        before = len(seen)
        seen.update(rows)
        if len(rows) > len(seen) - before:
            expected[number] = len(rows) - (len(seen) - before)
    batches = [
        pa.RecordBatch.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)
        for rows in parts
    ]
    found = dict(duplicates.repetitions([duplicates.hashes(batch) for batch in batches]))
    assert {number: repetition.rows for number, repetition in found.items()} == expected
    assert all(repetition.source <= number for number, repetition in found.items())
