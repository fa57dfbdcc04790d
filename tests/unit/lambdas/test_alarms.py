"""What the ledger remembers about alarms, and what is said about them."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.shared.records import Alarm
from lambdas.start_training import alarms
from lambdas.start_training.events import KINDS, AlarmChange
from tests.unit.lambdas.support.stage import CROSSED, NAME

NINE = datetime(2013, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def change(minute: int, *, on: bool, kind: str = "drift") -> AlarmChange:
    return AlarmChange(kind, f"{NAME}-{kind}", on, NINE + timedelta(minutes=minute), f"at minute {minute}")


CHANGES = st.lists(
    st.builds(change, st.integers(0, 9), on=st.booleans(), kind=st.sampled_from(KINDS)), min_size=1, max_size=8
)


@given(CHANGES, st.randoms(use_true_random=False))
def test_late_repeated_and_reordered_events_leave_the_same_alarms(changes: list[AlarmChange], random: object) -> None:
    expected = alarms.observe({}, changes)
    delivered = [*changes, *changes[::2]]
    random.shuffle(delivered)  # type: ignore[attr-defined]  # hypothesis types it as object
    one_by_one: dict[str, Alarm] = {}
    for each in delivered:
        one_by_one = alarms.observe(one_by_one, [each])
    assert {kind: (a.on, a.at) for kind, a in one_by_one.items()} == {k: (a.on, a.at) for k, a in expected.items()}


@given(CHANGES)
def test_the_newest_event_of_each_alarm_counts(changes: list[AlarmChange]) -> None:
    for kind, alarm in alarms.observe({}, changes).items():
        of_kind = [each for each in changes if each.kind == kind]
        newest = max(of_kind, key=lambda each: (each.at, each.on))
        assert (alarm.on, alarm.at) == (newest.on, newest.at)


def test_an_alarm_asks_until_it_is_answered_and_again_when_it_comes_back() -> None:
    known = alarms.observe({}, [change(0, on=True)])
    assert known["drift"].asks
    known = alarms.answered(known)
    assert alarms.observe(known, [change(0, on=True)]) == known
    known = alarms.observe(known, [change(1, on=False)])
    assert not known["drift"].asks
    assert alarms.observe(known, [change(2, on=True)])["drift"].asks


@pytest.mark.parametrize(("minutes", "told_again"), [(30, False), (60, False), (61, True)])
def test_an_alarm_that_flaps_within_the_cooldown_is_told_once(minutes: int, *, told_again: bool) -> None:
    known = alarms.observe({}, [change(0, on=True)])
    assert alarms.untold(known, cooldown=HOUR)
    known = alarms.answered(alarms.told(known, alarms.on(known)))
    known = alarms.observe(known, [change(minutes - 1, on=False), change(minutes, on=True)])
    assert bool(alarms.untold(known, cooldown=HOUR)) is told_again


def test_an_alarm_that_a_message_did_not_name_is_not_told() -> None:
    known = alarms.observe({}, [change(0, on=True)])
    known = alarms.answered(alarms.told(known, alarms.on(known)))
    known = alarms.observe(known, [change(49, on=False), change(50, on=True), change(50, on=True, kind="quality")])
    (asking,) = alarms.untold(known, cooldown=HOUR)
    assert asking.kind == "quality"
    known = alarms.answered(alarms.told(known, [asking]))
    known = alarms.observe(known, [change(99, on=False), change(100, on=True)])
    assert [alarm.kind for alarm in alarms.untold(known, cooldown=HOUR)] == ["drift"]


def test_the_strongest_reason_comes_first() -> None:
    known = alarms.observe({}, [change(0, on=True, kind=kind) for kind in reversed(KINDS)])
    assert [alarm.kind for alarm in alarms.on(known)] == ["quality", "drift", "prediction-drift", "model-age"]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (CROSSED, "3 out of the last 5 datapoints [0.3123, 0.25, 0.11] were greater than the threshold (0.1)"),
        (
            "Threshold Crossed: 1 datapoint [181234.567891 (28/02/13 00:00:00)] was greater than the threshold (9.0).",
            "1 datapoint [181235] was greater than the threshold (9.0)",
        ),
        ("set by hand", "set by hand"),
        ("x" * 1000, "x" * 237 + "..."),
    ],
)
def test_a_reason_is_shortened_to_its_numbers(reason: str, said: str) -> None:
    alarm = Alarm(kind="drift", name="name", on=True, at=NINE, reason=reason)
    assert alarms.words([alarm]) == [f"drift alarm since 2013-03-01 09:00 UTC: {said}"]


def test_every_order_of_on_off_on_ends_on() -> None:
    events = [change(0, on=True), change(1, on=False), change(2, on=True)]
    for order in itertools.permutations(events):
        assert alarms.observe({}, order)["drift"].at == NINE + timedelta(minutes=2)
