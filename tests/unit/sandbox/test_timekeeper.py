"""Time passes by itself and is moved by people; both at once must not tear it apart."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

from sandbox.adapter.timekeeper import Timekeeper
from sandbox.clock import SandboxClock
from sandbox.control import Fired
from sandbox.scheduler.runner import Due

START = datetime(2013, 3, 1, tzinfo=UTC)


class Alarms:
    """Remembers for which moments alarms were evaluated."""

    def __init__(self) -> None:
        self.evaluated: list[datetime] = []

    def moments(self, _until: datetime) -> set[datetime]:
        return set()

    def catch_up(self, until: datetime) -> int:
        self.evaluated.append(until)
        return 0


class SlowSchedules:
    """A target that takes its time, as a function does that is called."""

    def __init__(self) -> None:
        self.called, self.answer = threading.Event(), threading.Event()

    def due(self, _until: datetime) -> list[Due]:
        return []

    def fire(self, until: datetime) -> list[Fired]:
        self.called.set()
        assert self.answer.wait(10)
        return [Fired(schedule_arn="arn:aws:scheduler:::schedule/default/monitor", scheduled=until, error=None)]


def test_a_tick_during_a_move_waits_and_judges_by_the_time_moved_to() -> None:
    alarms, schedules = Alarms(), SlowSchedules()
    keeper = Timekeeper(
        SandboxClock(start=START),
        cloudwatch=alarms,  # type: ignore[arg-type]
        runner=schedules,  # type: ignore[arg-type]
        flush=lambda: None,
    )

    async def at_once() -> None:
        move = asyncio.create_task(keeper.advance(by=timedelta(days=30)))
        await asyncio.to_thread(schedules.called.wait, 10)
        tick = asyncio.create_task(keeper.tick())
        done, _ = await asyncio.wait([tick], timeout=0.05)
        assert not done
        assert len(alarms.evaluated) == 1
        schedules.answer.set()
        await tick
        moved = await move
        assert len(moved.fired) == 1

    asyncio.run(at_once())

    assert alarms.evaluated == sorted(alarms.evaluated)
    assert [moment >= START + timedelta(days=30) for moment in alarms.evaluated] == [True, True]
