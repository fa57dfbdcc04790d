"""Time that may run faster than the wall clock, so that baking times and windows take seconds."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sandbox.errors import SandboxError


@dataclass(frozen=True)
class ScaledClock:
    """A clock that runs `speed` times as fast as the wall clock, from the moment it was made.

    Attributes:
        speed: how many seconds pass in the sandbox for each second of wall time; 1 is real time.
    """

    speed: float = 1.0
    _started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _origin: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Refuse a clock that stands still or runs backwards."""
        if self.speed <= 0:
            raise SandboxError(f"speed = {self.speed}: it must be more than 0, such as 1 (real time) or 60")

    def now(self) -> datetime:
        """The current time, with the time zone UTC."""
        return self._started + timedelta(seconds=(time.monotonic() - self._origin) * self.speed)

    def real_seconds(self, seconds: float) -> float:
        """How many seconds of wall time a waiting time of `seconds` takes."""
        return seconds / self.speed
