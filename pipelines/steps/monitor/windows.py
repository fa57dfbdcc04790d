"""Windows of time in UTC: which of them are over, and where their data lies."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.steps.failure import StepError

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Window:
    """From ``start`` up to and without ``end``."""

    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        """The window in a key of the store: sorts as text in the order of time."""
        return f"{self.start:%Y-%m-%dT%H}"

    def before(self, steps: int) -> "Window":
        """Return the window so many steps earlier."""
        length = self.end - self.start
        return Window(self.start - steps * length, self.end - steps * length)


def newest(until: datetime, *, length: timedelta, grace: timedelta) -> Window:
    """Return the newest window that was over, and its data written, at a moment."""
    end = until - grace
    end -= (end - _EPOCH) % length
    return Window(end - length, end)


def after(last: datetime, until: Window, *, most: int) -> list[Window]:
    """Return the windows that end after ``last`` up to ``until``, oldest first; the newest ``most`` of them."""
    found = [until]
    while len(found) < most and found[-1].start > last:
        found.append(found[-1].before(1))
    return [window for window in reversed(found) if window.end > last]


def hour_folders(start: datetime, end: datetime) -> Iterator[str]:
    """Yield the folders ``YYYY/MM/DD/HH/`` of a span, and those of whole days as ``YYYY/MM/DD/``: fewer listings."""
    moment = start.replace(minute=0, second=0, microsecond=0)
    while moment < end:
        if moment.hour == 0 and moment + _DAY <= end:
            yield f"{moment:%Y/%m/%d}/"
            moment += _DAY
        else:
            yield f"{moment:%Y/%m/%d/%H}/"
            moment += _HOUR


def moment(text: str, *, name: str) -> datetime:
    """Read a moment in ISO 8601 with an offset.

    Raises:
        StepError: when it is none; names it.
    """
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise StepError(f"{name} is {text!r}, it must be a moment such as 2013-03-01T01:00:00Z") from error
    if parsed.tzinfo is None:
        raise StepError(f"{name} is {text!r} and says no time zone: write 2013-03-01T01:00:00Z")
    return parsed.astimezone(UTC)
