"""Watches the schedules: each due time is acted upon exactly once, in order."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.control import Fired
from sandbox.scheduler.delivery import Delivery
from sandbox.scheduler.schedule import Schedule

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """A schedule where it is kept: a key that names it, and its description by the API."""

    key: tuple[str, ...]
    description: Mapping[str, Any]


@dataclass(frozen=True)
class Due:
    """A schedule that falls due at a moment."""

    moment: datetime
    key: tuple[str, ...]
    schedule: Schedule


class Runner:
    """Finds what is due and calls it.

    `due` and `fire` are called from worker threads; `fire` makes calls and takes its time.
    """

    def __init__(
        self,
        delivery: Delivery,
        *,
        stored: Callable[[], Sequence[Stored]],
        delete: Callable[[tuple[str, ...]], None],
    ) -> None:
        """Connect to where the schedules are kept.

        Args:
            delivery: what calls their targets.
            stored: gives all of them.
            delete: deletes the one with a key.
        """
        self._delivery = delivery
        self._stored = stored
        self._delete = delete
        self._lock = threading.Lock()
        # Up to when each schedule's due times were acted upon; one that was deleted and made again begins anew.
        self._done: dict[tuple[tuple[str, ...], datetime], datetime] = {}

    def due(self, until: datetime) -> list[Due]:
        """What falls due by a moment and was not acted upon yet, in order.

        Raises:
            TooManyError: when that is absurdly often.
        """
        found: list[Due] = []
        for key, schedule in self._schedules():
            after = self._done.get((key, schedule.created), schedule.fresh)
            found += [Due(moment, key, schedule) for moment in schedule.due(after, until)]
        return sorted(found, key=lambda due: (due.moment, due.key))

    def fire(self, until: datetime) -> list[Fired]:
        """Call what is due by a moment, and return when all calls were made, another caller's included."""
        with self._lock:
            claimed, schedules = self.due(until), self._schedules()
            self._done = {
                (key, schedule.created): max(until, self._done.get((key, schedule.created), until))
                for key, schedule in schedules
            }
            fired = [self._deliver(due) for due in claimed]
            for key, schedule in schedules:
                if schedule.enabled and schedule.deleted_afterwards and schedule.is_over(until):
                    self._delete(key)
        return fired

    def _deliver(self, due: Due) -> Fired:
        failure = self._delivery.deliver(due.schedule, due.moment)
        error = None if failure is None else f"{failure.code}: {failure.message}"
        return Fired(schedule_arn=due.schedule.arn, scheduled=due.moment, error=error)

    def _schedules(self) -> list[tuple[tuple[str, ...], Schedule]]:
        found = []
        for stored in self._stored():
            try:
                found.append((stored.key, Schedule.read(stored.description)))
            except ValueError as error:
                _log.warning("the schedule %s is left alone: %s", stored.key, error)
        return found
