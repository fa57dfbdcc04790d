"""The story of a year: a frozen model against Tandem, month by month, as one page.

``python -m pipelines.steps.report.year STORY.json OUT.html`` writes it; the same story gives the same bytes.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.steps.failure import StepError
from pipelines.steps.report import frame, story, year_figures, year_months
from pipelines.steps.report.chart import percent, plain
from pipelines.steps.report.judgement import number
from pipelines.steps.report.markup import Markup, element, harmless
from pipelines.steps.report.sections import NOTHING, origin
from pipelines.steps.report.story import Score, Story

_USAGE = 2
_WHO_IS_WHO = (
    "Frozen: the first model, never touched again. Tandem: watched live data and labels, trained again when an alarm "
    "or new data asked for it, and let the gate decide on the same fresh rows."
)


def build(document: Mapping[str, Any]) -> str:
    """Return the story as HTML.

    Raises:
        StepError: when a part of the document is missing that it cannot be told without.
    """
    found = story.read(document)
    if not found.months:
        raise StepError("the story of the year has no months")
    first, last = found.months[0].title, found.months[-1].title
    name, target = harmless(found.project), harmless(found.target)
    return frame.document(
        f"{name}, {first} to {last}",
        element(
            "header",
            element("p", f"The story of a year · project {name} · {first} to {last}"),
            element("h1", f"{name}: {target}, predicted by a frozen model and by Tandem"),
        ),
        _verdict(found),
        frame.tiles(_tiles(found)),
        frame.section(
            "The year at a glance", year_figures.quality(found), year_figures.drift(found), year_figures.actions(found)
        ),
        year_months.table_of_months(found),
        year_months.what_happened(found),
        _timing(found),
    )


def main(arguments: Sequence[str]) -> int:
    """Read a story and write its page; returns the exit code."""
    if len(arguments) != _USAGE:
        print("usage: python -m pipelines.steps.report.year STORY.json OUT.html", file=sys.stderr)  # noqa: T201
        return _USAGE
    source, page = map(Path, arguments)
    try:
        page.write_text(build(json.loads(source.read_text("utf-8"))), "utf-8")
    except (OSError, ValueError, StepError) as error:
        print(f"no page of the year: {error}", file=sys.stderr)  # noqa: T201  # the command's answer
        return 1
    return 0


def _verdict(found: Story) -> Markup:
    frozen, tandem = _means(found)
    gain = None if frozen is None or tandem is None else found.gain(frozen, tandem)
    losses = [month for month in found.months if found.frozen_wins(month)]
    lines = [_WHO_IS_WHO]
    best = _best(found)
    if best is not None:
        lines.append(best)
    if losses:
        names = ", ".join(month.title for month in losses)
        lines.append(f"The frozen model was better in {names}: why is told below.")
    if frozen is None or tandem is None or gain is None:
        return element("section", element("h2", "? The year cannot be compared"), *_lines(lines), class_="verdict")
    mark, word = ("✓", "better") if gain > 0 else ("✕", "worse")
    span = _span(found)
    return element(
        "section",
        element(
            "h2",
            f"{mark} Tandem {percent(abs(gain))} {word}: {harmless(found.metric)} {plain(tandem)} against "
            f"{plain(frozen)}{span}",
        ),
        *_lines(lines),
        class_="verdict promoted" if gain > 0 else "verdict",
    )


def _lines(lines: Sequence[str]) -> list[Markup]:
    return [element("p", line) for line in lines]


def _span(found: Story) -> str:
    first, last = found.summary.get("from"), found.summary.get("to")
    return f", {harmless(first)} to {harmless(last)}" if first and last else ""


def _best(found: Story) -> str | None:
    gains = [
        (found.gain(month.frozen.value, month.tandem.value) or 0.0, month)
        for month in found.months
        if month.frozen is not None and month.tandem is not None
    ]
    if not gains:
        return None
    gain, month = max(gains, key=lambda one: one[0])
    if gain <= 0:
        return None
    unit = f" {harmless(found.unit)}" if found.unit else ""
    return (
        f"The difference was largest in {month.title}: {_value(month.tandem)}{unit} with Tandem, "
        f"{_value(month.frozen)}{unit} frozen."
    )


def _value(score: Score | None) -> str:
    return NOTHING if score is None else plain(score.value)


def _tiles(found: Story) -> list[tuple[str, str, str]]:
    frozen, tandem = _means(found)
    metric, summary = harmless(found.metric), found.summary
    shown = [
        (f"{metric}, Tandem", NOTHING if tandem is None else plain(tandem), "mean of the months"),
        (f"{metric}, frozen", NOTHING if frozen is None else plain(frozen), "mean of the months"),
        ("training runs", f"{summary.get('runs', 0):,}", "by alarm or new data"),
        ("promoted", f"{summary.get('promoted', 0):,}", "new versions"),
        ("champion kept", f"{summary.get('kept', 0):,}", "by the gate"),
    ]
    alarms = sum(len(month.alarms) for month in found.months)
    return [*shown, ("alarms", f"{alarms:,}", f"in {sum(bool(m.alarms) for m in found.months)} months")]


def _means(found: Story) -> tuple[float | None, float | None]:
    return number(found.summary.get("frozen_mean")), number(found.summary.get("tandem_mean"))


def _timing(found: Story) -> Markup | None:
    if not found.timing:
        return None
    entries: list[tuple[str, object]] = [
        (harmless(name), f"{value:,.1f} s" if isinstance(value, int | float) else value)
        for name, value in found.timing.items()
    ]
    return origin("How long it took", "On the machine that told this story.", entries)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
