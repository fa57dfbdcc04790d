"""Counts one Arrow batch: the one place where rows become numbers, on a laptop and on every executor of a cluster."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.steps.profiling import grid
from pipelines.steps.profiling.counts import ColumnCounts, Profile
from pipelines.steps.profiling.layout import HOURS, ColumnLayout, Layout, Numbers

_MICROSECONDS_PER_HOUR = 3_600_000_000


def count(batch: pa.RecordBatch, layout: Layout) -> Profile:
    """Count the rows of a batch; columns may be stored at any width, texts also as dictionaries.

    Raises:
        KeyError: the batch lacks a column of the layout.
    """
    columns = {column.name: _count_column(batch.column(column.name), column) for column in layout.columns}
    return Profile(rows=len(batch), columns=columns)


def _count_column(values: pa.Array, layout: ColumnLayout) -> ColumnCounts:
    match layout.type:
        case "string":
            return _texts(values, layout)
        case "boolean":
            truths = int(pc.sum(values).as_py() or 0)
            known = len(values) - values.null_count
            return ColumnCounts(nulls=values.null_count, bins=(known - truths, truths))
        case "timestamp":
            return _moments(values)
        case "integer" | "number":
            return _numbers(values, layout)


def _numbers(values: pa.Array, layout: ColumnLayout) -> ColumnCounts:
    known = values.drop_null() if values.null_count else values
    numbers = known.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    minimum = float(numbers.min(initial=np.inf))
    if np.isnan(minimum):
        numbers = numbers[~np.isnan(numbers)]
        minimum = float(numbers.min(initial=np.inf))
    nulls = len(values) - len(numbers)
    if not len(numbers):
        return ColumnCounts(nulls=nulls, bins=(0,) * layout.bins)
    # Adding nothing turns -0.0 into 0.0: which of the two is smaller would depend on their order.
    minimum, maximum = minimum + 0.0, float(numbers.max()) + 0.0
    units = grid.in_units(numbers, layout, minimum=minimum, maximum=maximum)
    return ColumnCounts(
        nulls=nulls,
        # Whole numbers below 2^30, and fewer than 2^23 of them: their sum is exact in whatever order it is taken.
        total=int(units.sum()),
        bins=grid.by_edges(numbers, units, layout),
        outside=_outside(numbers, layout, minimum=minimum, maximum=maximum),
        minimum=minimum,
        maximum=maximum,
    )


def _outside(numbers: Numbers, layout: ColumnLayout, *, minimum: float, maximum: float) -> int:
    lowest = -np.inf if layout.lowest is None else layout.lowest
    highest = np.inf if layout.highest is None else layout.highest
    below = np.count_nonzero(numbers < lowest) if minimum < lowest else 0
    return int(below + (np.count_nonzero(numbers > highest) if maximum > highest else 0))


def _moments(values: pa.Array) -> ColumnCounts:
    known = values.drop_null().cast(pa.timestamp("us", tz="UTC"), safe=False).cast(pa.int64()).to_numpy()
    hours = known // _MICROSECONDS_PER_HOUR % HOURS
    bins = np.bincount(hours, minlength=HOURS)
    extremes = (int(known.min()), int(known.max())) if len(known) else (None, None)
    return ColumnCounts(nulls=values.null_count, bins=_whole(bins), minimum=extremes[0], maximum=extremes[1])


def _texts(values: pa.Array, layout: ColumnLayout) -> ColumnCounts:
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    words = encoded.dictionary.cast(pa.string())
    indices = (encoded.indices.drop_null() if encoded.indices.null_count else encoded.indices).to_numpy()
    rows = grid.by_code(indices, words=len(words))
    # A dictionary may hold a null of its own, which is no text either.
    is_text = words.is_valid().to_numpy(zero_copy_only=False)
    words, rows = words.filter(pa.array(is_text)), rows[is_text]
    other = len(layout.categories)
    found = pc.fill_null(pc.index_in(words, value_set=pa.array(layout.categories, pa.string())), other).to_numpy()
    lengths = np.searchsorted(layout.lengths, pc.utf8_length(words).to_numpy().astype(np.float64))
    return ColumnCounts(
        nulls=len(values) - int(rows.sum()),
        bins=_weighted(found, rows, bins=other + 1),
        lengths=_weighted(lengths, rows, bins=len(layout.lengths) + 1),
    )


def _weighted(bins_of_words: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], *, bins: int) -> tuple[int, ...]:
    counted = np.zeros(bins, dtype=np.int64)
    np.add.at(counted, bins_of_words, rows)
    return _whole(counted)


def _whole(counts: npt.NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(each) for each in counts)
