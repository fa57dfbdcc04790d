"""The one source of the current time, and the one way to write a time down.

Everything that needs "now" calls :func:`now` through the module (``clock.now()``), so that a test can set it.
"""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC with milliseconds and ``Z``: sorts as text in the order of time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(amount: float) -> timedelta:
    """Return a duration of so many seconds."""
    return timedelta(seconds=amount)
