"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Stands at 2013-03-01 10:15 UTC."""

    def __init__(self) -> None:
        self.time = datetime(2013, 3, 1, 10, 15, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time it shows."""
        return self.time

    def advance(self, **duration: float) -> None:
        """Move it forward; takes the arguments of ``timedelta``."""
        self.time += timedelta(**duration)
