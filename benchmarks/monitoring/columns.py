"""The 30 columns that are compared: their types, where values are missing, and which of them shift.

Standard library only: the process that starts the contestants has to stay small, because the kernel counts its memory
as that of a process it starts.
"""

from dataclasses import dataclass
from typing import Literal

Draw = Literal["measurement", "amount", "price", "count", "category"]
_NUMBERS: tuple[tuple[Draw, int], ...] = (("measurement", 8), ("amount", 4), ("price", 4), ("count", 4))
"""How often each kind occurs."""
_CATEGORIES = (2, 3, 5, 8, 12, 20, 50, 90, 200, 500)
_MISSING = {
    "number_02": 0.01,
    "number_07": 0.05,
    "number_11": 0.02,
    "number_14": 0.03,
    "text_04": 0.02,
    "text_09": 0.05,
}

SHIFTED = ("number_03", "number_09", "number_18", "text_02", "text_07")
"""Columns of the current rows that are not what they were; every contestant should find them."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: ``number_01`` ... ``number_20``, ``text_01`` ... ``text_10``.
        type: as a contract calls it: ``number``, ``integer`` or ``string``.
        draw: how its values come about.
        missing: share of rows without a value.
        categories: how many different texts it has.
    """

    name: str
    type: str
    draw: Draw
    missing: float
    categories: int = 0


def all_columns() -> list[Column]:
    """Return the columns in the order of the files."""
    draws = [draw for draw, times in _NUMBERS for _ in range(times)]
    names = [f"number_{place:02d}" for place in range(1, len(draws) + 1)]
    numbers = [
        Column(name, "integer" if draw == "count" else "number", draw, _MISSING.get(name, 0.0))
        for name, draw in zip(names, draws, strict=True)
    ]
    texts = [
        Column(f"text_{place:02d}", "string", "category", _MISSING.get(f"text_{place:02d}", 0.0), size)
        for place, size in enumerate(_CATEGORIES, start=1)
    ]
    return [*numbers, *texts]
