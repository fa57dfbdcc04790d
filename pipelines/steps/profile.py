"""A small profile of rows: per column the nulls, the range and the sums, or the categories with their counts.

Counts and sums add up, so profiles of parts can be merged into the profile of the whole.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.steps.contract import Field, FieldType
from pipelines.steps.failure import StepError

PROFILE = "profile.json"
_FORMAT = 1
_KEPT_CATEGORIES = 200
_COUNTED_CATEGORIES = 10_000


@dataclass(frozen=True)
class ColumnProfile:
    """One column.

    Attributes:
        type: the contract's type.
        nulls: rows without a value.
        minimum: smallest value; a moment as ISO text, false and true as 0 and 1, ``None`` for texts and without values.
        maximum: largest value, likewise.
        sum: of the values, ``None`` for texts and moments.
        squares: sum of their squares, likewise.
        distinct: different texts, ``None`` for everything else and when they are too many to count.
        categories: the most frequent texts and their rows; all of them when ``distinct`` says so.
    """

    type: FieldType
    nulls: int
    minimum: float | str | None = None
    maximum: float | str | None = None
    sum: float | None = None
    squares: float | None = None
    distinct: int | None = None
    categories: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether every category that occurred is listed."""
        return self.distinct is not None and self.distinct == len(self.categories)

    def mean(self, rows: int) -> float:
        """Return the mean of a numeric column; ``rows`` are those of the profile."""
        return (self.sum or 0.0) / max(rows - self.nulls, 1)

    def deviation(self, rows: int) -> float:
        """Return the standard deviation of a numeric column."""
        mean = self.mean(rows)
        return math.sqrt(max((self.squares or 0.0) / max(rows - self.nulls, 1) - mean * mean, 0.0))


@dataclass(frozen=True)
class Profile:
    """Rows in a nutshell.

    Attributes:
        rows: how many.
        label: the target's column.
        columns: by name, in the order of the rows' columns.
    """

    rows: int
    label: str
    columns: Mapping[str, ColumnProfile]
    format: int = _FORMAT

    def write(self, folder: Path) -> None:
        """Write ``profile.json``."""
        (folder / PROFILE).write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", "utf-8")


def parse(text: str | bytes) -> Profile:
    """Read what :meth:`Profile.write` wrote.

    Raises:
        StepError: when it is no profile, or one of another format.
    """
    try:
        document = json.loads(text)
        columns = {name: ColumnProfile(**column) for name, column in document.pop("columns").items()}
        profile = Profile(columns=columns, **document)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StepError(f"{PROFILE} is no profile: {error}") from error
    if profile.format != _FORMAT:
        raise StepError(f"{PROFILE} has format {profile.format}; this code reads format {_FORMAT}")
    return profile


class Profiler:
    """Builds a profile from batches in canonical types; memory is bounded by the number of columns."""

    def __init__(self, fields: Iterable[Field], *, label: str) -> None:
        self._label = label
        self._columns = {column.name: _column(column) for column in fields}
        self._rows = 0

    def add(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Count the rows of one batch."""
        self._rows += len(batch)
        for name, column in self._columns.items():
            column.add(batch.column(name))

    def profile(self) -> Profile:
        """Return the profile of everything added so far."""
        columns = {name: column.profile() for name, column in self._columns.items()}
        return Profile(rows=self._rows, label=self._label, columns=columns)


def _column(column: Field) -> "_Texts | _Moments | _Numbers":
    if column.type == "string":
        return _Texts()
    return _Moments() if column.type == "timestamp" else _Numbers(column.type)


@dataclass
class _Texts:
    nulls: int = 0
    counts: Counter[str] | None = field(default_factory=Counter)

    def add(self, values: pa.Array) -> None:
        self.nulls += values.null_count
        if self.counts is None:
            return
        for entry in pc.value_counts(values.drop_null()).to_pylist():
            self.counts[entry["values"]] += entry["counts"]
        if len(self.counts) > _COUNTED_CATEGORIES:
            self.counts = None

    def profile(self) -> ColumnProfile:
        counts = self.counts
        if counts is None:
            return ColumnProfile("string", self.nulls)
        frequent = sorted(counts, key=lambda text: (-counts[text], text))[:_KEPT_CATEGORIES]
        return ColumnProfile(
            "string", self.nulls, distinct=len(counts), categories={text: counts[text] for text in frequent}
        )


@dataclass
class _Range:
    nulls: int = 0
    minimum: Any = None
    maximum: Any = None

    def add(self, values: pa.Array) -> None:
        self.nulls += values.null_count
        if values.null_count == len(values):
            return
        found = pc.min_max(values).as_py()
        self.minimum = found["min"] if self.minimum is None else min(self.minimum, found["min"])
        self.maximum = found["max"] if self.maximum is None else max(self.maximum, found["max"])


@dataclass
class _Moments(_Range):
    def profile(self) -> ColumnProfile:
        return ColumnProfile("timestamp", self.nulls, minimum=_iso(self.minimum), maximum=_iso(self.maximum))


class _Numbers(_Range):
    def __init__(self, kind: FieldType) -> None:
        super().__init__()
        self._type = kind
        self._sum = self._squares = 0.0

    def add(self, values: pa.Array) -> None:
        numbers = values.cast(pa.float64()) if self._type != "boolean" else values.cast(pa.int8()).cast(pa.float64())
        super().add(numbers)
        known = numbers.drop_null().to_numpy()
        self._sum += float(np.sum(known))
        self._squares += float(np.sum(np.square(known)))

    def profile(self) -> ColumnProfile:
        return ColumnProfile(
            self._type,
            self.nulls,
            minimum=self.minimum,
            maximum=self.maximum,
            sum=self._sum,
            squares=self._squares,
        )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
