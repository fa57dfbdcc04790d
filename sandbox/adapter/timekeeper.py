"""Time in the embedded AWS: what falls due as it passes, and moving it forward."""

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sandbox.adapter import internals
from sandbox.adapter.cloudwatch import CloudWatch
from sandbox.clock import SandboxClock
from sandbox.control import ClockState, Fired
from sandbox.errors import SandboxError
from sandbox.scheduler.runner import Runner
from sandbox.scheduler.schedule import TooManyError

_log = logging.getLogger(__name__)

# In seconds of sandbox time; AWS evaluates alarms every minute, and those of a short period every ten seconds.
_TICK = 10
_SHORTEST_TICK, _LONGEST_TICK = 0.1, 1.0


class Timekeeper:
    """Evaluates alarms and calls schedules as time passes."""

    def __init__(
        self, clock: SandboxClock, *, cloudwatch: CloudWatch, runner: Runner, flush: Callable[[], None]
    ) -> None:
        """Describe it; `start` lets it begin.

        Args:
            clock: the time.
            cloudwatch: whose alarms are evaluated, on the server's loop.
            runner: which calls the schedules, from worker threads.
            flush: writes what was captured and counted so far; called before time is moved.
        """
        self._clock = clock
        self._cloudwatch = cloudwatch
        self._runner = runner
        self._flush = flush
        self._stopping = threading.Event()
        self._moving = asyncio.Lock()

    def start(self) -> None:
        """Watch from a thread of its own; to be called once, when the server is up."""
        threading.Thread(target=self._run, name="sandbox-time", daemon=True).start()

    def stop(self) -> None:
        """Watch no longer."""
        self._stopping.set()

    def state(self) -> ClockState:
        """What the clock says."""
        return ClockState(now=self._clock.now(), speed=self._clock.speed)

    async def advance(self, *, to: datetime | None = None, by: timedelta = timedelta()) -> ClockState:
        """Move the clock forward and do on the way what falls due, in its order and at its time.

        Args:
            to: until when; `by` says how far instead when it is None.
            by: how far.

        Raises:
            SandboxError: when the clock would go back, or a schedule would fall due absurdly often; nothing moves then.
        """
        async with self._moving:
            await asyncio.to_thread(self._flush)
            now = self._clock.now()
            to = now + by if to is None else to
            if to < now:
                raise SandboxError(f"it shows {now.isoformat()} and never goes back to {to.isoformat()}")
            try:
                due = await asyncio.to_thread(self._runner.due, to)
            except TooManyError as error:
                raise SandboxError(str(error)) from error
            changes, fired = 0, list[Fired]()
            for moment in sorted({one.moment for one in due} | self._cloudwatch.moments(to) | {to}):
                self._clock.reach(moment)
                changed, called = await self._pass(moment)
                changes += changed
                fired += called
            return ClockState(now=self._clock.now(), speed=self._clock.speed, fired=tuple(fired), alarm_changes=changes)

    async def tick(self) -> None:
        """Do what fell due by now; while the clock is being moved, afterwards.

        The present is read only when nobody else moves it: alarms judged for an earlier moment would turn back.
        """
        async with self._moving:
            await self._pass(self._clock.now())

    def _run(self) -> None:
        every = min(_LONGEST_TICK, max(_SHORTEST_TICK, self._clock.real_seconds(_TICK)))
        while not self._stopping.wait(every):
            try:
                asyncio.run_coroutine_threadsafe(self.tick(), internals.MAIN_LOOP.get()).result()
            except Exception:  # noqa: BLE001 - one alarm or schedule that cannot be handled must not stop time
                _log.exception("what fell due by %s was not all done", self._clock.now().isoformat())

    async def _pass(self, moment: datetime) -> tuple[int, list[Fired]]:
        """Evaluate alarms and call schedules at a moment; gives the changes of alarms and the calls."""
        return self._cloudwatch.catch_up(moment), await asyncio.to_thread(self._runner.fire, moment)
