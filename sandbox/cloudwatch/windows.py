"""The periods that an alarm looks at.

AWS page: "Alarm evaluation window".
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MINUTE = 60
_DAY = 86_400
_WEEK = 7 * _DAY
_HIGH_RESOLUTION = 10
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{2}):(\d{2})")
_OFFSET_STEP = 5

WALL_CLOCK_PERIODS = (60, 300, 3600, _DAY, _WEEK)


@dataclass(frozen=True)
class Period:
    """From one moment to another, which is excluded; seconds since 1970."""

    start: float
    end: float


@dataclass(frozen=True)
class Sliding:
    """A window that moves on with every evaluation, the present minute included.

    Attributes:
        period: the length of a period in seconds.
    """

    period: int

    @property
    def step(self) -> int:
        """How often the window moves on, in seconds."""
        return _MINUTE if self.period >= _MINUTE else _HIGH_RESOLUTION

    def periods(self, now: float, count: int) -> list[Period]:
        """The last so many periods, oldest first."""
        end = math.floor(now / self.step) * self.step + self.step
        return [Period(end - (n + 1) * self.period, end - n * self.period) for n in reversed(range(count))]

    def floor(self, point: float) -> float:
        """The moment that stands for all points which enter and leave the periods together with this one."""
        return math.floor(point / self.step) * self.step

    def changes(self, point: float, count: int) -> Iterator[float]:
        """When a point enters a period of the last `count` or leaves one, so that the values change."""
        return (self.floor(point) + n * self.period for n in range(count + 1))


@dataclass(frozen=True)
class WallClock:
    """A window of whole minutes, hours, days or weeks of a time zone; the one that has not ended is left out.

    Attributes:
        period: the length of a period in seconds.
        zone: the time zone.
    """

    period: int
    zone: tzinfo = UTC

    def periods(self, now: float, count: int) -> list[Period]:
        """The last so many periods, oldest first."""
        bounds = [self._boundary(now, back=n) for n in reversed(range(count + 1))]
        return [Period(start, end) for start, end in itertools.pairwise(bounds)]

    def floor(self, point: float) -> float:
        """The moment that stands for all points which enter and leave the periods together with this one."""
        return self._boundary(point, back=0)

    def changes(self, point: float, count: int) -> Iterator[float]:
        """When a point enters a period of the last `count` or leaves one, so that the values change."""
        return (self._boundary(point, back=-1 - n) for n in range(count + 1))

    def _boundary(self, moment: float, *, back: int) -> float:
        """The last boundary at or before a moment, or another one before or (negative) after that."""
        local = datetime.fromtimestamp(moment, self.zone)
        if self.period < _DAY:
            shift = (local.utcoffset() or timedelta()).total_seconds()
            return math.floor((moment + shift) / self.period) * self.period - shift - back * self.period
        day = local.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        if self.period == _WEEK:
            day -= timedelta(days=day.weekday())
        return (day - back * timedelta(seconds=self.period)).replace(tzinfo=self.zone).timestamp()


def window_of(alarm: Mapping[str, Any], *, period: int) -> Sliding | WallClock:
    """The window of an alarm as the API describes it.

    Raises:
        ValueError: when its time zone or its period has no wall clock window.
    """
    wall_clock = (alarm.get("EvaluationWindow") or {}).get("WallClockWindow")
    if wall_clock is None:
        return Sliding(period)
    if period not in WALL_CLOCK_PERIODS:
        raise ValueError(
            f"Period {period} is not supported with a wall clock window; supported are "
            f"{', '.join(map(str, WALL_CLOCK_PERIODS))}."
        )
    return WallClock(period, zone=_zone(wall_clock.get("Timezone") or "UTC"))


def _zone(name: str) -> tzinfo:
    if name in {"UTC", "Z"}:
        return UTC
    offset = _OFFSET.fullmatch(name)
    if offset is None:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # the last: a folder, or too long a name
            raise ValueError(f"The time zone {name!r} is not known.") from error
    sign, hours, minutes = offset[1], int(offset[2]), int(offset[3])
    if minutes % _OFFSET_STEP:
        raise ValueError(f"The time zone {name!r} is no multiple of {_OFFSET_STEP} minutes away from UTC.")
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if sign == "-" else shift)
