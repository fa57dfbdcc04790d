"""Schedule expressions of EventBridge Scheduler: refused before they are deployed, and how long they may pause.

Syntax: AWS page "Schedule types in EventBridge Scheduler", ``rate(value unit)`` and ``cron(minutes hours day-of-month
month day-of-week year)``, in UTC here. A monitor has no end: no ``at(...)``, and the year is ``*``.
"""

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

_RATE: Final = re.compile(r"rate\((?:1 (minute|hour|day)|(?!1 )([1-9][0-9]{0,5}) (minute|hour|day)s)\)")
_CRON: Final = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) \*\)")
_PART: Final = re.compile(r"(\*|[0-9A-Z]+)(?:-([0-9A-Z]+))?(?:/([1-9][0-9]?))?")
_MONTHS: Final = {"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6} | {
    "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12
}  # fmt: skip
_WEEKDAYS: Final = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_DAYS: Final = [date(2027, 1, 1) + timedelta(days=number) for number in range(6 * 365)]
"""Six years have every length of a month, starting on any weekday, and a leap year."""

_DayRule = Callable[[date], bool]


def longest_pause(expression: str) -> timedelta:
    """Return the longest time from one run to the next.

    Raises:
        ValueError: EventBridge Scheduler would refuse the expression, or it has an end.
    """
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        return timedelta(**{f"{rate[1] or rate[3]}s": int(rate[2] or 1)})
    cron = _CRON.fullmatch(expression)
    if cron is None:
        raise ValueError(f"{expression!r} is neither rate(value unit) nor cron(...) of six fields that ends with *")
    minutes, hours, day, month, weekday = cron.groups()
    if (day == "?") == (weekday == "?"):
        raise ValueError(f"{expression!r} needs ? in one of the two day fields, and only there")
    rule = _weekday_rule(weekday) if day == "?" else _day_rule(day)
    months = _numbers(month, 1, 12, names=_MONTHS)
    days = [one for one in _DAYS if one.month in months and rule(one)]
    if not days:
        raise ValueError(f"{expression!r} never runs: no such day exists")
    times = [
        time(hour, minute) for hour in sorted(_numbers(hours, 0, 23)) for minute in sorted(_numbers(minutes, 0, 59))
    ]
    first_day = [datetime.combine(days[0], one) for one in times]
    overnight = [datetime.combine(b, times[0]) - datetime.combine(a, times[-1]) for a, b in pairwise(days)]
    return max([after - before for before, after in pairwise(first_day)] + overnight)


def _numbers(field: str, low: int, high: int, *, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """Read ``*``, ``5``, ``1-5``, ``*/15``, ``0/15`` and lists of them; ``names`` may stand for numbers."""
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no number, range or step")
        first, last, step = match.groups()
        start = low if first == "*" else _number(first, names)
        end = _number(last, names) if last else high if first == "*" or step else start
        if not low <= start <= end <= high or (first == "*" and last):
            raise ValueError(f"{part!r} is not within {low} to {high}")
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, names: Mapping[str, int] | None) -> int:
    number = (names or {}).get(text)
    if number is not None:
        return number
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no number")
    return int(text)


def _day_rule(field: str) -> _DayRule:
    """Day of the month: ``L`` is the last one, ``15W`` the weekday nearest to the 15th."""
    if field == "L":
        return lambda one: one.day == _length(one)
    nearest = re.fullmatch(r"([1-9]|[12][0-9]|3[01])W", field)
    if nearest is not None:
        wanted = int(nearest[1])
        return lambda one: wanted <= _length(one) and one == _nearest_weekday(one.replace(day=wanted))
    numbers = _numbers(field, 1, 31)
    return lambda one: one.day in numbers


def _weekday_rule(field: str) -> _DayRule:
    """Day of the week, 1 is Sunday: ``L`` is Saturday, ``6L`` the month's last Friday, ``3#2`` its second Tuesday."""
    if "/" in field:
        raise ValueError(f"{field!r}: days of the week take no step")
    last = re.fullmatch(r"([1-7]|[A-Z]{3})L", field)
    if last is not None:
        wanted = _number(last[1], _WEEKDAYS)
        return lambda one: _weekday(one) == wanted and one.day + 7 > _length(one)
    nth = re.fullmatch(r"([1-7]|[A-Z]{3})#([1-5])", field)
    if nth is not None:
        wanted, which = _number(nth[1], _WEEKDAYS), int(nth[2])
        return lambda one: _weekday(one) == wanted and (one.day - 1) // 7 + 1 == which
    numbers = _numbers("7" if field == "L" else field, 1, 7, names=_WEEKDAYS)
    return lambda one: _weekday(one) in numbers


def _weekday(one: date) -> int:
    return one.isoweekday() % 7 + 1


def _length(one: date) -> int:
    return calendar.monthrange(one.year, one.month)[1]


def _nearest_weekday(one: date) -> date:
    """The weekday nearest to a day, within its month."""
    if one.weekday() == calendar.SATURDAY:
        return one + timedelta(days=2 if one.day == 1 else -1)
    if one.weekday() == calendar.SUNDAY:
        return one + timedelta(days=-2 if one.day == _length(one) else 1)
    return one
