"""The second half of the demo: a year of live traffic, watched, and what the deployed loop makes of it.

The sandbox's clock is moved from day to day, and whatever falls due on the way is waited for. Requests go to the live
endpoint and are captured, labels arrive two days later, a drop of data arrives when its month is over. Schedule,
monitor, alarms, training, gate and deployment are the deployed ones; nothing here starts a function or a job.
"""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from sandbox.control import Fired
from sandbox.demo import frozen, months, scores
from sandbox.demo.chronicle import YEAR, Chronicle
from sandbox.demo.cloud import Cloud, run
from sandbox.demo.months import Month
from sandbox.demo.scores import Numbers
from sandbox.demo.stillness import Stillness
from sandbox.demo.traffic import Answers, Day, Traffic, days

_LABELS_LATER = timedelta(days=2)
_ASKED_AT = 12
"""Hour of the day at which all its requests are sent: the clock stands still for an instant, a day has 24 hours."""
_MONITOR_AT, _DROP_AT = timedelta(hours=1, minutes=1), timedelta(hours=6)


class Clock(Protocol):
    """The sandbox's clock."""

    def advance(self, *, to: datetime) -> Any:
        """Move forward; what falls due on the way has happened when this returns."""


_PARTS = {
    "traffic": "live traffic, a day at a time",
    "monitor": "the monitor's schedule is due",
    "reaction": "the month's data arrives",
}


@dataclass
class Year:
    """Replays months of the year.

    Attributes:
        cloud: the embedded AWS, with a first model live.
        clock: its clock.
        output: folder for what is left on disk.
        console: where it is told.
        every: takes every n-th row as traffic.
    """

    cloud: Cloud
    clock: Clock
    output: Path
    console: Console
    every: int = 1
    months: list[Month] = field(default_factory=list)

    def run(self, numbers: Sequence[int], files: Sequence[Path]) -> dict[str, Any]:
        """Replay the months, whose drops are these files, and write the story; returns it.

        Raises:
            DemoError: the loop stopped on the way.
        """
        first = frozen.fetch(self.cloud, to=self.output / "first-model")
        asked = self._days(files, numbers)
        with ThreadPoolExecutor(1) as beside:
            scored = beside.submit(frozen.score, first, pa.concat_tables([day.rows for day in asked]))
            self._replay(asked, files, beside)
            story = self._story(scored.result())
        self._write("story.json", story)
        run(["-m", "pipelines.steps.report.year", str(self.output / "story.json"), str(self.output / "year.html")])
        self._tell(story)
        return story

    def _days(self, files: Sequence[Path], numbers: Sequence[int]) -> list[Day]:
        """Return the days of the months; a drop is cut at local midnight, so its last hours are the next day's."""
        time_column = self.cloud.settings["project"]["time_column"]
        return [day for day in days(files, time_column=time_column, every=self.every) if day.day.month in numbers]

    def _replay(self, asked: Sequence[Day], files: Sequence[Path], beside: Executor) -> None:
        """Replay all days; what is known of a month is read ``beside`` the traffic of the next."""
        traffic, still, chronicle = Traffic(self.cloud), Stillness(self.cloud), Chronicle(self.cloud)
        last = asked[-1].day.month
        reading: Future[Month] | None = None
        for number, of_month in groupby(asked, key=lambda day: day.day.month):
            seconds: dict[str, float] = {}
            over = _month_after(number)
            with self._part(seconds, number, "traffic"):
                answers = self._ask(of_month, traffic, still)
            self._keep(reading)
            with self._part(seconds, number, "monitor"):
                self.clock.advance(to=over + _MONITOR_AT)
                still.wait()
                alarms = chronicle.alarms()
            with self._part(seconds, number, "reaction"):
                self.clock.advance(to=over + _DROP_AT)
                traffic.tell(answers[-_LABELS_LATER.days :], on=over.date())
                if number != last:
                    self._drop(files, number)
                still.wait()
            reading = beside.submit(_recall, chronicle, number, answers, alarms, seconds)
        self._keep(reading)

    def _keep(self, reading: "Future[Month] | None") -> None:
        """Take what is known of the month before, and tell it."""
        if reading is not None:
            month = reading.result()
            self.months.append(month)
            self._tell_month(month)

    def _ask(self, of_month: Iterator[Day], traffic: Traffic, still: Stillness) -> list[Answers]:
        answers: list[Answers] = []
        for day in of_month:
            if any(map(_starts_the_monitor, self.clock.advance(to=day.at(hour=_ASKED_AT)).fired)):
                still.wait()
            traffic.tell([one for one in answers if one.day == day.day - _LABELS_LATER], on=day.day)
            answers.append(traffic.ask(day))
        return answers

    @contextmanager
    def _part(self, seconds: dict[str, float], number: int, name: str) -> Iterator[None]:
        """Say what is being waited for, and measure it."""
        began = time.monotonic()
        with self.console.status(f"{date(YEAR, number, 1):%B}: {_PARTS[name]}"):
            yield
        seconds[name] = round(time.monotonic() - began, 1)

    def _drop(self, files: Sequence[Path], number: int) -> None:
        (path,) = [file for file in files if file.parent.name == f"period={YEAR}-{number:02d}"]
        key = f"data/{path.parent.name}/{path.name}"
        self.cloud.client("s3").upload_file(str(path), self.cloud.data_bucket, key)

    def _story(self, frozen_scores: Numbers) -> dict[str, Any]:
        metric = self.cloud.settings["gate"]["metric"]
        told, start = [], 0
        for month in self.months:
            rows = sum(len(day.labels) for day in month.answers)
            told.append(months.told(month, metric, frozen_scores[start : start + rows], first=self.months[0]))
            start += rows
        outcomes = [note.kind for month in self.months for note in month.notes]
        output = self.cloud.contract["output"]
        return {
            "project": self.cloud.project,
            "target": output["name"],
            "unit": output.get("unit"),
            "metric": metric,
            "direction": self.cloud.settings["gate"]["direction"],
            "drift_limit": self.cloud.settings.get("monitoring", {}).get("max_drift"),
            "months": told,
            "summary": {
                "frozen_mean": float(np.mean([month["frozen"]["value"] for month in told])),
                "tandem_mean": float(np.mean([month["tandem"]["value"] for month in told])),
                "from": self.months[0].name,
                "to": self.months[-1].name,
                "runs": outcomes.count("run"),
                "promoted": outcomes.count("promoted"),
                "kept": outcomes.count("kept"),
            },
            "timing": {part: round(sum(month.seconds[part] for month in self.months), 1) for part in _PARTS},
        }

    def _tell_month(self, month: Month) -> None:
        metric = self.cloud.settings["gate"]["metric"]
        target, prediction, _ = months.labelled(month)
        value = scores.METRICS[metric](target, prediction)
        worst = months.drift(month)
        drift = f"drift {worst['robust_linf']:.2f} in {worst['worst']}" if worst["worst"] else "no drift judged"
        on = f"alarms on: {', '.join(month.alarms)}" if month.alarms else "no alarm"
        self.console.print(
            f"[bold]{month.name:<9}[/bold] {len(target):>6,} labelled answers, {metric} {value:.2f}, {drift}, {on} "
            f"[dim]({', '.join(f'{part} {seconds:.0f} s' for part, seconds in month.seconds.items())})[/dim]"
        )
        for note in month.notes:
            self.console.print(
                f"          [{_COLOURS.get(note.kind, 'default')}]{note.kind.replace('_', ' ')}[/] ", end=""
            )
            self.console.print(note.text, markup=False)

    def _tell(self, story: dict[str, Any]) -> None:
        metric = story["metric"]
        table = Table(
            *("month", "frozen", "Tandem", "worst drift", "alarms on", "decided", "live"),
            title=f"{metric} with its 95 % interval: a frozen first model against Tandem",
            title_justify="left",
            box=None,
            pad_edge=False,
        )
        for month in story["months"]:
            table.add_row(
                month["month"],
                _interval(month["frozen"]),
                _interval(month["tandem"]),
                f"{month['drift']['robust_linf']:.2f} {month['drift']['worst']}" if month["drift"]["worst"] else "",
                "\n".join(month["alarms"]) or "none",
                _decided(month),
                month["live_at_end"],
            )
        summary = story["summary"]
        table.add_row(
            "mean", f"[bold]{summary['frozen_mean']:.2f}[/bold]", f"[bold]{summary['tandem_mean']:.2f}[/bold]"
        )
        self.console.print(table)
        for month in story["months"]:
            if month["note"]:
                self.console.print(f"{month['month']}: {month['note']}", markup=False)
        self.console.print(f"The story of the year, with its charts: [bold]{self.output / 'year.html'}[/bold]")

    def _write(self, name: str, content: Any) -> None:
        (self.output / name).write_text(json.dumps(content, indent=2, default=str) + "\n", "utf-8")


