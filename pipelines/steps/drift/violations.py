"""Rows that break what the baseline's rows had in common: the schema that nobody wrote down."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.steps.profiling.counts import ColumnCounts, Profile
from pipelines.steps.profiling.layout import ColumnLayout, Layout

Rule = Literal["missing", "type", "null", "range", "category"]


@dataclass(frozen=True)
class Violation:
    """Rows of one column that break one rule.

    Attributes:
        column: its name.
        rule: ``missing``: no row has a value; ``type``: a value of another type; ``null``: a value was always there;
            ``range``: further outside the baseline's range than half its width; ``category``: a text that the
            baseline, which had few, never held.
        rows: how many.
        detail: in words.
    """

    column: str
    rule: Rule
    rows: int
    detail: str

    def as_document(self) -> dict[str, Any]:
        """Return it as the judgement holds it."""
        return dict(vars(self))


def find(current: Profile, mistyped: Mapping[str, int], *, baseline: Profile, layout: Layout) -> list[Violation]:
    """Return what is broken, in the order of the columns.

    Args:
        current: the rows to judge, by ``layout``.
        mistyped: rows by column that held another type; they count as nulls in ``current``.
        baseline: the rows trained on.
        layout: bins of the inputs.
    """
    if not current.rows:
        return []
    return [
        violation
        for column in layout.columns
        for violation in _of_column(
            column,
            current.columns[column.name],
            baseline.columns[column.name],
            rows=current.rows,
            mistyped=mistyped.get(column.name, 0),
        )
    ]


def share(found: list[Violation], *, rows: int) -> float:
    """Return the largest share of rows that break one rule: how many break any cannot be told from counts."""
    return max((violation.rows for violation in found), default=0) / rows if rows else 0.0


def _of_column(
    layout: ColumnLayout, now: ColumnCounts, then: ColumnCounts, *, rows: int, mistyped: int
) -> Iterator[Violation]:
    if mistyped:
        yield Violation(layout.name, "type", mistyped, f"is no {layout.type} in {mistyped} of {rows} rows")
    nulls = now.nulls - mistyped
    if nulls == rows and then.known:
        yield Violation(layout.name, "missing", rows, f"has no value in any of {rows} rows")
    elif nulls > 0 and not then.nulls:
        yield Violation(layout.name, "null", nulls, f"has no value in {nulls} of {rows} rows, and always had one")
    if now.outside:
        yield Violation(
            layout.name,
            "range",
            now.outside,
            f"is below {layout.lowest:g} or above {layout.highest:g} in {now.outside} of {rows} rows, "
            f"from {now.minimum:g} to {now.maximum:g}",
        )
    if layout.type == "string" and now.bins[-1] and not then.bins[-1]:
        words = f"holds a text that the baseline never held in {now.bins[-1]} of {rows} rows"
        yield Violation(layout.name, "category", now.bins[-1], words)
