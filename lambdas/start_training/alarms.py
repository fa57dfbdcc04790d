"""What the alarms wish: pure functions of the alarms that the ledger remembers.

An alarm that is on wishes for a run on new data. It ``asks`` from the event that turned it on until something was
decided about it: a run, or that there is no new data. After that it goes on waiting: the next drop finds it on.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from lambdas.shared.records import Alarm
from lambdas.start_training.events import KINDS, AlarmChange

Alarms = Mapping[str, Alarm]

_LONGEST_REASON = 240
_MOST_DIGITS = 10_000
_PREFIX = re.compile(r"^Thresholds? Crossed: ")
_TRANSITION = re.compile(r" \(minimum \d+ datapoints? for \w+ -> \w+ transition\)")
_DATAPOINT_TIME = re.compile(r" \(\d\d/\d\d/\d\d \d\d:\d\d:\d\d\)")
_LONG_NUMBER = re.compile(r"\d+\.\d{4,}(?:[eE][+-]?\d+)?")


def observe(known: Alarms, changes: Iterable[AlarmChange]) -> dict[str, Alarm]:
    """Return the alarms after these changes: of each alarm, the newest event counts.

    The order of the changes, repeated ones and ones that the ledger already knows make no difference. Of two events of
    the same millisecond, the one that turns the alarm on counts: a run too many is cheaper than one too few.
    """
    alarms = dict(known)
    for change in changes:
        before = alarms.get(change.kind)
        if before is None or (change.at, change.on) > (before.at, before.on):
            alarms[change.kind] = Alarm(
                kind=change.kind,
                name=change.name,
                on=change.on,
                at=change.at,
                reason=change.reason,
                asks=change.on,
                told_at=before.told_at if before else None,
            )
    return alarms


def on(alarms: Alarms) -> tuple[Alarm, ...]:
    """Return the alarms that are on, the strongest reason first."""
    return tuple(alarms[kind] for kind in KINDS if kind in alarms and alarms[kind].on)


def answered(alarms: Alarms) -> dict[str, Alarm]:
    """Return the alarms after a decision about all of them."""
    return {kind: alarm.model_copy(update={"asks": False}) for kind, alarm in alarms.items()}


def told(alarms: Alarms, about: Iterable[Alarm]) -> dict[str, Alarm]:
    """Return the alarms after people were told that there is no new data for some of them."""
    return {**alarms, **{alarm.kind: alarm.model_copy(update={"told_at": alarm.at}) for alarm in about}}


def untold(alarms: Alarms, *, cooldown: timedelta) -> tuple[Alarm, ...]:
    """Return the alarms that ask and about which people have not been told.

    One that goes off and on again within the cooldown is still the same wish.
    """
    return tuple(
        alarm for alarm in on(alarms) if alarm.asks and (alarm.told_at is None or alarm.at - alarm.told_at > cooldown)
    )


def words(alarms: Sequence[Alarm]) -> list[str]:
    """Say which alarms are on, since when and why, each in a phrase."""
    return [f"{alarm.kind} alarm since {alarm.at:%Y-%m-%d %H:%M} UTC: {_readable(alarm.reason)}" for alarm in alarms]


def _readable(reason: str) -> str:
    """Shorten CloudWatch's sentence to its numbers.

    "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (02/10/19 16:59:00)] was greater than the
    threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)." becomes "1 out of the last 1 datapoints [99.5]
    was greater than the threshold (50.0)".
    """
    text = _DATAPOINT_TIME.sub("", _TRANSITION.sub("", _PREFIX.sub("", reason)))
    text = _LONG_NUMBER.sub(_rounded, text).rstrip(". ")
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 3]}..."


def _rounded(number: re.Match[str]) -> str:
    value = float(number[0])
    return f"{value:.4g}" if value < _MOST_DIGITS else f"{value:.0f}"
