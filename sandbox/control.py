"""Reading and moving the clock of a running sandbox, over its control address."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sandbox.clock import as_utc, parse_moment
from sandbox.errors import SandboxError

#: Where the server answers about its clock; no name of an AWS service or bucket begins like this.
CLOCK_PATH = "/_sandbox/clock"

# Moving the clock runs everything that falls due on the way.
_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Fired:
    """A schedule that fell due while the clock was moved.

    Attributes:
        schedule_arn: which one.
        scheduled: the moment at which it was due.
        error: why its target could not be called; None when it was.
    """

    schedule_arn: str
    scheduled: datetime
    error: str | None = None


@dataclass(frozen=True)
class ClockState:
    """What a sandbox's clock says.

    Attributes:
        now: its time.
        speed: how fast it runs.
        fired: what fell due while it was moved, in order; empty when it was only read.
        alarm_changes: how many state changes of alarms there were on the way.
    """

    now: datetime
    speed: float
    fired: tuple[Fired, ...] = ()
    alarm_changes: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The state as the control address answers it."""
        return {
            "now": self.now.isoformat(),
            "speed": self.speed,
            "fired": [
                {"schedule_arn": one.schedule_arn, "scheduled": one.scheduled.isoformat(), "error": one.error}
                for one in self.fired
            ],
            "alarm_changes": self.alarm_changes,
        }

    @classmethod
    def from_dict(cls, answer: Mapping[str, Any]) -> Self:
        """Read an answer of the control address."""
        return cls(
            now=parse_moment(answer["now"]),
            speed=answer["speed"],
            fired=tuple(
                Fired(
                    schedule_arn=one["schedule_arn"], scheduled=parse_moment(one["scheduled"]), error=one.get("error")
                )
                for one in answer["fired"]
            ),
            alarm_changes=answer["alarm_changes"],
        )


def read_clock(endpoint_url: str) -> ClockState:
    """What time it is in the sandbox.

    Raises:
        SandboxError: when it does not answer.
    """
    return _ask(endpoint_url, None)


def move_clock(endpoint_url: str, *, by: timedelta | None = None, to: datetime | None = None) -> ClockState:
    """Move the clock forward; when this returns, what fell due has been started and alarms were evaluated.

    Args:
        endpoint_url: where the sandbox is.
        by: how far.
        to: until when; exactly one of the two is given.

    Raises:
        SandboxError: when the clock would go back, or too many schedules would fall due.
    """
    if (by is None) == (to is None):
        raise SandboxError("Give either how far the clock is to move or until when.")
    if to is not None:
        return _ask(endpoint_url, {"to": as_utc(to).isoformat()})
    return _ask(endpoint_url, {"advance_seconds": (by or timedelta()).total_seconds()})


def _ask(endpoint_url: str, move: Mapping[str, Any] | None) -> ClockState:
    body = None if move is None else json.dumps(move).encode()
    request = urllib.request.Request(  # noqa: S310 - the address is the sandbox's own
        endpoint_url + CLOCK_PATH, data=body, headers={"Content-Type": "application/json"}
    )
    # A proxy of the person's network must not stand between two processes of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return ClockState.from_dict(json.load(answer))
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        try:
            reason = json.loads(text)["error"]
        except (ValueError, KeyError, TypeError):
            reason = f"HTTP {error.code}: {text}"
        raise SandboxError(f"The sandbox did not move its clock: {reason}") from error
    except OSError as error:
        raise SandboxError(f"The sandbox at {endpoint_url} does not answer: {error}") from error
