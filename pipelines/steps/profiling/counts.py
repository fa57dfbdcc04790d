"""What was counted: whole numbers only, so that adding profiles gives the same result in any order and grouping."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

from pipelines.steps.failure import StepError
from pipelines.steps.profiling.layout import ColumnLayout, Layout


@dataclass(frozen=True)
class ColumnCounts:
    """One column.

    Attributes:
        nulls: rows without a value; not-a-number counts as none.
        bins: rows by the layout's bins.
        lengths: rows by the layout's bins of text lengths; empty for everything but texts.
        total: sum of the numbers above the layout's origin, in its units; each number is rounded to a unit first.
        outside: numbers beyond what the layout calls plausible.
        minimum: smallest number, or moment in microseconds since the epoch; ``None`` without values and for texts.
        maximum: largest, likewise.
    """

    nulls: int
    bins: tuple[int, ...]
    lengths: tuple[int, ...] = ()
    total: int = 0
    outside: int = 0
    minimum: float | int | None = None
    maximum: float | int | None = None

    def __add__(self, other: "ColumnCounts") -> "ColumnCounts":
        """Add what was counted elsewhere in the same bins."""
        return ColumnCounts(
            nulls=self.nulls + other.nulls,
            bins=_added(self.bins, other.bins),
            lengths=_added(self.lengths, other.lengths),
            total=self.total + other.total,
            outside=self.outside + other.outside,
            minimum=_extreme(min, self.minimum, other.minimum),
            maximum=_extreme(max, self.maximum, other.maximum),
        )

    @property
    def known(self) -> int:
        """Rows with a value."""
        return sum(self.bins)

    def mean(self, layout: ColumnLayout) -> float | None:
        """Return the mean of a column of numbers, ``None`` without values."""
        return layout.origin + layout.unit * self.total / self.known if self.known and layout.is_number else None


@dataclass(frozen=True)
class Profile:
    """Some rows, counted by one layout.

    Attributes:
        rows: how many.
        columns: by name, in the layout's order.
    """

    rows: int
    columns: Mapping[str, ColumnCounts]

    def __add__(self, other: "Profile") -> "Profile":
        """Add the profile of other rows that was counted by the same layout.

        Raises:
            ValueError: it was not.
        """
        if self.columns.keys() != other.columns.keys():
            raise ValueError(f"profiles of different columns: {sorted(self.columns.keys() ^ other.columns.keys())}")
        columns = {name: column + other.columns[name] for name, column in self.columns.items()}
        return Profile(rows=self.rows + other.rows, columns=columns)

    def as_document(self) -> dict[str, Any]:
        """Return what :func:`parse` reads."""
        return {"rows": self.rows, "columns": {name: asdict(column) for name, column in self.columns.items()}}

    def as_text(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(self.as_document(), sort_keys=True, separators=(",", ":"))


def empty(layout: Layout) -> Profile:
    """Return the profile of no rows: adding it changes nothing."""
    columns = {
        column.name: ColumnCounts(
            nulls=0,
            bins=(0,) * column.bins,
            lengths=(0,) * (len(column.lengths) + 1) if column.type == "string" else (),
        )
        for column in layout.columns
    }
    return Profile(rows=0, columns=columns)


def added(profiles: Iterable[Profile], layout: Layout) -> Profile:
    """Return the sum of profiles that were counted by one layout."""
    return reduce(Profile.__add__, profiles, empty(layout))


def parse(document: Mapping[str, Any]) -> Profile:
    """Read a profile from its JSON form.

    Raises:
        StepError: when it is none.
    """
    try:
        columns = {
            name: ColumnCounts(**{**entry, "bins": tuple(entry["bins"]), "lengths": tuple(entry["lengths"])})
            for name, entry in document["columns"].items()
        }
        return Profile(rows=int(document["rows"]), columns=columns)
    except (TypeError, KeyError, AttributeError, ValueError, OverflowError) as error:
        raise StepError(f"a profile cannot be read: {type(error).__name__} {error}") from error


def _added(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(one + other for one, other in zip(left, right, strict=True))


def _extreme(choose: Any, left: float | None, right: float | None) -> Any:
    known = [value for value in (left, right) if value is not None]
    return choose(known) if known else None
