"""Which bins each column is counted in: fixed once, by the rows a model was trained on.

Later rows are counted in the same bins, whoever counts them, so that profiles compare and add up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.steps.contract import Field, FieldType
from pipelines.steps.failure import StepError

Numbers = npt.NDArray[np.float64]

NUMBER_BINS = 20
"""Bins of a column of numbers, of equal share in the baseline: fine enough to see a shift, coarse enough to count."""
LENGTH_BINS = 10
HOURS = 24
MOST_CATEGORIES = 100
"""Categories with a bin of their own; what comes later or more rarely is counted together."""
_SAMPLED_ROWS = 100_000
_UNITS = 2**24
"""Steps in which the baseline's range is summed: the mean is exact to a sixteen-millionth of it."""


@dataclass(frozen=True)
class ColumnLayout:
    """The bins of one column.

    Attributes:
        name: of the column.
        type: as the contract calls it.
        edges: upper edges of all bins of numbers but the last, which is open; bin ``i`` holds ``edges[i-1] < value <=
            edges[i]``. Empty for everything else.
        categories: texts with a bin of their own; the bin after them holds all others.
        lengths: upper edges of the bins of a text's length in characters.
        origin: where sums of numbers are counted from.
        unit: what they are counted in; sums are whole numbers of it, so that their order does not matter.
        lowest: numbers below are implausible: further outside the baseline's range than half its width; ``None`` for
            everything but numbers.
        highest: numbers above, likewise.
    """

    name: str
    type: FieldType
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    lengths: tuple[float, ...] = ()
    origin: float = 0.0
    unit: float = 1.0
    lowest: float | None = None
    highest: float | None = None

    @property
    def bins(self) -> int:
        """How many bins the column's values have."""
        match self.type:
            case "string":
                return len(self.categories) + 1
            case "timestamp":
                return HOURS
            case "boolean":
                return 2
            case "integer" | "number":
                return len(self.edges) + 1

    @property
    def is_number(self) -> bool:
        """Whether the column holds numbers."""
        return self.type in ("integer", "number")


@dataclass(frozen=True)
class Layout:
    """The bins of some columns, in their order."""

    columns: tuple[ColumnLayout, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ColumnLayout:
        """Return the bins of one column.

        Raises:
            KeyError: there is no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def as_document(self) -> list[dict[str, Any]]:
        """Return what :func:`parse` reads."""
        return [asdict(column) for column in self.columns]


def parse(document: Iterable[Mapping[str, Any]]) -> Layout:
    """Read a layout from its JSON form.

    Raises:
        StepError: when it is none.
    """
    try:
        columns = tuple(_parse_column(entry) for entry in document)
    except (TypeError, AttributeError) as error:
        raise StepError(f"the baseline's bins cannot be read: {error}") from error
    return Layout(columns)


def of_rows(rows: pa.Table, fields: Iterable[Field]) -> Layout:
    """Choose the bins from baseline rows in canonical types; the same rows in the same order give the same bins.

    At most 100,000 rows are looked at, evenly spaced, so that the time does not grow with the baseline.
    """
    step = max(1, -(-len(rows) // _SAMPLED_ROWS))
    sample = rows.take(np.arange(0, len(rows), step))
    return Layout(tuple(_column(field, sample.column(field.name)) for field in fields))


def number_edges(values: Numbers, *, bins: int = NUMBER_BINS) -> tuple[float, ...]:
    """Return edges that put an equal share of the values into each bin, or every value into its own if they are few.

    A single value gets a bin below and one above it. Without any value there is one bin for everything.
    """
    ordered = np.sort(values[np.isfinite(values)])
    rows = len(ordered)
    if not rows:
        return ()
    lowest, highest = float(ordered[0]), float(ordered[-1])
    if lowest == highest:
        return (float(np.nextafter(lowest, -np.inf)), lowest)
    distinct = ordered[np.concatenate([[True], ordered[1:] > ordered[:-1]])]
    if len(distinct) <= bins:
        return tuple(float(value) for value in distinct[:-1])
    # An edge is a value that occurs (the quantile "inverted_cdf"): one between two would depend on the sample.
    ranks = np.ceil(rows * (np.arange(1, bins) / bins) - 1).astype(np.int64)
    return tuple(float(edge) for edge in np.unique(ordered[ranks]))


def _parse_column(entry: Mapping[str, Any]) -> ColumnLayout:
    lists = {name: tuple(entry.get(name, ())) for name in ("edges", "categories", "lengths")}
    return ColumnLayout(**{**entry, **lists})


def _column(field: Field, values: pa.ChunkedArray) -> ColumnLayout:
    known = values.drop_null()
    if field.type == "string":
        lengths = pc.utf8_length(known).cast(pa.float64()).to_numpy()
        edges = number_edges(lengths, bins=LENGTH_BINS)
        return ColumnLayout(field.name, field.type, categories=_frequent(known), lengths=edges)
    if field.type in ("boolean", "timestamp"):
        return ColumnLayout(field.name, field.type)
    numbers = known.cast(pa.float64()).to_numpy()
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return ColumnLayout(field.name, field.type)
    origin, width = float(numbers.min()), float(numbers.max() - numbers.min())
    whole = field.type == "integer" and width < _UNITS
    unit = 1.0 if whole or width == 0 else width / _UNITS
    return ColumnLayout(
        field.name,
        field.type,
        edges=number_edges(numbers),
        origin=origin,
        unit=unit,
        lowest=origin - width / 2,
        highest=origin + 1.5 * width,
    )


def _frequent(texts: pa.ChunkedArray) -> tuple[str, ...]:
    counted = {entry["values"]: entry["counts"] for entry in pc.value_counts(texts).to_pylist()}
    return tuple(sorted(counted, key=lambda text: (-counted[text], text))[:MOST_CATEGORIES])
