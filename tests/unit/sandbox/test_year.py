"""The parts of the replayed year that can be wrong without anybody noticing: days, scores, words."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

from pipelines.steps.gate import clusters, jackknife, leave_one_out
from sandbox.commands.demo import _months
from sandbox.control import Fired
from sandbox.demo import months, scores
from sandbox.demo.chronicle import Note, _notes
from sandbox.demo.traffic import Answers, _truths, days
from sandbox.demo.year import Year


@pytest.fixture(name="drops")
def _drops(tmp_path: Path) -> list[Path]:
    """Two drops, cut in the middle of a day, with a row an hour."""
    start = datetime(2013, 3, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=number) for number in range(60)]
    rows = pa.table({"at": pa.array(hours, pa.timestamp("us", tz="UTC")), "number": range(60)})
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    pq.write_table(rows.slice(30), paths[0])
    pq.write_table(rows.slice(0, 30), paths[1])
    return paths


def test_days_are_cut_in_utc_and_come_in_order_whatever_the_drops(drops: list[Path]) -> None:
    found = list(days(drops, time_column="at", every=1))
    assert [one.day for one in found] == [date(2013, 3, 1), date(2013, 3, 2), date(2013, 3, 3)]
    assert [len(one.rows) for one in found] == [24, 24, 12]
    assert found[1].rows.column("number").to_pylist() == list(range(24, 48))


def test_every_nth_row_is_taken_over_all_days(drops: list[Path]) -> None:
    found = list(days(drops, time_column="at", every=5))
    assert [row for one in found for row in one.rows.column("number").to_pylist()] == list(range(0, 60, 5))


def test_labels_stand_in_the_order_of_the_request_and_a_row_without_one_leaves_its_place_empty() -> None:
    answered = Answers(
        day=date(2013, 3, 1),
        requests=[("a", 2), ("b", 1), ("c", 2)],
        predictions=np.zeros(5),
        versions=["1"] * 5,
        labels=np.array([1.5, np.nan, np.nan, np.nan, 4.0]),
    )
    told = {record["eventMetadata"]["eventId"]: record["groundTruthData"]["data"] for record in _truths(answered)}
    assert told == {"a": "1.5,", "c": ",4.0"}


@pytest.mark.parametrize("metric", ["rmse", "mae", "auc", "log_loss"])
def test_the_interval_is_the_gates_jackknife_over_days(metric: str) -> None:
    random = np.random.default_rng(5)
    day = np.repeat(np.arange(12), 50)
    prediction = random.uniform(0.05, 0.95, 600)
    target = (random.random(600) < prediction).astype(float)
    found = scores.score(metric, target, prediction, day)
    of_day = clusters.by_time(day * 86_400_000_000, "day")
    values = leave_one_out.compute(metric, target, prediction, of_day)
    expected = jackknife.bounds(values.whole, values.without, alpha=0.025)
    assert found.value == pytest.approx(expected.estimate)
    assert found.interval == pytest.approx((expected.lower, expected.upper))


def test_a_single_day_has_no_interval() -> None:
    assert scores.score("mae", np.zeros(3), np.ones(3), np.zeros(3, np.int64)) == scores.Score(1.0, None)


def why(
    frozen: float, tandem: float, *, reach: float = 1.0, metric: str = "rmse", versions: tuple[str, ...] = ("5",)
) -> str | None:
    left_alone = scores.Score(frozen, (frozen - reach, frozen + reach))
    ours = scores.Score(tandem, (tandem - reach, tandem + reach))
    return months.why_frozen_wins(metric, left_alone, ours, versions, first="March")


def test_a_month_that_the_frozen_model_wins_is_explained_and_no_other_one() -> None:
    assert why(12.0, 11.0) is None
    assert "better by 4.2% (12.00 against 12.50)" in (why(12.0, 12.5) or "")
    assert "overlap, so the difference is within" in (why(12.0, 12.5) or "")
    assert "do not overlap" in (why(12.0, 15.0) or "")
    assert "older than March" in (why(12.0, 15.0) or "")
    assert why(0.7, 0.6, reach=0.01, metric="auc") is not None
    assert why(0.6, 0.7, metric="auc") is None


def test_while_the_first_version_serves_there_is_nothing_to_explain() -> None:
    assert why(12.0, 12.5, versions=("1",)) is None


@pytest.mark.parametrize(("text", "wanted"), [("3-12", list(range(3, 13))), ("3-4", [3, 4]), ("3", [3]), ("none", [])])
def test_months_are_a_range_that_begins_in_march(text: str, wanted: list[int]) -> None:
    assert _months(text) == wanted


@pytest.mark.parametrize("text", ["4-6", "3-13", "12-3", "march", "", "3-"])
def test_other_months_are_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="3-12 or a shorter range"):
        _months(text)


def entry(kind: str, outcome: str, **about: Any) -> dict[str, Any]:
    return {"kind": kind, "outcome": outcome, "reason": "because", "detail": "so it was", "version": 3, **about}


def test_what_happened_is_told_in_the_words_of_the_story() -> None:
    at = datetime(2013, 4, 1, tzinfo=UTC)
    assert list(_notes(entry("run", "kept_champion", version=None), at)) == [
        Note(at, "run", "training, because of because"),
        Note(at, "kept", "so it was"),
    ]
    assert list(_notes(entry("deployment", "live"), at)) == [Note(at, "deployed", "version 3 live")]
    assert list(_notes(entry("decision", "waits_for_a_reason"), at)) == [Note(at, "no_run", "because")]
    assert list(_notes(entry("decision", "no_new_data"), at)) == [Note(at, "no_new_data", "because")]


@pytest.mark.parametrize(("of", "waits"), [("Monitoring-MonitorGroup", 1), ("Training-RunWatchGroup", 0)])
def test_a_day_waits_for_the_monitor_and_not_for_a_look_at_the_run_in_flight(
    drops: list[Path], of: str, waits: int
) -> None:
    due = Fired(f"arn:aws:scheduler:us-east-1:000000000000:schedule/flights-year-{of}-1A2B/Schedule", datetime.now(UTC))
    fired = iter([[due], [], []])
    clock = SimpleNamespace(advance=lambda *, to: SimpleNamespace(fired=next(fired), to=to))
    waited: list[str] = []
    still = SimpleNamespace(wait=lambda: waited.append("still"))
    traffic = SimpleNamespace(tell=lambda *_, **__: None, ask=lambda day: SimpleNamespace(day=day.day))

    Year._ask(SimpleNamespace(clock=clock), iter(days(drops, time_column="at", every=1)), traffic, still)  # type: ignore[arg-type]  # all that it uses

    assert len(waited) == waits
