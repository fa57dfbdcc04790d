"""Quantiles of a column of numbers, read from its bins."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from pipelines.steps.profiling.counts import ColumnCounts
from pipelines.steps.profiling.layout import ColumnLayout

SHOWN = (0.05, 0.25, 0.5, 0.75, 0.95)


def quantiles(column: ColumnCounts, layout: ColumnLayout, *, at: Sequence[float] = SHOWN) -> list[float] | None:
    """Return the quantiles, evenly spread within each bin; ``None`` without values.

    They are as exact as the bins are narrow; the smallest and the largest value bound the outer ones.
    """
    if not layout.is_number or not column.known or column.minimum is None or column.maximum is None:
        return None
    lowest, highest = float(column.minimum), float(column.maximum)
    edges = [lowest, *(min(max(edge, lowest), highest) for edge in layout.edges), highest]
    reached = [0, *accumulate(column.bins)]
    return [_at(share * column.known, edges=edges, reached=reached) for share in at]


def _at(rank: float, *, edges: Sequence[float], reached: Sequence[int]) -> float:
    for (lower, upper), (before, after) in zip(pairwise(edges), pairwise(reached), strict=True):
        if after > before and rank <= after:
            return lower + (upper - lower) * (rank - before) / (after - before)
    return edges[-1]
