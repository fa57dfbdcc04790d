"""Moments in words, in UTC and in English whatever the machine's locale."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

from pipelines.steps.report.markup import harmless

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def read(text: str) -> datetime | None:
    """Return the moment of an ISO 8601 text in UTC; None when it is none. Without an offset, it is UTC already."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # the second: in UTC it is before the year 1 or after 9999
        return None


def month(number: int, *, short: bool = False) -> str:
    """Return the name of a month, 1 to 12."""
    name = _MONTHS[number - 1]
    return name[:3] if short else name


def days(moment: datetime) -> int:
    """Return how many days the month of a moment has."""
    return monthrange(moment.year, moment.month)[1]


def day(text: str) -> str:
    """Write the day of a moment: 8 March 2013."""
    found = read(text)
    return harmless(text) if found is None else f"{found.day} {month(found.month)} {found.year}"


def instant(text: str) -> str:
    """Write a moment: 8 March 2013 07:05; the time of day is left out at midnight."""
    found = read(text)
    return harmless(text) if found is None else f"{day(text)}{_clock(found)}"


def brief(text: str) -> str:
    """Write a moment for an axis or a list: 8 Mar, or 8 Mar 07:05."""
    found = read(text)
    return harmless(text) if found is None else f"{found.day} {month(found.month, short=True)}{_clock(found)}"


def span(start: str, end: str) -> str:
    """Write the time from a moment until another, which is no longer part of it: 8 to 14 March 2013."""
    first, last = read(start), read(end)
    if first is None or last is None:
        return f"{harmless(start)} to {harmless(end)}"
    if _clock(first) or _clock(last):
        same = first.date() == last.date()
        return f"{instant(start)} to {f'{last:%H:%M}' if same else instant(end)}"
    last = max(last - timedelta(days=1), first)
    if first == last:
        return day(start)
    parts = [str(first.day)]
    if (first.year, first.month) != (last.year, last.month):
        parts.append(month(first.month))
    if first.year != last.year:
        parts.append(str(first.year))
    return f"{' '.join(parts)} to {last.day} {month(last.month)} {last.year}"


def _clock(moment: datetime) -> str:
    return f" {moment:%H:%M}" if moment.hour or moment.minute else ""
