"""Cron expressions of EventBridge Scheduler: six fields, of which one of the two day fields is `?`.

AWS page: "Schedule types in EventBridge Scheduler", section "Cron-based schedules".
"""

import calendar
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_FIELDS = 6
_SATURDAY = 7
_LAST_WEEK = 5
_FRIDAY = 5

DayRule = Callable[[date], bool]


@dataclass(frozen=True)
class Cron:
    """A cron expression.

    Attributes:
        minutes: the minutes of an hour.
        hours: the hours of a day.
        months: the months of a year.
        years: the years.
        days: the rules of which a day has to meet one.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    days: tuple[DayRule, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the six fields.

        Raises:
            ValueError: saying which field is wrong.
        """
        fields = text.upper().split()
        if len(fields) != _FIELDS:
            raise ValueError(
                f"cron({text}) has {len(fields)} fields; there are six: minutes hours day month weekday year"
            )
        minutes, hours, day, month, weekday, year = fields
        if (day == "?") == (weekday == "?"):
            raise ValueError(f"cron({text}): exactly one of day-of-month and day-of-week is ?")
        return cls(
            minutes=tuple(sorted(_numbers(minutes, low=0, high=59, field="minutes"))),
            hours=tuple(sorted(_numbers(hours, low=0, high=23, field="hours"))),
            months=_numbers(month, low=1, high=12, field="month", names=_MONTHS),
            years=_numbers(year, low=1970, high=2199, field="year"),
            days=tuple(_days_of_month(day) if weekday == "?" else _weekdays(weekday)),
        )

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The local times after the one and not after the other, in order; all without a time zone."""
        day = after.date()
        while day <= until.date() and day.year <= max(self.years):
            if day.year in self.years and day.month in self.months and any(rule(day) for rule in self.days):
                for moment in self._times(day):
                    if after < moment <= until:
                        yield moment
            day += timedelta(days=1)

    def _times(self, day: date) -> Iterator[datetime]:
        for hour in self.hours:
            for minute in self.minutes:
                yield datetime.combine(day, time(hour, minute))


def _numbers(text: str, *, low: int, high: int, field: str, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """The numbers of a field of `*`, values, ranges and steps."""
    found: set[int] = set()
    for part in text.split(","):
        base, slash, step = part.partition("/")
        first, dash, last = base.partition("-")
        try:
            start = low if base == "*" else _number(first, names)
            end = high if base == "*" or (slash and not dash) else _number(last, names) if dash else start
            stride = int(step) if slash else 1
        except ValueError:
            raise ValueError(f"{part!r} is no valid {field} of a cron expression") from None
        if not (low <= start <= end <= high) or stride < 1:
            raise ValueError(f"{part!r} is no valid {field} of a cron expression: it goes from {low} to {high}")
        found.update(range(start, end + 1, stride))
    return frozenset(found)


def _number(text: str, names: Mapping[str, int] | None) -> int:
    return names[text] if names and text in names else int(text)


def _days_of_month(text: str) -> Iterator[DayRule]:
    for part in text.split(","):
        if part == "L":
            yield lambda day: day.day == _length(day)
        elif part == "LW":
            yield lambda day: day.day == _nearest_weekday(day, _length(day))
        elif part.endswith("W"):
            yield _nearest(next(iter(_numbers(part[:-1], low=1, high=31, field="day-of-month"))))
        else:
            yield _one_of(_numbers(part, low=1, high=31, field="day-of-month"), lambda day: day.day)


def _weekdays(text: str) -> Iterator[DayRule]:
    for part in text.split(","):
        weekday, hash_sign, week = part.partition("#")
        if hash_sign:
            yield _nth(_weekday(weekday), next(iter(_numbers(week, low=1, high=_LAST_WEEK, field="week"))))
        elif part == "L":
            yield _one_of(frozenset({_SATURDAY}), _weekday_of)
        elif part.endswith("L"):
            yield _last(_weekday(part[:-1]))
        else:
            numbers = _numbers(part, low=1, high=_SATURDAY, field="day-of-week", names=_DAYS)
            yield _one_of(numbers, _weekday_of)


def _weekday(text: str) -> int:
    return next(iter(_numbers(text, low=1, high=_SATURDAY, field="day-of-week", names=_DAYS)))


def _weekday_of(day: date) -> int:
    """AWS counts from Sunday, which is 1."""
    return day.isoweekday() % 7 + 1


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _one_of(numbers: frozenset[int], read: Callable[[date], int]) -> DayRule:
    return lambda day: read(day) in numbers


def _nearest(number: int) -> DayRule:
    return lambda day: number <= _length(day) and day.day == _nearest_weekday(day, number)


def _nearest_weekday(day: date, number: int) -> int:
    """The working day nearest to that day of the month, without leaving the month."""
    wanted = day.replace(day=number)
    if wanted.isoweekday() <= _FRIDAY:
        return number
    if wanted.isoweekday() == _FRIDAY + 1:
        return number - 1 if number > 1 else number + 2
    return number + 1 if number < _length(day) else number - 2


def _nth(weekday: int, week: int) -> DayRule:
    return lambda day: _weekday_of(day) == weekday and (day.day - 1) // 7 + 1 == week


def _last(weekday: int) -> DayRule:
    return lambda day: _weekday_of(day) == weekday and day.day + 7 > _length(day)