_DECISIONS = {"promoted": "promoted", "kept": "champion kept", "rejected": "data refused", "failed": "run failed"}
_COLOURS = {"promoted": "green", "deployed": "green", "kept": "yellow", "rejected": "red", "failed": "red"}


def _recall(
    chronicle: Chronicle, number: int, answers: Sequence[Answers], alarms: Sequence[str], seconds: dict[str, float]
) -> Month:
    """Ask what came of a month."""
    return Month(
        number=number,
        answers=answers,
        judgements=chronicle.judgements(number),
        alarms=alarms,
        notes=chronicle.news(at=_month_after(number) + _DROP_AT),
        live=chronicle.live,
        seconds=seconds,
    )


def _starts_the_monitor(fired: Fired) -> bool:
    """Whether there is something to wait for: a look at the run in flight finds none, as the month before is at rest."""
    return "Monitoring" in fired.schedule_arn


def _month_after(number: int) -> datetime:
    return datetime(YEAR + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _decided(month: dict[str, Any]) -> str:
    """Return the decisions of a month in a few words; the reasons stand in the story."""
    words = [
        f"{_DECISIONS[event['kind']]} {event['text'].partition(':')[0].rpartition(' ')[2]}"
        if event["kind"] == "promoted"
        else _DECISIONS[event["kind"]]
        for event in month["events"]
        if event["kind"] in _DECISIONS
    ]
    return "\n".join(words) or "no run"


def _interval(score: dict[str, Any]) -> str:
    if score["interval"] is None:
        return f"{score['value']:.2f}"
    lower, upper = score["interval"]
    return f"{score['value']:.2f} ± {(upper - lower) / 2:.2f}"
