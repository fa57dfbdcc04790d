"""What a metric was, in the order of its time, ready for alarms that ask again and again."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.cloudwatch.statistics import Point


class _Line:
    """Points in the order of their time."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._moments: list[float] = []

    def add(self, point: Point) -> None:
        at = bisect_right(self._moments, point.moment)
        self._moments.insert(at, point.moment)
        self.points.insert(at, point)

    def since(self, moment: float) -> Sequence[Point]:
        return self.points[bisect_left(self._moments, moment) :]


class History:
    """The points of one metric, read once each from the list that the emulator adds to.

    Under traffic there are thousands a minute, most of them of the same moments: what sums, counts and extremes are
    taken from is kept added up as well, one point a moment.
    """

    def __init__(self, read: Callable[[Mapping[str, Any]], Point]) -> None:
        self._read = read
        self._stored: Sequence[Mapping[str, Any]] = ()
        self._seen = 0
        self._single, self._together = _Line(), _Line()

    def follow(self, stored: Sequence[Mapping[str, Any]]) -> "History":
        """Take what has been added; a list that took the place of the one before is read from its beginning."""
        if stored is not self._stored:
            self._stored, self._seen = stored, 0
            self._single, self._together = _Line(), _Line()
        for item in stored[self._seen :]:
            self._add(self._read(item))
        self._seen = len(stored)
        return self

    def since(self, moment: float, *, single: bool) -> Sequence[Point]:
        """Give the points since a moment: the single ones, or those of one moment added up."""
        return (self._single if single else self._together).since(moment)

    def _add(self, point: Point) -> None:
        self._single.add(point)
        last = self._together.points[-1] if self._together.points else None
        if last is not None and (last.moment, last.unit) == (point.moment, point.unit):
            self._together.points[-1] = last.plus(point)
        else:
            self._together.add(point)
