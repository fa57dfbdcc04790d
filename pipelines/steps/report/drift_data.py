"""What arrived: rows that break rules, captured files that could not be read, and where the baseline is from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.steps.report.chart import percent
from pipelines.steps.report.drift_time import traffic
from pipelines.steps.report.frame import section
from pipelines.steps.report.judgement import Judgement
from pipelines.steps.report.markup import Child, Markup, element, harmless
from pipelines.steps.report.sections import origin
from pipelines.steps.report.tables import Column, table, words
from pipelines.steps.report.timeline import Timeline

MOST_VIOLATIONS = 30
MOST_PROBLEMS = 20


def violations(judgement: Judgement) -> Markup:
    """Show which columns break which rule of the baseline."""
    found: Sequence[Mapping[str, Any]] = judgement.part("violations").get("found") or ()
    if not found:
        return section("Data quality", element("p", "✓ Every row keeps to the rules that the baseline's rows kept to."))
    ordered = sorted(found, key=lambda entry: (-entry["rows"], entry["column"], entry["rule"]))
    columns = [
        Column("column"),
        Column("rule"),
        Column("rows", number=True),
        Column("share", number=True),
        Column("what"),
    ]
    cells: list[list[Child]] = [
        [
            harmless(entry["column"]),
            words(entry["rule"]),
            f"{entry['rows']:,}",
            percent(entry["rows"] / judgement.rows) if judgement.rows else "",
            words(entry.get("detail") or ""),
        ]
        for entry in ordered[:MOST_VIOLATIONS]
    ]
    return section(
        "Data quality",
        table(
            f"Rows that break a rule of the baseline{_of(len(found), MOST_VIOLATIONS)}, most rows first", columns, cells
        ),
    )


def arrivals(judgement: Judgement, timeline: Timeline) -> Markup:
    """Show the traffic, and what of the captured requests and of the labels could not be read."""
    found, capture = judgement.part("traffic"), judgement.part("capture")
    unread = judgement.part("labels").get("problems") or ()
    live, silent = found.get("rows_of_live_version"), found.get("silent_windows")
    requests, files = found.get("records", 0), capture.get("files", 0)
    parts = [f"The newest window had {judgement.rows:,} rows in {requests:,} requests, from {files:,} files."]
    if live is not None and live != judgement.rows:
        parts.append(f"Version {harmless(judgement.version)} answered {live:,} of them.")
    if silent:
        parts.append(f"{silent:,} of the {judgement.window['span']:,} windows judged together had none.")
    return section(
        "Traffic and capture",
        element("p", " ".join(parts)),
        traffic(timeline),
        _problems(capture["problems"], title="What could not be read", of="captured files")
        if capture.get("problems")
        else element("p", "✓ Every captured record could be read."),
        _problems(unread, title="Labels that could not be read", of="files with labels") if unread else None,
    )


def provenance(judgement: Judgement) -> Markup:
    """Show what was judged against what."""
    model, baseline, window = judgement.part("model"), judgement.part("baseline"), judgement.window
    entries: list[tuple[str, object]] = [
        ("judged window", f"{window['start']} to {window['end']} (one {window['length']})"),
        ("judged together with it", f"{window['span']} windows, from {window['from']}"),
        ("endpoint", judgement.endpoint),
        ("live version", judgement.version),
        ("model package", model.get("package_arn")),
        ("registered", model.get("created")),
        ("run that made it", model.get("run_id")),
        ("snapshot it was trained on", baseline.get("snapshot_id")),
        ("rows of the baseline", _count(baseline.get("rows"))),
        ("held-out rows, for predictions and quality", _count(baseline.get("holdout_rows"))),
    ]
    return origin(
        "Provenance",
        "The baseline lies beside the run's report: runs/<run>/evaluate/baseline.json.",
        [(name, value) for name, value in entries if value is not None],
    )


def _problems(found: Sequence[Mapping[str, Any]], *, title: str, of: str) -> Markup:
    kinds: Counter[str] = Counter()
    for entry in found:
        kinds[str(entry["kind"])] += entry["count"]
    named = ", ".join(f"{count:,} {harmless(kind, limit=40)}" for kind, count in kinds.most_common(MOST_PROBLEMS))
    ordered = sorted(found, key=lambda entry: (-entry["count"], entry["kind"], entry.get("key") or ""))
    columns = [Column("kind"), Column("count", number=True), Column("file"), Column("what")]
    cells: list[list[Child]] = [
        [
            harmless(entry["kind"]),
            f"{entry['count']:,}",
            element("span", harmless(entry.get("key") or "", limit=None), class_="code"),
            words(entry.get("detail") or ""),
        ]
        for entry in ordered[:MOST_PROBLEMS]
    ]
    return element(
        "div",
        element("h3", title),
        element("p", f"{named}. Everything else was judged all the same."),
        table(f"Problems of the {of}{_of(len(found), MOST_PROBLEMS)}", columns, cells),
    )


def _of(count: int, most: int) -> str:
    return f", {most} of {count:,}" if count > most else ""


def _count(value: object) -> str | None:
    return f"{value:,}" if isinstance(value, int) else None
