"""When schedules fall due, by the rules of EventBridge Scheduler's page on schedule types."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.scheduler.expressions import parse
from sandbox.scheduler.schedule import MOST_AT_ONCE, Schedule, TooManyError

START = datetime(2013, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)


def _due(text: str, *, timezone: str = "UTC", until: datetime = START + YEAR) -> list[str]:
    expression = parse(text, timezone=timezone)
    return [f"{moment:%m-%d %H:%M}" for moment in expression.between(START, until, anchor=START)]


@pytest.mark.parametrize(
    ("text", "first", "number"),
    [
        ("cron(15 1 * * ? *)", ["01-01 01:15", "01-02 01:15"], 365),
        ("cron(0 1 1,16 * ? *)", ["01-01 01:00", "01-16 01:00", "02-01 01:00"], 24),
        ("cron(0/30 8-9 ? * MON-FRI *)", ["01-01 08:00", "01-01 08:30", "01-01 09:00", "01-01 09:30"], 261 * 4),
        ("cron(0 6 ? * 2#1 *)", ["01-07 06:00", "02-04 06:00"], 12),
        ("cron(0 6 ? JAN,MAR 6L *)", ["01-25 06:00", "03-29 06:00"], 2),
        ("cron(0 6 L * ? *)", ["01-31 06:00", "02-28 06:00"], 12),
        ("cron(0 6 LW * ? *)", ["01-31 06:00", "02-28 06:00", "03-29 06:00"], 12),
        ("cron(0 6 5W * ? *)", ["01-04 06:00", "02-05 06:00"], 12),
        (
            "cron(0 6 1W * ? *)",
            ["01-01 06:00", "02-01 06:00", "03-01 06:00", "04-01 06:00", "05-01 06:00", "06-03 06:00"],
            12,
        ),
        ("cron(0 6 31W * ? *)", ["01-31 06:00", "03-29 06:00"], 7),
        ("cron(0 6 ? * L *)", ["01-05 06:00", "01-12 06:00"], 52),
        ("cron(0 6 1 1/3 ? *)", ["01-01 06:00", "04-01 06:00", "07-01 06:00", "10-01 06:00"], 4),
        ("cron(0 6 1 1 ? 2014)", [], 0),
        ("rate(12 hours)", ["01-01 12:00", "01-02 00:00"], 730),
        ("rate(1 day)", ["01-02 00:00"], 365),
        ("at(2013-03-01T06:30:00)", ["03-01 06:30"], 1),
    ],
)
def test_the_due_times_of_a_year(text: str, first: list[str], number: int) -> None:
    due = _due(text)
    assert due[: len(first)] == first
    assert len(due) == number


def test_a_time_zone_moves_the_due_times_with_its_daylight_saving() -> None:
    due = _due("cron(0 6 31 3,10 ? *)", timezone="Europe/Berlin")
    assert due == ["03-31 04:00", "10-31 05:00"]
    assert _due("at(2013-07-01T06:00:00)", timezone="Europe/Berlin") == ["07-01 04:00"]


def test_a_local_time_that_does_not_exist_is_skipped_and_one_that_comes_twice_is_met_once() -> None:
    assert "03-31 01:30" not in _due("cron(30 2 31 3 ? *)", timezone="Europe/Berlin")
    assert _due("cron(30 2 31 3 ? *)", timezone="Europe/Berlin") == []
    assert _due("cron(30 2 27 10 ? *)", timezone="Europe/Berlin") == ["10-27 00:30"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cron(15 1 * * * *)", "exactly one of day-of-month and day-of-week is ?"),
        ("cron(15 1 ? * ? *)", "exactly one of day-of-month and day-of-week is ?"),
        ("cron(15 1 * * ?)", "has 5 fields"),
        ("cron(60 1 * * ? *)", "'60' is no valid minutes"),
        ("cron(15 22-2 * * ? *)", "'22-2' is no valid hours"),
        ("cron(15 1 ? * MON#6 *)", "'6' is no valid week"),
        ("cron(15 1 ? * FUN *)", "'FUN' is no valid day-of-week"),
        ("rate(0 days)", "is no rate"),
        ("rate(5 weeks)", "is no rate"),
        ("at(2013-03-01)", "is no moment"),
        ("every day", "is no schedule expression"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_fault(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace("?", r"\?")):
        parse(text)


def _schedule(expression: str, **changes: Any) -> Schedule:
    stored = {
        "Arn": "arn:aws:scheduler:us-east-1:000000000000:schedule/default/monitor",
        "Name": "monitor",
        "ScheduleExpression": expression,
        "CreationDate": START.timestamp(),
        "Target": {"Arn": "arn", "RoleArn": "role"},
    }
    return Schedule.read({**stored, **changes})


def test_a_rate_falls_due_at_its_creation_and_then_regularly() -> None:
    schedule = _schedule("rate(1 day)")
    until = START + timedelta(days=2)
    assert schedule.due(schedule.fresh, until) == [START, START + timedelta(days=1), until]
    assert schedule.due(START, until) == [START + timedelta(days=1), until]


def test_a_rate_with_a_start_counts_from_there() -> None:
    start = START + timedelta(hours=5)
    schedule = _schedule("rate(1 day)", StartDate=start.timestamp())
    assert schedule.due(schedule.fresh, START + timedelta(days=2)) == [start, start + timedelta(days=1)]


def test_nothing_falls_due_after_the_end_or_while_it_is_disabled() -> None:
    end = START + timedelta(days=2)
    until = START + timedelta(days=9)
    schedule = _schedule("cron(0 0 * * ? *)", EndDate="2013-01-03T00:00:00Z")
    assert len(schedule.due(schedule.fresh, until)) == 3
    assert schedule.is_over(until)
    assert not schedule.is_over(end)
    assert _schedule("rate(1 day)", State="DISABLED").due(schedule.fresh, until) == []


def test_a_single_time_is_over_when_it_has_been() -> None:
    schedule = _schedule("at(2013-01-05T00:00:00)")
    assert not schedule.is_over(START)
    assert schedule.is_over(START + timedelta(days=4))


def test_a_single_time_of_the_past_falls_due_at_once() -> None:
    schedule = _schedule("at(2012-12-01T00:00:00)")
    assert len(schedule.due(schedule.fresh, START)) == 1
    assert schedule.due(START, START + YEAR) == []


def test_an_absurd_number_of_due_times_is_refused() -> None:
    schedule = _schedule("rate(1 minute)")
    assert len(schedule.due(START, START + timedelta(minutes=MOST_AT_ONCE))) == MOST_AT_ONCE
    with pytest.raises(TooManyError, match=r"monitor falls due more than 1000 times .* in smaller steps"):
        schedule.due(START, START + YEAR)
