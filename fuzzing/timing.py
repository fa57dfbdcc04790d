"""Moments, schedules, time zones and statistics, as the sandbox's clock, scheduler and alarms read them."""

import json
from datetime import UTC, datetime, timedelta
from itertools import islice

from fuzzing.parser import Parser, text_of
from sandbox.clock import moment_of, parse_moment
from sandbox.cloudwatch import statistics, windows
from sandbox.errors import SandboxError
from sandbox.scheduler import expressions

_FIRST = datetime(2013, 1, 1, tzinfo=UTC)


def _schedule(data: bytes) -> None:
    text, _, zone = text_of(data).partition("|")
    found = expressions.parse(text, timezone=zone or "UTC")
    for moment in islice(found.between(_FIRST, _FIRST + timedelta(days=40), anchor=_FIRST), 50):
        assert _FIRST < moment <= _FIRST + timedelta(days=40)


def _statistic(data: bytes) -> None:
    name = text_of(data)
    if not statistics.is_statistic(name):
        raise ValueError("no statistic")
    points = [statistics.Point(moment=0, unit="None", count=2, total=3.0, low=1.0, high=2.0)]
    singles = [
        statistics.Point(moment=0, unit="None", count=1, total=float(value), low=float(value), high=float(value))
        for value in (1, 2, 5)
    ]
    for some in (points, singles):
        assert statistics.value(some, name) is None or isinstance(statistics.value(some, name), float | int)


def _zone(data: bytes) -> None:
    found = windows.window_of({"EvaluationWindow": {"WallClockWindow": {"Timezone": text_of(data)}}}, period=3600)
    assert len(found.periods(1_362_132_900, 3)) == 3


def _moment(data: bytes) -> None:
    assert parse_moment(text_of(data)).tzinfo is UTC


def _timestamp(data: bytes) -> None:
    assert moment_of(json.loads(data)).tzinfo is not None


PARSERS = (
    Parser(
        name="timing.schedule",
        reads="expressions of EventBridge Scheduler, with a time zone",
        modules=("sandbox/scheduler/expressions.py", "sandbox/scheduler/cron.py"),
        run=_schedule,
        refusals=(ValueError,),
        seeds=lambda: (
            b"rate(7 days)|Europe/Berlin",
            b"cron(0/15 6 ? * MON#2 *)",
            b"cron(5 0 15W JAN-MAR ? 2013-2014)|UTC",
            b"at(2013-01-03T06:00:00)|America/New_York",
            b"cron(5 0 LW * ? *)",
            b"cron(0 6 ? * 6L *)",
        ),
        syntax="text",
        tokens=(
            "rate(",
            "cron(",
            "at(",
            ")",
            "*",
            "?",
            "L",
            "W",
            "#",
            "/",
            "|",
            "America",
            "UTC",
            "9999-12-31T23:59:59",
            "0001-01-01T00:00:00",
            "99999999999",
            "days",
        ),
        longest=300,
        cases=300,
    ),
    Parser(
        name="timing.statistic",
        reads="names of statistics of alarms",
        modules=("sandbox/cloudwatch/statistics.py",),
        run=_statistic,
        refusals=(ValueError,),
        seeds=lambda: (b"Average", b"p99.5", b"TM(10%:90%)", b"PR(1:2)", b"tm90", b"IQM", b"WM(:95%)", b"TC(1%:)"),
        syntax="text",
        tokens=("p", "TM(", "WM(", "TC(", "PR(", ":", "%", ")", "100", "0", ".", "iqm"),
        longest=100,
        cases=300,
    ),
    Parser(
        name="timing.time-zone",
        reads="time zones of alarms",
        modules=("sandbox/cloudwatch/windows.py",),
        run=_zone,
        refusals=(ValueError,),
        seeds=lambda: (b"UTC", b"+05:30", b"Europe/Berlin", b"GMT-03:00"),
        syntax="text",
        tokens=("America", "/", "..", "+99:00", "Etc/GMT+12", "posix", "\x00"),
        longest=300,
        cases=200,
    ),
    Parser(
        name="timing.moment",
        reads="moments of `sandbox clock`",
        modules=("sandbox/clock.py",),
        run=_moment,
        refusals=(SandboxError,),
        seeds=lambda: (b"2013-03-01", b"2013-03-01T12:00:00+01:00"),
        syntax="text",
        tokens=("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "T24:00", "W", "Z"),
        longest=100,
        cases=150,
    ),
    Parser(
        name="timing.timestamp",
        reads="timestamps of AWS's wire formats",
        modules=(),
        run=_timestamp,
        refusals=(ValueError, RecursionError),  # the last: a request that is no JSON was refused before
        seeds=lambda: (b"1362132900.5", b'"2013-03-01T12:00:00Z"'),
        syntax="json",
        cases=150,
    ),
)
