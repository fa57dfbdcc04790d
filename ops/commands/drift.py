"""`python -m ops drift`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.commands.common import (
    JsonOption,
    progress,
)
from ops.commands.text import escape
from ops.drift import Drift, Verdict, quality_words, read_drift, save_report
from ops.errors import ExitCode
from ops.judgement import Feature, Judgement
from ops.stage import Stage

_COLOURS = {
    Verdict.IN_ORDER: "green",
    Verdict.BREACHED: "red",
    Verdict.TOO_LITTLE: "yellow",
    Verdict.NEVER_JUDGED: "yellow",
}
_EXIT_CODES = {
    Verdict.IN_ORDER: ExitCode.OK,
    Verdict.TOO_LITTLE: ExitCode.OK,
    Verdict.BREACHED: ExitCode.BREACHED,
    Verdict.NEVER_JUDGED: ExitCode.NEVER_JUDGED,
}
_MOST_FEATURES = 20

ReportOption = Annotated[
    Path | None, typer.Option("--report", dir_okay=False, help="Download the report for people to this file.")
]


def drift(
    stage: Stage,
    *,
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """What drifted, how much, since when, and is the model still as good as at training?

    Exit codes: 0 in order, or too little to judge, 1 could not ask, 2 wrong usage,
    6 a limit is broken or an alarm that asks for training is on, 7 the monitor has judged nothing yet.
    """
    answer = read_drift(stage, now=datetime.now(UTC))
    if report is not None:
        save_report(stage, answer, report)
        progress(f"the report is in {report}")
    if as_json:
        typer.echo(json.dumps(answer.as_json(), indent=2))
    else:
        _print(answer)
    raise typer.Exit(_EXIT_CODES[answer.verdict])


def _print(answer: Drift) -> None:
    console = Console(soft_wrap=True)
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(
        f"[bold]{escape(answer.project)} {escape(answer.environment)}",
        f"[{_COLOURS[answer.verdict]}]{escape(answer.explanation)}",
    )
    for name, value in _rows(answer):
        table.add_row(escape(name), escape(value))
    console.print(table, highlight=False)
    if answer.judgement is not None and answer.judgement.features:
        console.print()
        console.print(_features(answer.judgement), highlight=False)


def _rows(answer: Drift) -> list[tuple[str, str]]:
    judged = _judged(answer, answer.judgement) if answer.judgement else []
    alarms = [(f"alarm {each.kind}", f"on since {each.at:%Y-%m-%d %H:%M} UTC: {each.reason}") for each in answer.alarms]
    return [*judged, *(alarms or [("alarms", "none that asks for training is on")])]


def _judged(answer: Drift, judgement: Judgement) -> list[tuple[str, str]]:
    window, estimate = judgement.window, judgement.estimate
    rows = [
        ("window", f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC, {_span(judgement)}"),
        ("version", f"{judgement.model.version}, {judgement.model.age_days:.1f} days old{_other(answer, judgement)}"),
        ("traffic", f"{judgement.traffic.rows:,} rows in {judgement.traffic.records:,} requests"),
        ("labels", f"{judgement.labels.rows:,}, {judgement.labels.share:.0%} of those awaited"),
        ("quality", quality_words(judgement.quality)),
    ]
    if estimate:
        how = f"an estimate without labels ({estimate.method}; assumes that {estimate.assumption})"
        rows.append(("estimate", f"{estimate.metric} {estimate.value:.4g}, {how}"))
    moved = (("predictions", judgement.prediction), ("true values", judgement.target))
    rows += [(name, _distance(each)) for name, each in moved if each]
    rows.append(("schema", f"{judgement.violations.share:.2%} of the rows break it"))
    unread = (("unreadable", judgement.capture.problems), ("unread labels", judgement.labels.problems))
    rows += [(name, ", ".join(f"{one.count} {one.kind}" for one in found)) for name, found in unread if found]
    return [*rows, ("report", answer.report_uri)]


def _span(judgement: Judgement) -> str:
    others = judgement.window.span - 1
    return f"judged with the {others} {judgement.window.length}s before it" if others else "judged alone"


def _other(answer: Drift, judgement: Judgement) -> str:
    if answer.live_version is None or str(answer.live_version) == judgement.model.version:
        return ""
    return f"; version {answer.live_version} is live by now and has not been judged"


def _distance(feature: Feature) -> str:
    if not feature.judged or feature.robust_linf is None:
        return f"not judged: {feature.why_not or 'nothing to compare'}"
    limit = f" (limit {feature.limit:g})" if feature.limit is not None else ""
    return f"moved by {feature.robust_linf:.3f}{limit}"


def _features(judgement: Judgement) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("feature", no_wrap=True)
    for title in ("robust L-inf", "limit", "PSI", "JS"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    ordered = judgement.by_distance
    for feature in ordered[:_MOST_FEATURES]:
        colour = "red" if feature.drifted else "default"
        figures = [_figure(value) for value in (feature.robust_linf, feature.limit, feature.psi, feature.js)]
        said = "drifted" if feature.drifted else "" if feature.judged else f"not judged: {feature.why_not or ''}"
        table.add_row(f"[{colour}]{escape(feature.name)}", *figures, escape(said))
    if len(ordered) > _MOST_FEATURES:
        table.add_row(f"[dim]and {len(ordered) - _MOST_FEATURES} more; --json shows all")
    return table


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
