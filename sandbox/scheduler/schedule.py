"""When a schedule falls due, from what EventBridge Scheduler stores about it.

AWS page: "CreateSchedule" (EventBridge Scheduler API Reference).
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sandbox.clock import moment_of
from sandbox.scheduler.expressions import Expression, parse

# Nobody wants a year of minutes, and each call would be made.
MOST_AT_ONCE = 1000


class TooManyError(Exception):
    """A schedule would fall due too often in the asked time; the message says how to avoid it."""


@dataclass(frozen=True)
class Schedule:
    """A schedule.

    Attributes:
        arn: its ARN.
        name: its name.
        expression: when it falls due.
        created: when it was created.
        starts: before which it does not fall due; None when it says nothing.
        ends: after which it does not fall due; None when it says nothing.
        enabled: whether its target is called.
        target: what is called, as the API has it.
        deleted_afterwards: whether it is deleted after the last time (`ActionAfterCompletion`).
    """

    arn: str
    name: str
    expression: Expression
    created: datetime
    starts: datetime | None
    ends: datetime | None
    enabled: bool
    target: Mapping[str, Any]
    deleted_afterwards: bool

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read a schedule as the API describes it.

        Raises:
            ValueError: when its expression cannot be read.
        """
        timezone = stored.get("ScheduleExpressionTimezone") or "UTC"
        return cls(
            arn=stored["Arn"],
            name=stored["Name"],
            expression=parse(stored["ScheduleExpression"], timezone=timezone),
            created=moment_of(stored["CreationDate"]),
            starts=_optional(stored.get("StartDate")),
            ends=_optional(stored.get("EndDate")),
            enabled=stored.get("State", "ENABLED") == "ENABLED",
            target=stored["Target"],
            deleted_afterwards=stored.get("ActionAfterCompletion") == "DELETE",
        )

    @property
    def fresh(self) -> datetime:
        """The moment after which a schedule that was just created may fall due: a rate does so at its very creation."""
        return self.created - timedelta(microseconds=1)

    def due(self, after: datetime, until: datetime) -> list[datetime]:
        """The due times after the one moment and not after the other, in order.

        Raises:
            TooManyError: when there are more than `MOST_AT_ONCE`.
        """
        if not self.enabled:
            return []
        recurring = not self.expression.once
        if recurring and self.starts is not None:
            after = max(after, self.starts - timedelta(microseconds=1))
        if recurring and self.ends is not None:
            until = min(until, self.ends)
        anchor = self.starts if recurring and self.starts is not None else self.created
        moments = list(itertools.islice(self.expression.between(after, until, anchor=anchor), MOST_AT_ONCE + 1))
        if len(moments) > MOST_AT_ONCE:
            raise TooManyError(
                f"the schedule {self.name} falls due more than {MOST_AT_ONCE} times between {after.isoformat()} and "
                f"{until.isoformat()}: move the clock in smaller steps, or disable the schedule meanwhile"
            )
        return moments

    def is_over(self, now: datetime) -> bool:
        """Whether it will never fall due again."""
        if self.expression.once:
            return not self.due(now, datetime.max.replace(tzinfo=UTC))
        return self.ends is not None and now > self.ends


def _optional(value: Any) -> datetime | None:
    return None if value is None else moment_of(value)
