"""Profiles in the bins of a baseline: what they count, and that parts add up whatever the parts are."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.steps import columns
from pipelines.steps.contract import Field
from pipelines.steps.failure import StepError
from pipelines.steps.profiling import arrow_engine, counts, kernel, layout
from pipelines.steps.profiling.counts import Profile
from pipelines.steps.profiling.layout import ColumnLayout, Layout

FIELDS = (
    Field("weight", "number", nullable=True),
    Field("seats", "integer", nullable=True),
    Field("kind", "string", nullable=True),
    Field("wet", "boolean", nullable=True),
    Field("at", "timestamp"),
)
START = datetime(2020, 1, 1, tzinfo=UTC)


def rows(number: int, *, seed: int = 0, shift: float = 0.0) -> pa.Table:
    """Rows with every type, and nulls in all but the time."""
    random = np.random.default_rng(seed)
    missing = random.random((4, number)) < 0.1
    values: dict[str, Any] = {
        "weight": pa.array(random.normal(shift, 1, number), mask=missing[0]),
        "seats": pa.array(random.integers(0, 300, number), mask=missing[1]),
        "kind": pa.array(random.choice(["a", "bb", "ccc", "dddd"], number), mask=missing[2]),
        "wet": pa.array(random.random(number) < 0.3, mask=missing[3]),
        "at": pa.array([START + timedelta(minutes=int(each)) for each in random.integers(0, 9999, number)]),
    }
    return pa.table({name: column.cast(columns.schema(FIELDS).field(name).type) for name, column in values.items()})


BASELINE = rows(5000)
LAYOUT = layout.of_rows(BASELINE, FIELDS)


def profiled(table: pa.Table) -> Profile:
    return arrow_engine.profile_table(table, LAYOUT)


def test_every_bin_of_numbers_holds_about_the_same_share_of_the_baseline() -> None:
    bins = profiled(BASELINE).columns["weight"].bins
    assert len(bins) == layout.NUMBER_BINS
    assert max(bins) - min(bins) <= 3


def test_a_bin_holds_its_upper_edge_and_the_outer_ones_are_open() -> None:
    bins = Layout((ColumnLayout("x", "number", edges=(1.0, 2.0)),))
    batch = pa.RecordBatch.from_pydict({"x": [-9.0, 1.0, 1.5, 2.0, 2.1, float("inf"), float("-inf")]})
    assert kernel.count(batch, bins).columns["x"].bins == (3, 2, 2)


def test_missing_values_are_counted_beside_the_bins_and_so_is_not_a_number() -> None:
    bins = Layout((ColumnLayout("x", "number", edges=(1.0,)),))
    found = kernel.count(pa.RecordBatch.from_pydict({"x": [None, float("nan"), 1.0]}), bins)
    assert (found.columns["x"].nulls, found.columns["x"].known) == (2, 1)


def test_few_different_numbers_get_a_bin_each() -> None:
    assert layout.number_edges(np.array([3.0, 1.0, 2.0, 2.0])) == (1.0, 2.0)


def test_a_constant_has_a_bin_below_and_a_bin_above_it() -> None:
    bins = Layout((ColumnLayout("x", "number", edges=layout.number_edges(np.array([5.0, 5.0]))),))
    found = kernel.count(pa.RecordBatch.from_pydict({"x": [4.9, 5.0, 5.0, 5.1]}), bins)
    assert found.columns["x"].bins == (1, 2, 1)


def test_a_column_without_any_value_has_one_bin() -> None:
    nothing = pa.table({"x": pa.array([None, None], pa.float64())})
    bins = layout.of_rows(nothing, [Field("x", "number", nullable=True)])
    assert arrow_engine.profile_table(pa.table({"x": [1.0]}), bins).columns["x"].bins == (1,)


def test_texts_are_counted_by_category_and_length_and_what_is_rare_together() -> None:
    many = pa.table({"t": [f"{number % 150:03d}" for number in range(3000)] + ["x" * 40]})
    bins = layout.of_rows(many, [Field("t", "string")])
    found = arrow_engine.profile_table(many, bins).columns["t"]
    assert len(found.bins) == layout.MOST_CATEGORIES + 1
    assert found.bins[-1] == 50 * 20 + 1
    assert found.lengths == (3000, 1)


def test_moments_are_counted_by_their_hour_with_the_range_they_cover() -> None:
    found = profiled(BASELINE).columns["at"]
    assert sum(found.bins) == len(BASELINE)
    assert isinstance(found.minimum, int)
    assert isinstance(found.maximum, int)
    assert found.minimum >= int(START.timestamp() * 1e6)
    assert found.minimum < found.maximum


def test_the_mean_is_read_from_a_whole_sum() -> None:
    found = profiled(BASELINE).columns
    known = BASELINE.column("weight").drop_null().to_numpy()
    assert found["weight"].mean(LAYOUT.column("weight")) == pytest.approx(known.mean(), abs=1e-6)
    seats = BASELINE.column("seats").drop_null().to_numpy()
    assert found["seats"].mean(LAYOUT.column("seats")) == seats.mean(), "whole numbers are summed exactly"


def test_numbers_far_outside_the_baselines_range_are_counted() -> None:
    found = profiled(rows(100).append_column("x", pa.nulls(100)).drop(["x"]))
    assert found.columns["weight"].outside == 0
    far = pa.table({**{name: rows(10).column(name) for name in LAYOUT.names}, "weight": [1e9] * 4 + [0.0] * 6})
    assert profiled(far).columns["weight"].outside == 4


@given(cuts=st.lists(st.integers(0, 700), max_size=6), order=st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_any_partition_in_any_order_gives_the_profile_of_the_whole(cuts: list[int], order: Any) -> None:
    table = rows(700, seed=3, shift=0.5)
    bounds = [0, *sorted(cuts), 700]
    parts = [profiled(table.slice(start, end - start)) for start, end in pairwise(bounds)]
    order.shuffle(parts)
    assert counts.added(parts, LAYOUT) == profiled(table)


@given(numbers=st.lists(st.integers(0, 60), min_size=3, max_size=3))
@settings(max_examples=20, deadline=None)
def test_adding_is_associative_and_commutative(numbers: list[int]) -> None:
    one, two, three = (profiled(rows(number, seed=number)) for number in numbers)
    assert one + (two + three) == (one + two) + three
    assert one + two == two + one
    assert one + counts.empty(LAYOUT) == one


def test_shuffled_rows_give_the_same_profile() -> None:
    table = rows(3000, seed=5)
    shuffled = table.take(np.random.default_rng(1).permutation(len(table)))
    assert profiled(shuffled) == profiled(table)


@pytest.mark.parametrize("at_once", [0, 299, 300])
def test_parquet_files_are_counted_as_the_table_they_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(arrow_engine, "_AT_ONCE", at_once)
    table = rows(3000, seed=6)
    paths = []
    for number, part in enumerate((table.slice(0, 1000), table.slice(1000))):
        paths.append(tmp_path / f"{number}.parquet")
        pq.write_table(part, paths[-1], row_group_size=300)
    assert arrow_engine.profile_parquet(paths, LAYOUT) == profiled(table)


def test_a_file_without_a_column_is_named(tmp_path: Path) -> None:
    pq.write_table(rows(10).drop(["wet"]), tmp_path / "dry.parquet")
    with pytest.raises(KeyError, match=r"dry\.parquet has no column 'wet'"):
        arrow_engine.profile_parquet([tmp_path / "dry.parquet"], LAYOUT)


@pytest.mark.parametrize("width", [pa.int8(), pa.int64(), pa.float32(), pa.float64()])
def test_numbers_are_counted_at_whatever_width_they_are_stored(width: pa.DataType) -> None:
    bins = Layout((ColumnLayout("x", "integer", edges=(2.0, 4.0)),))
    batch = pa.RecordBatch.from_arrays([pa.array([1, 2, 3, 4, 5, None]).cast(width)], names=["x"])
    assert kernel.count(batch, bins).columns["x"].bins == (2, 2, 1)


def test_a_profile_and_its_layout_are_read_back_as_they_were_written() -> None:
    found = profiled(BASELINE)
    assert counts.parse(found.as_document()) == found
    assert layout.parse(LAYOUT.as_document()) == LAYOUT


def test_profiles_of_different_columns_do_not_add_up() -> None:
    other = arrow_engine.profile_table(rows(5), Layout(LAYOUT.columns[:1]))
    with pytest.raises(ValueError, match="different columns"):
        profiled(rows(5)) + other


@pytest.mark.parametrize("document", [{}, {"rows": 1, "columns": {"x": {"bins": [1]}}}, {"rows": 1, "columns": 3}])
def test_what_is_no_profile_is_refused(document: Any) -> None:
    with pytest.raises(StepError, match="profile"):
        counts.parse(document)
