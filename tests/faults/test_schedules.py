"""Thousands of schedules, each of its own seed: faults, duplicates, late events, invocations side by side.

``make faults SCHEDULES=20000 FIRST=1500`` plays others than ``make test``; ``make faults SEED=17`` plays one again and
prints what happens in it.
"""

import os

import pytest

from tests.faults.support.schedules import play

BLOCK = 50
FIRST = int(os.environ.get("TANDEM_FAULT_FIRST", "0"))
SCHEDULES = int(os.environ.get("TANDEM_FAULT_SCHEDULES", "1500"))
ONE = os.environ.get("TANDEM_FAULT_SEED")


@pytest.mark.skipif(ONE is not None, reason="one schedule is played again")
@pytest.mark.parametrize("first", range(FIRST, FIRST + SCHEDULES, BLOCK))
def test_no_schedule_of_faults_and_events_breaks_an_invariant(first: int) -> None:
    for seed in range(first, min(first + BLOCK, FIRST + SCHEDULES)):
        played = play(seed)
        assert not played.problems, played.story


@pytest.mark.skipif(ONE is None, reason="set TANDEM_FAULT_SEED to play one schedule again")
def test_one_schedule_again() -> None:
    played = play(int(ONE or "0"))
    print(played.story)  # noqa: T201 - it is what was asked for
    assert not played.problems, "\n".join(played.problems)


def test_a_seed_says_everything() -> None:
    first, second = (play(41).world.trace for _ in range(2))
    assert first == second
