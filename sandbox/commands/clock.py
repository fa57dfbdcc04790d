"""`python -m sandbox clock`."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from sandbox.clock import parse_moment
from sandbox.commands.common import JsonOption, StateOption, explained, out
from sandbox.control import ClockState, move_clock, read_clock
from sandbox.errors import SandboxError
from sandbox.state import DEFAULT_DIRECTORY, StateDirectory


def clock(
    *,
    advance: Annotated[
        str | None, typer.Option(help="How far to move it forward: 90s, 15m, 6h, 7d or 2w.", metavar="TIME")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Until when to move it, such as 2013-04-01 (UTC).")] = None,
    state: StateOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Say what time it is in the running sandbox, or move its clock forward.

    What falls due on the way is done: schedules call their targets, and alarms are evaluated.

    Exit codes: 0 done, 1 the sandbox does not run or cannot move its clock there.
    """
    with explained():
        endpoint_url = StateDirectory(state).running().endpoint_url
        if advance is None and to is None:
            found = read_clock(endpoint_url)
        else:
            by = None if advance is None else _duration(advance)
            found = move_clock(endpoint_url, by=by, to=None if to is None else parse_moment(to))
    if as_json:
        out.print_json(data=found.as_dict())
    else:
        _print_clock(found)


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if match is None:
        raise SandboxError(f"{text!r} is no time: write it as 90s, 15m, 6h, 7d or 2w")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[match[2]]
    return timedelta(**{unit: float(match[1])})


def _print_clock(found: ClockState) -> None:
    out.print(f"{found.now:%Y-%m-%d %H:%M:%S} UTC" + ("" if found.speed == 1 else f", {found.speed:g} times as fast"))
    for one in found.fired:
        result = "started" if one.error is None else f"failed: {one.error}"
        name = one.schedule_arn.rsplit("/", 1)[-1]
        out.print(f"  schedule {name}, due {one.scheduled:%Y-%m-%d %H:%M:%S}: {result}", markup=False)
    if found.alarm_changes:
        out.print(f"  {found.alarm_changes} state changes of alarms")
