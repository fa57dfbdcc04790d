from datetime import timedelta

import pytest

from stacks.settings.schedule import longest_pause

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("expression", "pause"),
    [
        ("rate(1 hour)", HOUR),
        ("rate(90 minutes)", timedelta(minutes=90)),
        ("rate(7 days)", 7 * DAY),
        ("cron(15 * * * ? *)", HOUR),
        ("cron(0/10 * * * ? *)", timedelta(minutes=10)),
        ("cron(*/15 * ? * * *)", timedelta(minutes=15)),
        ("cron(15 1 * * ? *)", DAY),
        ("cron(0 6,18 * * ? *)", 12 * HOUR),
        ("cron(0 9-17 * * ? *)", 16 * HOUR),
        ("cron(0 20/2 * * ? *)", 22 * HOUR),
        ("cron(0 1 ? * MON-FRI *)", 3 * DAY),
        ("cron(0 1 ? * 2 *)", 7 * DAY),
        ("cron(0 1 ? * L *)", 7 * DAY),
        ("cron(0 1 ? * 6L *)", 35 * DAY),
        ("cron(0 1 ? * TUE#2 *)", 35 * DAY),
        ("cron(0 1 1,16 * ? *)", 16 * DAY),
        ("cron(0 1 L * ? *)", 31 * DAY),
        ("cron(0 1 1W * ? *)", 33 * DAY),
        ("cron(0 1 31W * ? *)", 63 * DAY),
        ("cron(0 1 1 JAN,JUL ? *)", 184 * DAY),
        ("cron(0 1 29 2 ? *)", 1461 * DAY),
    ],
)
def test_the_longest_pause_is_known(expression: str, pause: timedelta) -> None:
    assert longest_pause(expression) == pause


@pytest.mark.parametrize(
    "expression",
    [
        "every day",
        "at(2027-01-01T00:00:00)",
        "rate(0 days)",
        "rate(1 days)",
        "rate(2 hour)",
        "rate(1 week)",
        "cron(15 1 * * ?)",
        "cron(15 1 * * ? 2027)",
        "cron(15 1 * * * *)",
        "cron(15 1 ? * ? *)",
        "cron(60 1 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 1 32 * ? *)",
        "cron(0 1 0 * ? *)",
        "cron(0 1 31 FEB ? *)",
        "cron(0 1 * 13 ? *)",
        "cron(0 1 * MAI ? *)",
        "cron(0 1 ? * 8 *)",
        "cron(0 1 ? * MON/2 *)",
        "cron(0 1 ? * MON#6 *)",
        "cron(0 17-9 * * ? *)",
        "cron(0 *-5 * * ? *)",
        "cron(0 1,, * * ? *)",
    ],
)
def test_what_the_scheduler_would_refuse_or_what_has_an_end_is_no_schedule(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        longest_pause(expression)
