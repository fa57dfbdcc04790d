"""Statistics of a metric's points.

AWS page: "CloudWatch statistics definitions".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)", re.IGNORECASE)
_ONE_SIDED = re.compile(r"(tm|wm|tc|ts)(\d{1,2}(?:\.\d+)?|100)", re.IGNORECASE)
_NUMBER = r"-?\d+(?:\.\d+)?"
_TWO_SIDED = re.compile(rf"(TM|WM|TC|TS)\(({_NUMBER}%|):({_NUMBER}%|)\)", re.IGNORECASE)
_RANK = re.compile(rf"PR\(({_NUMBER}|):({_NUMBER}|)\)", re.IGNORECASE)
_INTERQUARTILE = (0.25, 0.75)


@dataclass(frozen=True)
class Point:
    """Values of a metric at one moment; a single value seen `count` times, or a published set of statistics.

    Attributes:
        moment: seconds since 1970.
        count: how many samples.
        total: their sum.
        low: the smallest.
        high: the largest.
        unit: the metric's unit.
    """

    moment: float
    count: float
    total: float
    low: float
    high: float
    unit: str

    def plus(self, other: "Point") -> "Point":
        """Give both as one, for statistics that need no single values; samples that are none have no extremes."""
        if other.count <= 0 or self.count <= 0:
            return self if other.count <= 0 else other
        return Point(
            moment=self.moment,
            count=self.count + other.count,
            total=self.total + other.total,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            unit=self.unit,
        )

    @property
    def is_single_valued(self) -> bool:
        """Whether all samples are equal, so that percentiles are known."""
        return self.low == self.high and abs(self.total - self.low * self.count) <= 1e-9 * max(1.0, abs(self.total))


def sample_count(points: Sequence[Point]) -> float:
    """How many samples the points hold."""
    return sum(point.count for point in points)


_BASIC: Mapping[str, Callable[[Sequence[Point]], float]] = {
    "SampleCount": sample_count,
    "Sum": lambda points: sum(point.total for point in points),
    "Average": lambda points: sum(point.total for point in points) / sample_count(points),
    "Minimum": lambda points: min(point.low for point in points),
    "Maximum": lambda points: max(point.high for point in points),
}


def needs_single_values(name: str) -> bool:
    """Whether a statistic is of single values, not of their sum, number and extremes."""
    return name not in _BASIC


def is_statistic(name: str) -> bool:
    """Whether CloudWatch has a statistic of that name, a basic or an extended one."""
    return name in _BASIC or is_extended(name)


def is_extended(name: str) -> bool:
    """Whether it is an extended statistic, such as `p99` or `TM(10%:90%)`."""
    patterns = (_PERCENTILE, _ONE_SIDED, _TWO_SIDED, _RANK)
    return name.upper() == "IQM" or any(pattern.fullmatch(name) for pattern in patterns)


def percentile(name: str) -> float | None:
    """The share (0 to 1) that a `pNN` statistic stands for; None for any other one."""
    match = _PERCENTILE.fullmatch(name)
    return float(match[1]) / 100 if match else None


def value(points: Sequence[Point], statistic: str) -> float | None:
    """One statistic of the points; None when there are no samples or the statistic is not known of them.

    Extended statistics need raw values: sets of statistics with different values, and negative values for percentiles,
    have none.
    """
    points = [point for point in points if point.count > 0]
    if not points:
        return None
    if statistic in _BASIC:
        return _BASIC[statistic](points)
    if not all(point.is_single_valued for point in points):
        return None
    samples = sorted((point.low, point.count) for point in points)
    share = percentile(statistic)
    if share is not None:
        return None if samples[0][0] < 0 else _at(samples, share)
    rank = _RANK.fullmatch(statistic)
    if rank is not None:
        low, high = (float(text) if text else None for text in rank.groups())
        inside = sum(count for item, count in samples if (low is None or item > low) and (high is None or item <= high))
        return 100 * inside / sum(count for _, count in samples)
    kind, low_share, high_share = _trimming(statistic)
    return _trimmed(samples, kind=kind, low=low_share, high=high_share)


def _trimming(statistic: str) -> tuple[str, float, float]:
    if statistic.upper() == "IQM":
        return "TM", *_INTERQUARTILE
    if one := _ONE_SIDED.fullmatch(statistic):
        return one[1].upper(), 0.0, float(one[2]) / 100
    two = _TWO_SIDED.fullmatch(statistic)
    if two is None:
        raise ValueError(f"{statistic!r} is no statistic of CloudWatch that the sandbox knows")
    low, high = (float(text.rstrip("%")) / 100 if text else None for text in two.groups()[1:])
    return two[1].upper(), low or 0.0, 1.0 if high is None else high


def _at(samples: Sequence[tuple[float, float]], share: float) -> float:
    """The percentile of sorted weighted samples, interpolated between neighbours."""
    rank = share * max(0.0, sum(count for _, count in samples) - 1)
    lower, fraction = _ranked(samples, rank), rank % 1
    return lower + fraction * (_ranked(samples, rank + 1) - lower) if fraction else lower


def _ranked(samples: Sequence[tuple[float, float]], rank: float) -> float:
    seen = 0.0
    for item, count in samples:
        seen += count
        if int(rank) < seen:
            return item
    return samples[-1][0]


def _trimmed(samples: Sequence[tuple[float, float]], *, kind: str, low: float, high: float) -> float | None:
    """A statistic of the samples whose rank lies between two shares."""
    size = sum(count for _, count in samples)
    first, last = low * size, high * size
    kept: list[tuple[float, float]] = []
    seen = 0.0
    for item, count in samples:
        inside = min(seen + count, last) - max(seen, first)
        seen += count
        if inside > 0:
            kept.append((item, inside))
    if not kept and kind in ("TM", "WM"):
        return None  # nothing lies between the two shares, so there is no mean
    number, total = sum(count for _, count in kept), sum(item * count for item, count in kept)
    match kind:
        case "TC":
            return number
        case "TS":
            return total
        case "WM":
            total += first * kept[0][0] + (size - last) * kept[-1][0]
            return total / size
        case _:
            return total / number
