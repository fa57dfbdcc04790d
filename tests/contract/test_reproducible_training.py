"""The reference model's training, in this process: what changes its bytes, and what does not."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.projects.flights import feed
from pipelines.steps import split
from pipelines.steps.failure import StepError

HYPERPARAMETERS = {"rounds": "20", "max_depth": "6", "learning_rate": "0.3"}


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    january = feed.drops([1])["2013-01"]
    return split.in_total_order(january.drop_null().slice(0, 5000), time_column="time_hour")


def model_bytes(rows: pa.Table, folder: Path, *, seed: int = 1) -> bytes:
    from pipelines.projects.flights import model  # noqa: PLC0415  # XGBoost is only needed here

    target = rows.column("air_time").to_numpy().astype("float64")
    model.train(rows, target, hyperparameters=HYPERPARAMETERS, seed=seed).save(folder)
    return (folder / "model.ubj").read_bytes()


def test_the_same_rows_and_seed_give_the_same_bytes(rows: pa.Table, tmp_path: Path) -> None:
    assert model_bytes(rows, tmp_path) == model_bytes(rows, tmp_path)


def test_rows_that_came_in_another_order_give_the_same_bytes(rows: pa.Table, tmp_path: Path) -> None:
    shuffled = rows.take(pa.array(np.random.default_rng(5).permutation(len(rows))))
    ordered = split.in_total_order(shuffled, time_column="time_hour")
    assert model_bytes(ordered, tmp_path) == model_bytes(rows, tmp_path)


def test_another_seed_gives_another_model(rows: pa.Table, tmp_path: Path) -> None:
    assert model_bytes(rows, tmp_path, seed=1) != model_bytes(rows, tmp_path, seed=2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rounds": "many"}, "'rounds' is 'many', it must be a int"),
        ({"max_depth": "0"}, "'max_depth' is '0', it must be above 0"),
        ({"depth": "3"}, "must be exactly learning_rate, max_depth, rounds"),
    ],
)
def test_a_hyperparameter_that_makes_no_sense_is_named(rows: pa.Table, change: dict[str, str], words: str) -> None:
    from pipelines.projects.flights import model  # noqa: PLC0415  # XGBoost is only needed here

    with pytest.raises(StepError, match=words):
        model.train(rows, np.zeros(len(rows)), hyperparameters=HYPERPARAMETERS | change, seed=1)
