"""March 2013, played to a deployed stage: what people and applications do, day by day, until the monitor is due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from watched_stage import Mail, WatchedStage, damaged

from lambdas.shared.records import Run
from sandbox.control import Fired
from sandbox.demo.stillness import Stillness
from sandbox.demo.traffic import Answers, Day, Traffic, days

DAY = timedelta(days=1)
START, AFTER = datetime(2013, 3, 1, tzinfo=UTC), datetime(2013, 4, 1, tzinfo=UTC)
ASKED_FROM, WARM_FROM, DAMAGED = date(2013, 3, 11), date(2013, 3, 16), date(2013, 3, 21)
LABELS_LATER = 2 * DAY
_EVERY = 10
_WARMER = 25.0


@dataclass(frozen=True)
class Month:
    """What happened, as it was known when the monitor had judged it.

    Attributes:
        answers: of the endpoint, by day.
        fired: schedules that were due.
        judgements: of the monitor, oldest first.
        runs: training runs so far.
        decisions: requests that were not served.
        mails: what people were told.
        drift: what ``ops drift`` says.
        history: what ``ops history`` says.
    """

    answers: Sequence[Answers]
    fired: Sequence[Fired]
    judgements: Sequence[dict[str, Any]]
    runs: Sequence[Run]
    decisions: Sequence[dict[str, Any]]
    mails: Sequence[Mail]
    drift: Mapping[str, Any]
    history: Sequence[dict[str, Any]]

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each day has; those of one request came a second time, in a file that nobody expects."""
        asked = {(START + number * DAY).date(): 0 for number in range((AFTER - START).days)}
        asked |= {one.day: len(one.labels) for one in self.answers}
        return {day.isoformat(): rows * (2 if day == DAMAGED else 1) for day, rows in asked.items()}


def play(stage: WatchedStage) -> Month:
    """Play the month; returns when the schedule has been due and nothing moves any more."""
    _drop_and_take_away(stage)
    answers, fired = _ask(stage)
    _damage(stage)
    fired += stage.loop.sandbox.advance(to=AFTER + timedelta(hours=1, minutes=1)).fired
    Stillness(stage.cloud).wait()
    return Month(
        answers=answers,
        fired=fired,
        judgements=stage.judgements("monitoring"),
        runs=stage.loop.runs(),
        decisions=stage.loop.items("DECISION"),
        mails=stage.mails(),
        drift=stage.cloud.ops("drift"),
        history=stage.cloud.ops("history"),
    )


def _drop_and_take_away(stage: WatchedStage) -> None:
    """Drop data while no alarm is on, wait for what is decided about it, and leave no trace of it."""
    key = stage.loop.drop("2013-03", name="early.parquet")
    stage.loop.wait_for("the decision about the drop", lambda: stage.loop.items("DECISION") or None)
    stage.loop.remove(key)


def _ask(stage: WatchedStage) -> tuple[list[Answers], list[Fired]]:
    """Ask about some flights of each day; their labels arrive two days later."""
    traffic, answers, fired = Traffic(stage.cloud), list[Answers](), list[Fired]()
    for day in days([stage.loop.drops["2013-03"]], time_column="time_hour", every=_EVERY):
        if not ASKED_FROM <= day.day < AFTER.date():
            continue
        if due := stage.loop.sandbox.advance(to=day.at(hour=12)).fired:
            fired += due
            Stillness(stage.cloud).wait()
        traffic.tell([one for one in answers if one.day == day.day - LABELS_LATER], on=day.day)
        answers.append(traffic.ask(_warmer(day) if day.day >= WARM_FROM else day))
    return answers, fired


def _warmer(day: Day) -> Day:
    """A warm spell, whatever the winter was like that the model knows."""
    at = day.rows.schema.get_field_index("temp")
    return Day(day.day, day.rows.set_column(at, "temp", pc.add(day.rows.column("temp"), pa.scalar(_WARMER))))


def _damage(stage: WatchedStage) -> None:
    """Put damaged files beside the one that the endpoint wrote on a day."""
    hour = f"capture/{stage.cloud.endpoint}/live/{DAMAGED:%Y/%m/%d}/12/"
    (written,) = stage.objects(hour)
    for name, content in damaged(stage.read(f"{hour}{written}")):
        stage.write(f"{hour}{name}", content)
