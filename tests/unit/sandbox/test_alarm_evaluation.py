"""Alarms are evaluated as CloudWatch documents it, above all when data is missing."""

import pytest

from sandbox.cloudwatch.evaluation import Missing, Rule, State, Verdict, judge

KEEP = None
OK, ALARM, UNKNOWN = State.OK, State.ALARM, State.UNKNOWN


def _judge(data: str, *, needed: int, missing: Missing = Missing.MISSING) -> Verdict:
    """The verdict on data points in the notation of the page: 0 is well, X breaches, - is missing."""
    values = [{"0": 0.0, "X": 9.0, "-": None}[point] for point in data.split()]
    return judge(values, Rule("GreaterThanThreshold", 5.0, of=3, needed=needed, missing=missing))


# AWS page "Configuring how CloudWatch alarms treat missing data", both tables: the columns are the state for missing,
# ignore, breaching and notBreaching.
DOCUMENTED = [
    (3, "0 - X - X", 0, OK, OK, OK, OK),
    (3, "0 - - - -", 2, OK, OK, OK, OK),
    (3, "- - - - -", 3, UNKNOWN, KEEP, ALARM, OK),
    (3, "0 X X - X", 0, ALARM, ALARM, ALARM, ALARM),
    (3, "- - X - -", 2, ALARM, KEEP, ALARM, OK),
    (2, "0 - X - X", 0, ALARM, ALARM, ALARM, ALARM),
    (2, "0 0 X 0 X", 0, ALARM, ALARM, ALARM, ALARM),
    (2, "0 - X - -", 1, OK, OK, ALARM, OK),
    (2, "- - - - 0", 2, OK, OK, ALARM, OK),
    (2, "- - - X -", 2, ALARM, KEEP, ALARM, OK),
]


@pytest.mark.parametrize("row", DOCUMENTED, ids=lambda row: f"{row[0]} of 3: {row[1]}")
@pytest.mark.parametrize("column", range(4), ids=[str(missing) for missing in Missing])
def test_the_documented_outcomes_of_missing_data(row: tuple[int | str | State | None, ...], column: int) -> None:
    needed, data, filled, *states = row
    verdict = _judge(str(data), needed=int(str(needed)), missing=list(Missing)[column])
    expected = {Missing.MISSING: 0, Missing.IGNORE: 1, Missing.BREACHING: 2, Missing.NOT_BREACHING: 3}
    assert verdict.state == states[expected[list(Missing)[column]]]
    assert verdict.filled == filled


@pytest.mark.parametrize("data", ["- - - - X", "- - - X -"])
def test_one_breaching_point_is_not_enough_before_it_is_old_enough(data: str) -> None:
    assert _judge(data, needed=3).state is UNKNOWN
    assert _judge(data, needed=3, missing=Missing.IGNORE).state is KEEP


@pytest.mark.parametrize("data", ["- - - X 0", "- - X - 0"])
def test_a_good_point_after_a_breaching_one_avoids_the_alarm(data: str) -> None:
    assert _judge(data, needed=3).state is OK


def test_only_as_many_points_count_as_the_alarm_has_periods() -> None:
    assert _judge("X X 0 0 0", needed=1).state is OK
    assert _judge("X X 0 0 0", needed=1).used == (2, 3, 4)


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [6]),
        ("GreaterThanOrEqualToThreshold", [5, 6]),
        ("LessThanThreshold", [4]),
        ("LessThanOrEqualToThreshold", [4, 5]),
    ],
)
def test_a_value_is_compared_with_the_threshold(comparison: str, breaching: list[int]) -> None:
    rule = Rule(comparison, 5.0, of=1, needed=1, missing=Missing.MISSING)
    assert [value for value in (4, 5, 6) if rule.breaches(value)] == breaching


def test_zero_is_a_value_and_not_missing() -> None:
    verdict = judge([0.0], Rule("LessThanThreshold", 1.0, of=1, needed=1, missing=Missing.NOT_BREACHING))
    assert verdict.state is ALARM
    assert verdict.filled == 0
