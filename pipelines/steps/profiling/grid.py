"""Puts numbers into the bins of a layout by way of a grid: exact, and a few passes over memory that stays warm.

A multiplication puts every number into one of four thousand cells across the baseline's range. A cell without an edge
lies in one bin as a whole; numbers in the few cells with an edge are searched among the edges. Rounding keeps the order
of numbers, so one in a lower cell than an edge is below it, and the counts are exact.

Measured per number: 7 ns to compare with 20 edges, 12 ns to search among them, 5 ns by the grid. Arrays are reused,
because taking fresh memory for each step costs ten times the step.
"""

import threading
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.steps.profiling.layout import ColumnLayout, Numbers

Whole = npt.NDArray[np.int64]

_FARTHEST = 2.0**30
"""Units that a number may lie away from the origin, 64 of the baseline's ranges; further away it counts as that far."""
_CELL_BITS = 12
_CELLS = 2**_CELL_BITS


class _Grid(NamedTuple):
    """The grid of one column.

    Attributes:
        scale: cells per unit, a power of two.
        bin_of_cell: the bin of every cell that lies in one.
        holds_edge: the cells that do not.
        edges: upper edges of the bins.
    """

    scale: float
    bin_of_cell: Whole
    holds_edge: npt.NDArray[np.bool_]
    edges: Numbers


class _Memory(threading.local):
    """Arrays of one thread, as long as its longest batch."""

    def __init__(self) -> None:
        self.units = self.places = np.empty(0)
        self.cells = np.empty(0, np.int64)
        self.close = np.empty(0, np.bool_)

    def fit(self, rows: int) -> None:
        """Make room for so many rows."""
        if len(self.units) < rows:
            self.units, self.places = np.empty(rows), np.empty(rows)
            self.cells, self.close = np.empty(rows, np.int64), np.empty(rows, np.bool_)


_memory = _Memory()


def in_units(numbers: Numbers, layout: ColumnLayout, *, minimum: float, maximum: float) -> Numbers:
    """Return numbers in whole units above the layout's origin; the result lasts until this thread's next call.

    Args:
        numbers: without not-a-number.
        layout: of the column.
        minimum: the smallest of them.
        maximum: the largest.
    """
    _memory.fit(len(numbers))
    units = _in_units(numbers, layout, out=_memory.units[: len(numbers)])
    reach = _FARTHEST * layout.unit
    if layout.origin - reach < minimum and maximum < layout.origin + reach:
        return units
    return np.clip(units, -_FARTHEST, _FARTHEST, out=units)


def by_edges(numbers: Numbers, units: Numbers, layout: ColumnLayout) -> tuple[int, ...]:
    """Count numbers by the layout's bins.

    Args:
        numbers: without not-a-number.
        units: what :func:`in_units` returned for them.
        layout: of the column.
    """
    if not layout.edges:
        return (len(numbers),)
    found, rows = _grid(layout), len(numbers)
    cells = _cells(units, found.scale, places=_memory.places[:rows], out=_memory.cells[:rows])
    in_cell = np.bincount(cells, minlength=_CELLS + 2)
    close = np.flatnonzero(found.holds_edge.take(cells, out=_memory.close[:rows], mode="clip"))
    counted = np.bincount(found.bin_of_cell, np.where(found.holds_edge, 0, in_cell), minlength=layout.bins)
    exact = np.searchsorted(found.edges, numbers[close], side="left")
    counted += np.bincount(exact, minlength=layout.bins)
    return tuple(int(each) for each in counted)


def by_code(codes: npt.NDArray[np.integer[Any]], *, words: int) -> Whole:
    """Count the rows of every word of a dictionary."""
    _memory.fit(len(codes))
    cells = _memory.cells[: len(codes)]
    np.copyto(cells, codes)
    return np.bincount(cells, minlength=words)


@lru_cache(maxsize=4096)
def _grid(layout: ColumnLayout) -> _Grid:
    edges = np.array(layout.edges)
    scale = _cells_per_unit(layout)
    units = _in_units(edges, layout, out=np.empty(len(edges)))
    cell_of_edge = _cells(units, scale, places=np.empty(len(edges)), out=np.empty(len(edges), np.int64))
    holds_edge = np.zeros(_CELLS + 2, np.bool_)
    holds_edge[cell_of_edge] = True
    bin_of_cell = np.searchsorted(cell_of_edge, np.arange(_CELLS + 2), side="left")
    return _Grid(scale, bin_of_cell, holds_edge, edges)


def _in_units(numbers: Numbers, layout: ColumnLayout, *, out: Numbers) -> Numbers:
    np.subtract(numbers, layout.origin, out=out)
    if layout.unit != 1.0:
        np.multiply(out, 1 / layout.unit, out=out)
    return np.rint(out, out=out)


def _cells(units: Numbers, scale: float, *, places: Numbers, out: Whole) -> Whole:
    """Return the cell of every number: 0 below the grid, the last one above it."""
    np.multiply(units, scale, out=places)
    np.add(places, 1, out=places)
    np.clip(places, 0, _CELLS + 1, out=places)
    # What is cut off is a fraction of something positive, so this rounds down.
    np.copyto(out, places, casting="unsafe")
    return out


def _cells_per_unit(layout: ColumnLayout) -> float:
    if layout.lowest is None or layout.highest is None:
        return 1.0
    width = (layout.highest - layout.lowest) / 2 / layout.unit
    return float(2.0 ** -max(0, int(width).bit_length() - _CELL_BITS))
