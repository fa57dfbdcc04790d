"""The state of an alarm from the values of its last periods.

AWS pages: "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

# CloudWatch "attempts to retrieve a higher number of data points than the number specified as Evaluation Periods"; its
# examples show 5 for 3, and a daily alarm over one day is known to look back three.
EXTRA_PERIODS = 2


class State(StrEnum):
    """The state of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    UNKNOWN = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """What an alarm takes a missing data point for (`TreatMissingData`)."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
class Rule:
    """When an alarm rings.

    Attributes:
        comparison: the name of the comparison, one of `COMPARISONS`.
        threshold: what a value is compared with.
        of: how many of the last periods count (N, `EvaluationPeriods`).
        needed: how many of them have to breach (M, `DatapointsToAlarm`).
        missing: what a missing data point is taken for.
    """

    comparison: str
    threshold: float
    of: int
    needed: int
    missing: Missing

    @property
    def reach(self) -> int:
        """How many periods are looked at, the extra ones for missing data included."""
        return self.of + EXTRA_PERIODS

    def breaches(self, value: float) -> bool:
        """Whether a value breaches the threshold."""
        return COMPARISONS[self.comparison](value, self.threshold)


@dataclass(frozen=True)
class Verdict:
    """What the values say.

    Attributes:
        state: the state; None leaves the present one.
        used: the positions of the values that counted, oldest first.
        filled: how many missing data points were taken for something.
    """

    state: State | None
    used: tuple[int, ...]
    filled: int


def judge(values: Sequence[float | None], rule: Rule) -> Verdict:
    """The state that the values of the last `rule.reach` periods give, oldest first; None is a missing data point."""
    known = [position for position, value in enumerate(values) if value is not None]
    used = tuple(known[-rule.of :])
    breaching = [position for position in used if rule.breaches(values[position] or 0.0)]
    filled = rule.of - len(used)
    if filled <= 0:
        return Verdict(_enough(len(breaching), rule), used, 0)
    match rule.missing:
        case Missing.BREACHING:
            state: State | None = _enough(len(breaching) + filled, rule)
        case Missing.NOT_BREACHING:
            state = _enough(len(breaching), rule)
        case _ if used and (len(breaching) >= rule.needed or len(breaching) < len(used)):
            state = _enough(len(breaching), rule)
        case Missing.IGNORE:
            state = None
        case _:
            # All there is breaches, but too little of it: it has to be as old as the data points that are needed, for
            # the next one may be within the threshold ("Avoiding premature transitions to alarm state").
            old_enough = bool(used) and len(values) - used[0] >= rule.needed
            state = State.ALARM if old_enough else State.UNKNOWN
    return Verdict(state, used, filled)


def _enough(breaching: int, rule: Rule) -> State:
    return State.ALARM if breaching >= rule.needed else State.OK
