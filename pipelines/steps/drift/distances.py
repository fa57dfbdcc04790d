"""Distances between two profiles of one column, from whole counts: equal counts give equal figures everywhere.

Rows without a value are a bin of their own, behind all others, so that values going missing is a shift as well.
"""

import math
from collections.abc import Sequence
from itertools import accumulate

ROBUST = 1.8
"""How far chance reaches, see :func:`robust_l_infinity`."""
_SMALLEST_SHARE = 1e-4
"""An empty bin counts as this share in the PSI, whose logarithm knows no zero (the convention of most monitors)."""


def l_infinity(baseline: Sequence[int], current: Sequence[int], *, ordered: bool) -> float:
    """Return the largest difference: of the distribution functions of numbers, of the shares of categories.

    For ordered bins that is the two-sample Kolmogorov-Smirnov statistic on the bins' edges. It lies between 0 and 1.

    Args:
        baseline: rows by bin; at least one row.
        current: rows by the same bins; at least one row.
        ordered: whether the bins have an order.
    """
    left, right = _shares(baseline), _shares(current)
    if ordered:
        left, right = list(accumulate(left)), list(accumulate(right))
    return max(abs(one - other) for one, other in zip(left, right, strict=True))


def robust_l_infinity(distance: float, *, baseline: int, current: int) -> float:
    """Return the distance beyond what chance explains, 0 when chance explains all of it.

    max(0, L - 1.8 * sqrt((n + m) / (n * m))), as Deequ's data distance ("LInfinityRobust" of
    ``com.amazon.deequ.analyzers.Distance``), after the Kolmogorov-Smirnov bound: of two samples of one distribution,
    about one in 300 exceeds it.

    Args:
        distance: what :func:`l_infinity` returned.
        baseline: its rows.
        current: its rows.
    """
    return max(0.0, distance - ROBUST * math.sqrt((baseline + current) / (baseline * current)))


def population_stability_index(baseline: Sequence[int], current: Sequence[int]) -> float:
    """Return the PSI: the sum over bins of (q - p) * ln(q / p), 0 for equal shares, without an upper bound.

    It is the symmetric Kullback-Leibler divergence of Jeffreys (Siddiqi, "Credit Risk Scorecards", 2006, chapter 9).
    """
    pairs = zip(_shares(baseline), _shares(current), strict=True)
    floored = ((max(one, _SMALLEST_SHARE), max(other, _SMALLEST_SHARE)) for one, other in pairs)
    return math.fsum((other - one) * math.log(other / one) for one, other in floored)


def jensen_shannon(baseline: Sequence[int], current: Sequence[int]) -> float:
    """Return the Jensen-Shannon distance: the square root of the divergence in bits, between 0 and 1.

    Lin, "Divergence measures based on the Shannon entropy", 1991; ``scipy.spatial.distance.jensenshannon`` with base 2.
    """
    pairs = list(zip(_shares(baseline), _shares(current), strict=True))
    divergence = math.fsum(_towards_middle(one, other) + _towards_middle(other, one) for one, other in pairs) / 2
    return math.sqrt(max(divergence, 0.0))


def _towards_middle(share: float, other: float) -> float:
    return share * math.log2(2 * share / (share + other)) if share else 0.0


def _shares(counts: Sequence[int]) -> list[float]:
    rows = sum(counts)
    return [count / rows for count in counts]
