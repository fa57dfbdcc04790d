"""What changed in the data since the champion was trained, from the profiles of both training sets."""

import math
from dataclasses import dataclass

from pipelines.steps.profile import ColumnProfile, Profile
from pipelines.steps.report.chart import percent, plain
from pipelines.steps.report.frame import section
from pipelines.steps.report.markup import Child, Markup, element, harmless
from pipelines.steps.report.tables import Column, table

_SHOWN = 15
_NAMED = 4


@dataclass(frozen=True)
class Change:
    """One column in both training sets.

    Attributes:
        column: its name.
        before: what the champion was trained on, in words.
        now: what the challenger was trained on.
        shift: how far it moved; numbers in the champion's standard deviations, texts as the share of rows that would
            have to change (total variation distance). Only the order of the rows rests on it.
        said: the shift in words.
        missing: share of rows without a value, then and now.
    """

    column: str
    before: str
    now: str
    shift: float
    said: str
    missing: str


def since_champion(current: Profile | None, reference: Profile | None) -> Markup | None:
    """Show the columns that changed most; None without both profiles."""
    if current is None or reference is None:
        return None
    common = [name for name in reference.columns if name in current.columns]
    changes = sorted((_change(name, reference, current) for name in common), key=lambda found: -found.shift)
    columns = [
        Column("column"),
        Column("champion trained on"),
        Column("challenger trained on"),
        Column("shift"),
        Column("missing"),
    ]
    cells: list[list[Child]] = [
        [harmless(text) for text in (change.column, change.before, change.now, change.said, change.missing)]
        for change in changes[:_SHOWN]
    ]
    rest = f", the {_SHOWN} of {len(changes)} columns that moved most" if len(changes) > _SHOWN else ""
    return section(
        "What changed in the data since the champion",
        element("p", f"Rows trained on: {reference.rows:,} then, {current.rows:,} now.", _names(current, reference)),
        table(f"Training data of both models{rest}, largest shift first", columns, cells),
    )


def _names(current: Profile, reference: Profile) -> str:
    new = [name for name in current.columns if name not in reference.columns]
    gone = [name for name in reference.columns if name not in current.columns]
    return "".join(
        f" {title}: {', '.join(harmless(name) for name in names)}."
        for title, names in (("New columns", new), ("Columns gone", gone))
        if names
    )


def _change(name: str, reference: Profile, current: Profile) -> Change:
    before, now = reference.columns[name], current.columns[name]
    nulls = (_nulls(before, reference.rows), _nulls(now, current.rows))
    missing = f"{percent(nulls[0])} then, {percent(nulls[1])} now" if any(nulls) else "none"

    def change(then: str, today: str, shift: float, said: str) -> Change:
        return Change(name, then, today, shift + abs(nulls[0] - nulls[1]), said, missing)

    if before.type != now.type:
        return change(before.type, now.type, math.inf, "another type")
    if before.type == "timestamp":
        return change(f"{before.minimum} to {before.maximum}", f"{now.minimum} to {now.maximum}", 0.0, "moves on")
    if before.type == "string":
        share, words = _categories(before, now)
        return change(_most(before), _most(now), share, f"{percent(share)} of the rows{words}")
    mean, spread = before.mean(reference.rows), before.deviation(reference.rows)
    difference = now.mean(current.rows) - mean
    deviations = difference / spread if spread else float(difference != 0)
    return change(
        f"mean {plain(mean)}, deviation {plain(spread)}",
        f"mean {plain(now.mean(current.rows))}, deviation {plain(now.deviation(current.rows))}",
        abs(deviations),
        f"mean {'up' if deviations > 0 else 'down'} {abs(deviations):.2f} deviations"
        if deviations
        else "mean as before",
    )


def _nulls(column: ColumnProfile, rows: int) -> float:
    return column.nulls / rows if rows else 0.0


def _categories(before: ColumnProfile, now: ColumnProfile) -> tuple[float, str]:
    then, today = _shares(before), _shares(now)
    names = sorted({*then, *today})
    distance = sum(abs(then.get(name, 0.0) - today.get(name, 0.0)) for name in names) / 2
    new = [name for name in names if name not in then] if before.is_complete else []
    if not new:
        return distance, ""
    named = ", ".join(new[:_NAMED]) + (f" and {len(new) - _NAMED} more" if len(new) > _NAMED else "")
    return distance, f"; new: {named}"


def _shares(column: ColumnProfile) -> dict[str, float]:
    known = sum(column.categories.values())
    return {name: count / known for name, count in column.categories.items()} if known else {}


def _most(column: ColumnProfile) -> str:
    shares = sorted(_shares(column).items(), key=lambda item: (-item[1], item[0]))[:_NAMED]
    return ", ".join(f"{name} {percent(share)}" for name, share in shares) or "too many values to list"
