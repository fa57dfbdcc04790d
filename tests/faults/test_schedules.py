"""Thousands of schedules, each of its own seed: faults, duplicates, late events, invocations side by side.

``make faults SCHEDULES=20000 FIRST=2000`` plays others than ``make test``; ``make faults SEED=17`` plays one again and
prints what happens in it.
"""

import os

import pytest

from tests.faults.support.schedules import play

BLOCK = 50
FIRST = int(os.environ.get("TANDEM_FAULT_FIRST", "0"))
SCHEDULES = int(os.environ.get("TANDEM_FAULT_SCHEDULES", "2000"))
ONE = os.environ.get("TANDEM_FAULT_SEED")
SEEDS = range(FIRST, FIRST + SCHEDULES) if ONE is None else range(int(ONE), int(ONE) + 1)


@pytest.mark.parametrize("seeds", [SEEDS[at : at + BLOCK] for at in range(0, len(SEEDS), BLOCK)], ids=repr)
def test_no_schedule_of_faults_and_events_breaks_an_invariant(seeds: range) -> None:
    for seed in seeds:
        played = play(seed)
        if ONE is not None:
            print(played.story)  # noqa: T201 - it is what was asked for
        assert not played.problems, played.story


def test_a_seed_says_everything() -> None:
    first, second = (play(41).world.trace for _ in range(2))
    assert first == second
