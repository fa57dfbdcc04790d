"""Runs one scenario once for every AWS call it makes, crashing before and after that call."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress

from tests.unit.lambdas.support.gate import Crash
from tests.unit.lambdas.support.stage import Stage

LONGEST_SCENARIO = 60
REDELIVERED_AFTER_SECONDS = 90


def at_every_call(
    new_stage: Callable[[], Stage], prepare: Callable[[Stage], Callable[[], object]]
) -> Iterator[tuple[Stage, str]]:
    """Yield every stage in which the scenario crashed at one call and was then delivered again.

    ``prepare`` brings a stage to the point before the delivery and returns the delivery. A second delivery that
    crashes nowhere must serve every message.
    """
    for moment in ("before", "after"):
        for index in itertools.count():
            stage = new_stage()
            deliver = prepare(stage)
            stage.gate.arm(index, moment)
            with suppress(Crash):
                deliver()
            stage.gate.disarm()
            if not stage.gate.crashed:
                assert index > 0
                break
            where = f"{moment} call {index} ({stage.gate.calls[index].operation})"
            assert index < LONGEST_SCENARIO, where
            stage.clock.advance(seconds=REDELIVERED_AFTER_SECONDS)
            assert deliver() == {"batchItemFailures": []}, where
            yield stage, where
