"""Time that may start anywhere, run faster than the wall clock and be moved forward.

Baking times, monitoring windows and schedules then take seconds, and a year of traffic an afternoon.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.errors import SandboxError


class SandboxClock:
    """A clock that runs `speed` times as fast as the wall clock and never goes back.

    Attributes:
        speed: how many seconds pass in the sandbox for each second of wall time; 1 is real time.
    """

    def __init__(self, speed: float = 1.0, *, start: datetime | None = None) -> None:
        """Start the clock.

        Args:
            speed: see the attribute.
            start: the moment that it shows first, with a time zone; the present by default.

        Raises:
            SandboxError: when it would stand still or run backwards, or when the start has no time zone.
        """
        if speed <= 0:
            raise SandboxError(f"speed = {speed}: it must be more than 0, such as 1 (real time) or 60")
        self.speed = speed
        self._lock = threading.Lock()
        self._origin = time.monotonic()
        self._shown = datetime.now(UTC) if start is None else as_utc(start)

    def now(self) -> datetime:
        """The current time, with the time zone UTC."""
        with self._lock:
            return self._now()

    def _now(self) -> datetime:
        return self._shown + timedelta(seconds=(time.monotonic() - self._origin) * self.speed)

    def real_seconds(self, seconds: float) -> float:
        """How many seconds of wall time a waiting time of `seconds` takes when nobody moves the clock."""
        return seconds / self.speed

    def reach(self, moment: datetime) -> None:
        """Move the clock forward to the moment; nothing happens when it is past it already."""
        with self._lock:
            if (moment := as_utc(moment)) > self._now():
                self._origin, self._shown = time.monotonic(), moment


def as_utc(moment: datetime) -> datetime:
    """The moment in UTC.

    Raises:
        SandboxError: when it has no time zone, for then nobody knows which moment it is.
    """
    if moment.tzinfo is None:
        raise SandboxError(f"{moment.isoformat()} has no time zone: give one, such as {moment.isoformat()}Z")
    return moment.astimezone(UTC)


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 date or moment; without a time zone it is in UTC.

    Raises:
        SandboxError: when it is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:  # the second: in UTC it is before the year 1 or after 9999
        raise SandboxError(f"{text!r} is no moment: write it as 2013-03-01 or 2013-03-01T12:00:00Z") from error


def moment_of(value: Any) -> datetime:
    """A timestamp as AWS's wire formats have it: seconds since 1970, or text in ISO 8601.

    Raises:
        ValueError: when it is neither.
    """
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, OSError) as error:  # no calendar reaches it
        raise ValueError("it is before the year 1 or after 9999") from error
