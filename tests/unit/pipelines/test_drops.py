"""Checks of one drop, at their edges."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.steps import drops
from pipelines.steps.contract import Contract, Field
from pipelines.steps.failure import StepError

CONTRACT = Contract(
    name="toy",
    version="1",
    inputs=(
        Field("size", "integer", minimum=0, maximum=10),
        Field("weight", "number", nullable=True),
        Field("kind", "string", categories=("a", "b")),
    ),
    output=Field("label", "number"),
)
MOMENTS = pa.array([datetime(2020, 1, day, tzinfo=UTC) for day in (1, 2, 3)], pa.timestamp("ns", tz="UTC"))


def check(folder: Path, **change: Any) -> drops.DropReport:
    columns = {
        "size": pa.array([1, 2, 3], pa.int16()),
        "weight": pa.array([1.5, None, float("nan")], pa.float32()),
        "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        "label": pa.array([1.0, None, 3.0]),
        "at": MOMENTS,
        "extra": pa.array(["x", "y", "z"]),
    }
    path = folder / "drop.parquet"
    pq.write_table(pa.table({name: value for name, value in {**columns, **change}.items() if value is not None}), path)
    return drops.check(path, CONTRACT, time_column="at")


def test_a_good_drop_in_any_width_and_with_more_columns_is_accepted(tmp_path: Path) -> None:
    assert check(tmp_path) == drops.DropReport(rows=3, unlabelled=1)


def test_every_problem_of_a_drop_is_reported_with_its_rows(tmp_path: Path) -> None:
    report = check(tmp_path, size=pa.array([-1, 11, 5]), kind=pa.array(["a", None, "c"]))
    assert [(problem.column, problem.rule, problem.rows) for problem in report.problems] == [
        ("size", "range", 2),
        ("kind", "null", 1),
        ("kind", "category", 1),
    ]
    assert report.problems[0].reason == "holds -1 in 2 rows; it must be between 0 and 10"


def test_an_older_drop_without_an_optional_column_is_accepted_and_read_as_unknown(tmp_path: Path) -> None:
    added = Field("wind", "number", nullable=True, optional=True)
    contract = replace(CONTRACT, inputs=(*CONTRACT.inputs, added))
    assert check(tmp_path).problems == ()
    path = tmp_path / "drop.parquet"
    assert drops.check(path, contract, time_column="at") == drops.DropReport(rows=3, unlabelled=1)
    (batch,) = drops.read(path, drops.drop_fields(contract, time_column="at"))
    assert batch.column("wind").to_pylist() == [None, None, None]
    assert batch.schema.field("wind").type == pa.float64()

    required = replace(CONTRACT, inputs=(*CONTRACT.inputs, replace(added, optional=False)))
    (problem,) = drops.check(path, required, time_column="at").problems
    assert (problem.column, problem.rule) == ("wind", "missing")


@pytest.mark.parametrize(
    ("change", "column", "rule"),
    [
        ({"at": None}, "at", "missing"),
        ({"at": MOMENTS.cast(pa.timestamp("ns"))}, "at", "type"),
        ({"at": pa.array([None, *MOMENTS[1:]])}, "at", "null"),
        ({"size": pa.array([1.0, 2.0, 3.0])}, "size", "type"),
        ({"weight": pa.array([1.0, float("-inf"), 2.0])}, "weight", "range"),
        ({"label": pa.array([None, None, None], pa.float64())}, "label", "null"),
    ],
)
def test_a_column_that_breaks_the_contract_is_named(
    tmp_path: Path, change: dict[str, Any], column: str, rule: str
) -> None:
    (problem,) = check(tmp_path, **change).problems
    assert (problem.column, problem.rule) == (column, rule)


def test_damage_inside_a_file_whose_footer_is_whole_is_found(tmp_path: Path) -> None:
    check(tmp_path)
    path = tmp_path / "drop.parquet"
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(content)
    (problem,) = drops.check(path, CONTRACT, time_column="at").problems
    assert (problem.column, problem.rule) == (None, "readable")


def test_what_is_read_holds_the_contracts_columns_and_nothing_else(tmp_path: Path) -> None:
    check(tmp_path)
    fields = drops.drop_fields(CONTRACT, time_column="at")
    (batch,) = drops.read(tmp_path / "drop.parquet", fields)
    assert batch.schema.names == ["size", "weight", "kind", "label", "at"]
    assert batch.column("weight").to_pylist() == [1.5, None, None]
    assert batch.schema.field("size").type == pa.int64()


@pytest.mark.parametrize("column", ["kind", "weight"])
def test_rows_cannot_be_ordered_by_something_that_is_no_moment(column: str) -> None:
    with pytest.raises(StepError, match=f"project.time_column is '{column}'"):
        drops.drop_fields(CONTRACT, time_column=column)
