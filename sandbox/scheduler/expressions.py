"""Schedule expressions: `rate(…)`, `cron(…)` and `at(…)`.

AWS page: "Schedule types in EventBridge Scheduler".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.scheduler.cron import Cron

_EXPRESSION = re.compile(r"\s*(rate|cron|at)\((.*)\)\s*", re.DOTALL)
_RATE = re.compile(r"\s*([1-9]\d*)\s+(minute|hour|day)s?\s*")
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


class Expression(Protocol):
    """When a schedule falls due."""

    @property
    def once(self) -> bool:
        """Whether it falls due a single time."""
        ...

    def between(self, after: datetime, until: datetime, *, anchor: datetime) -> Iterator[datetime]:
        """The due times after the one moment and not after the other, in order and in UTC.

        Args:
            after: the earliest moment, excluded.
            until: the last moment, included.
            anchor: the moment from which a rate counts.
        """
        ...


@dataclass(frozen=True)
class Rate:
    """`rate(7 days)`: at its anchor and then regularly."""

    interval: timedelta
    once: bool = False

    def between(self, after: datetime, until: datetime, *, anchor: datetime) -> Iterator[datetime]:
        """See `Expression`."""
        moment = anchor + max(0, (after - anchor) // self.interval + 1) * self.interval
        while moment <= until:
            yield moment
            moment += self.interval


@dataclass(frozen=True)
class CronIn:
    """`cron(…)` in a time zone: a local time that daylight saving skips is skipped, one that it repeats comes once."""

    cron: Cron
    zone: ZoneInfo
    once: bool = False

    def between(self, after: datetime, until: datetime, *, anchor: datetime) -> Iterator[datetime]:
        """See `Expression`."""
        del anchor
        margin = timedelta(days=1)
        first = (after.astimezone(self.zone) - margin).replace(tzinfo=None)
        last = (until.astimezone(self.zone) + margin).replace(tzinfo=None)
        for local in self.cron.between(first, last):
            moment = local.replace(tzinfo=self.zone).astimezone(UTC)
            exists = moment.astimezone(self.zone).replace(tzinfo=None) == local
            if exists and after < moment <= until:
                yield moment


@dataclass(frozen=True)
class At:
    """`at(2013-03-01T06:00:00)`: once; at once when the moment is over already."""

    moment: datetime
    once: bool = True

    def between(self, after: datetime, until: datetime, *, anchor: datetime) -> Iterator[datetime]:
        """See `Expression`."""
        if max(self.moment, anchor) > after and self.moment <= until:
            yield self.moment


def parse(text: str, *, timezone: str = "UTC") -> Expression:
    """Read a schedule expression.

    Raises:
        ValueError: saying what is wrong with it.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # the last: a folder, or too long a name
        raise ValueError(f"{timezone!r} is no time zone") from error
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no schedule expression: write rate(…), cron(…) or at(…)")
    kind, inside = match.groups()
    if kind == "cron":
        return CronIn(cron=Cron.parse(inside), zone=zone)
    if kind == "rate":
        rate = _RATE.fullmatch(inside)
        if rate is None:
            raise ValueError(f"{text!r} is no rate: write it as rate(15 minutes), rate(1 hour) or rate(7 days)")
        try:
            return Rate(interval=int(rate[1]) * _UNITS[rate[2]])
        except OverflowError as error:
            raise ValueError(f"{text!r} is longer than any calendar") from error
    try:
        return At(moment=datetime.strptime(inside.strip(), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no moment: write it as at(2013-03-01T06:00:00)") from error
