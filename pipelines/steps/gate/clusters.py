"""Clusters of time: rows of one hour, day or week are judged together, because they share what happened then."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.steps.gate.rules import Unit

IntArray = npt.NDArray[np.int64]

_HOUR = 3_600_000_000
_MICROSECONDS: Mapping[Unit, int] = {"hour": _HOUR, "day": 24 * _HOUR, "week": 7 * 24 * _HOUR}
_MONDAY = 4 * 24 * _HOUR
"""The first Monday after the epoch, which was a Thursday."""


@dataclass(frozen=True)
class Clusters:
    """Which cluster each row belongs to.

    Attributes:
        of_row: number of the cluster, from 0 in the order of time, without gaps.
        starts: first microsecond of each cluster since the epoch.
    """

    of_row: npt.NDArray[np.intp]
    starts: IntArray

    def __len__(self) -> int:
        return len(self.starts)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Clusters":
        """Return the clusters of some rows; those that none of them belongs to are gone."""
        numbers, starts = _without_gaps(self.of_row[chosen], len(self))
        return Clusters(of_row=numbers, starts=self.starts[starts])


def by_time(moments: IntArray, unit: Unit) -> Clusters:
    """Assign rows to clusters.

    Args:
        moments: microseconds since the epoch, in UTC and any order. A hold-out's span is bounded by the settings, so
            the memory is too.
        unit: length of a cluster.
    """
    if not len(moments):
        return Clusters(of_row=np.empty(0, np.intp), starts=np.empty(0, np.int64))
    length, shift = _MICROSECONDS[unit], _MONDAY if unit == "week" else 0
    numbers = (moments - shift) // length
    first = numbers.min()
    compact, present = _without_gaps((numbers - first).astype(np.intp), int(numbers.max() - first) + 1)
    return Clusters(of_row=compact, starts=(present + first) * length + shift)


def _without_gaps(numbers: npt.NDArray[np.intp], count: int) -> tuple[npt.NDArray[np.intp], IntArray]:
    """Renumber so that every number is used; returns the new numbers of the rows and the old ones that were used."""
    used = np.bincount(numbers, minlength=count) > 0
    return (np.cumsum(used) - 1)[numbers], np.flatnonzero(used)
