"""Puts EventBridge Scheduler on the sandbox's clock and lets the sandbox call its targets."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.adapter import internals
from sandbox.adapter.cloudwatch import ClockOfModule
from sandbox.adapter.platform import EmbeddedPlatform
from sandbox.scheduler.delivery import Delivery
from sandbox.scheduler.expressions import parse
from sandbox.scheduler.runner import Runner, Stored
from sandbox.scheduler.targets import UnsupportedTargetError, check

_log = logging.getLogger(__name__)

Answer = tuple[int, dict[str, str], bytes]


class Scheduler:
    """The emulator's schedules, called by the sandbox."""

    def __init__(self, platform: EmbeddedPlatform) -> None:
        self._platform = platform
        self._create = internals.CREATE_SCHEDULE.get()
        self._update = internals.UPDATE_SCHEDULE.get()
        delivery = Delivery(platform.client, endpoint_url=platform.endpoint_url)
        self.runner = Runner(delivery, stored=_stored, delete=_delete)

    def install(self) -> None:
        """Take the place of the emulator's own clock; its own watcher has to be replaced by who calls the runner."""
        internals.SCHEDULER_TIME.replace(ClockOfModule(self._platform))
        internals.CREATE_SCHEDULE.replace(self.create_schedule)
        internals.UPDATE_SCHEDULE.replace(self.update_schedule)

    def create_schedule(self, name: str, body: Mapping[str, Any]) -> Answer:
        """CreateSchedule, with AWS's refusals."""
        answer: Answer = _refusal(body) or self._create(name, body)
        return answer

    def update_schedule(self, name: str, body: Mapping[str, Any]) -> Answer:
        """UpdateSchedule, with AWS's refusals."""
        answer: Answer = _refusal(body) or self._update(name, body)
        return answer


def _refusal(body: Mapping[str, Any]) -> Answer | None:
    try:
        if expression := body.get("ScheduleExpression"):
            parse(expression, timezone=body.get("ScheduleExpressionTimezone") or "UTC")
        if (target := body.get("Target")) and target.get("Arn"):
            check(target)
    except UnsupportedTargetError as error:
        problem = str(error)
    except ValueError as error:
        problem = f"Invalid Schedule Expression {body.get('ScheduleExpression')}: {error}"
    else:
        return None
    answer: Answer = internals.SCHEDULER_ERROR.get()(400, "ValidationException", problem)
    return answer


def _stored() -> Sequence[Stored]:
    # The dictionary beneath, for schedules of every account and region have to be watched.
    return [
        Stored(key=key, description=json.loads(json.dumps(description)))
        for key, description in list(internals.SCHEDULES.get()._data.items())  # noqa: SLF001 - see above
    ]


def _delete(key: tuple[str, ...]) -> None:
    internals.SCHEDULES.get()._data.pop(key, None)  # noqa: SLF001 - as above
