"""The sections of the page, from the verdict down to where everything came from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.steps.metrics import of_task
from pipelines.steps.report import figures
from pipelines.steps.report.chart import percent, plain, round_percent
from pipelines.steps.report.evaluation import Check, Evaluation
from pipelines.steps.report.figures import Differences, Interval
from pipelines.steps.report.frame import section, tiles
from pipelines.steps.report.markup import Child, Markup, element, harmless
from pipelines.steps.report.scores import Scores
from pipelines.steps.report.tables import Column, table

NOTHING = "n/a"

_RULES = {
    "floor": "there is no champion yet, so the challenger was measured against the naive predictor",
    "comparison": "challenger and champion were compared on the same rows",
    "guard": "a guard metric worsened by more than is allowed",
    "slice": "a slice of the rows worsened by more than is allowed",
    "no_common_window": "too few rows are newer than everything that both models were trained on",
    "champion_unreadable": "the champion could not be scored, and without that nothing is promoted",
}


def verdict(evaluation: Evaluation) -> Markup:
    """Say the decision in one sentence, and its reason."""
    return element(
        "section",
        element("h2", _decision(evaluation)),
        element("p", harmless(evaluation.reason, limit=None)),
        element("p", f"Rule {harmless(evaluation.rule)}: {_RULES.get(evaluation.rule, 'see docs/gate.md')}."),
        class_="verdict promoted" if evaluation.promote else "verdict",
    )


def _decision(evaluation: Evaluation) -> str:
    if evaluation.promote:
        return "✓ Promoted: registered as a new version"
    stays = "nothing is registered" if evaluation.champion is None else "the champion stays"
    return f"✕ {'Kept out' if evaluation.is_judged else 'Not judged'}: {stays}"


def facts(evaluation: Evaluation) -> Markup:
    """Show the few numbers that the decision rests on."""
    shown: list[tuple[str, str, str]] = []
    metric, found = evaluation.metric, evaluation.comparison
    shown.append((f"{metric} of the challenger", plain(evaluation.metrics[metric]), _against(evaluation)))
    if found is not None:
        low = "unknown" if found.lower is None else percent(found.lower)
        shown.append(
            ("improvement", percent(found.improvement), f"at least {low} ({round_percent(1 - found.alpha)} confidence)")
        )
        shown.append(("margin to clear", percent(found.margin), "of the champion's value"))
    elif evaluation.improvement is not None:
        shown.append(("improvement", signed(evaluation.improvement), "on the naive predictor"))
    window = evaluation.window
    rows = f"{evaluation.rows['judged']:,}"
    shown.append(("judged rows", rows, f"in {window['clusters']} {harmless(window['unit'])}s"))
    return tiles(shown)


def performance(evaluation: Evaluation, rows: Scores | None) -> Markup:
    """Show every metric of every model, and where the difference comes from."""
    columns = [Column("metric"), Column("challenger", number=True)]
    champion = evaluation.champion.metrics if evaluation.champion else {}
    if champion:
        columns.append(Column("champion", number=True))
    columns.append(Column("naive predictor", number=True))
    cells: list[list[Child]] = []
    for name, metric in sorted(of_task(evaluation.task).items()):
        models = [evaluation.metrics, *([champion] if champion else []), evaluation.naive]
        small = "smaller" if metric.direction == "minimize" else "larger"
        cells.append([f"{name} ({small} is better)", *(_metric(model, name) for model in models)])
    caption = f"Metrics on the {evaluation.basis}. Naive: {evaluation.naive_text}."
    return section(
        "Performance",
        None if rows is None else element("div", *_performance_plots(evaluation, rows), class_="plots"),
        element("h3", "All metrics"),
        table(caption, columns, cells),
    )


def behaviour(evaluation: Evaluation, rows: Scores) -> Markup:
    """Show how the predictions relate to what was true."""
    if evaluation.task == "binary_classification":
        plots = [
            figures.calibration(rows),
            figures.roc(rows),
            figures.precision_recall(rows),
            figures.probabilities(rows),
        ]
        title = "Calibration and ranking"
    else:
        plots = [
            figures.predicted_against_actual(rows),
            figures.residuals(rows),
            figures.within(rows),
            figures.residual_groups(rows),
        ]
        title = "Predictions and residuals"
    return section(title, element("div", *plots, class_="plots"))


def checks(evaluation: Evaluation) -> Markup | None:
    """Show guards and slices; None when nothing was compared."""
    if evaluation.comparison is None:
        return None
    found = evaluation.comparison.checks
    if not found:
        return section(
            "Guards and slices",
            element("p", "The project's settings ([gate] in project.toml) name no guards and no slices."),
        )
    columns = [
        Column("guard or slice"),
        Column("metric"),
        Column("rows", number=True),
        Column("champion", number=True),
        Column("challenger", number=True),
        Column("change", number=True),
        Column("allowed", number=True),
        Column("verdict"),
    ]
    return section(
        "Guards and slices",
        table("None may worsen by more than is allowed.", columns, [_check(check) for check in found]),
    )


def origin(title: str, caption: str, entries: Sequence[tuple[str, object]]) -> Markup:
    """Show names and values that came from elsewhere."""
    columns = [Column("what"), Column("value")]
    cells = [[name, element("span", harmless(value, limit=None), class_="code")] for name, value in entries]
    return section(title, table(caption, columns, cells))


def data(evaluation: Evaluation, validation: Mapping[str, Any], preparation: Mapping[str, Any]) -> Markup:
    """Show what the rows were made from."""
    entries: list[tuple[str, object]] = []
    if validation:
        accepted = "accepted" if validation.get("accepted") else "refused"
        entries.append(("validation", f"{accepted}: {validation.get('summary', '')}"))
    if preparation:
        entries += [
            ("objects", f"{preparation['objects']:,}"),
            ("rows read", f"{preparation['rows']:,}"),
            ("rows without a label, left out", f"{preparation['unlabelled']:,}"),
            ("oldest row", preparation["oldest"]),
            ("last moment trained on", preparation["cut"]),
            ("newest row", preparation["newest"]),
        ]
    entries += [
        ("rows trained on", f"{evaluation.rows['train']:,}"),
        ("rows held out", f"{evaluation.rows['holdout']:,}"),
        ("rows judged", f"{evaluation.rows['judged']:,}"),
        ("judged window", evaluation.span),
    ]
    return origin("Data", "The hold-out is newer than every row trained on.", entries)


def _performance_plots(evaluation: Evaluation, rows: Scores) -> list[Markup]:
    metric = of_task(evaluation.task)[evaluation.metric]
    better = "smaller" if metric.direction == "minimize" else "larger"
    plots = [
        figures.metric_intervals(evaluation.metric, _intervals(evaluation, rows), better=better, basis=evaluation.basis)
    ]
    if rows.champion is not None:
        gain = rows.per_cluster(metric, rows.champion) - rows.per_cluster(metric, rows.challenger)
        found = evaluation.comparison
        reference = evaluation.champion.metrics.get(evaluation.metric) if evaluation.champion else None
        shown = Differences(
            metric=evaluation.metric,
            unit=str(evaluation.window["unit"]),
            clusters=rows.starts(),
            values=gain if metric.direction == "minimize" else -gain,
            margin=None if found is None or reference is None else found.margin * abs(reference),
        )
        if np.isfinite(shown.values).any():
            plots.append(figures.differences(shown))
    return plots


def _intervals(evaluation: Evaluation, rows: Scores) -> list[Interval]:
    models = [("challenger", figures.CHALLENGER, rows.challenger)]
    if rows.champion is not None:
        models.append(("champion", figures.CHAMPION, rows.champion))
    models.append(("naive", figures.NAIVE, np.full(len(rows.target), evaluation.naive_value)))
    shown = []
    for name, series, prediction in models:
        found = rows.bounds(evaluation.metric, prediction, alpha=(1 - evaluation.level) / 2)
        shown.append(Interval(name, series, found.estimate, found.lower, found.upper))
    return shown


def _against(evaluation: Evaluation) -> str:
    metric = evaluation.metric
    if evaluation.champion and metric in evaluation.champion.metrics:
        return f"champion {plain(evaluation.champion.metrics[metric])}"
    return f"naive {plain(evaluation.naive[metric])}" if metric in evaluation.naive else ""


def _metric(model: Mapping[str, float], name: str) -> str:
    return plain(model[name]) if name in model else NOTHING


def _check(check: Check) -> list[Child]:
    rows = "all" if check.rows is None else f"{check.rows:,}"
    if check.change is None or check.champion is None or check.challenger is None:
        outcome: Child = element("span", "not looked at", class_="quiet")
        return [harmless(check.name), check.metric, rows, NOTHING, NOTHING, NOTHING, percent(-check.limit), outcome]
    holds = element("span", "✓ holds", class_="holds") if check.holds else element("span", "✕ broken", class_="fails")
    values = [plain(check.champion), plain(check.challenger), signed(check.change), percent(-check.limit)]
    return [harmless(check.name), check.metric, rows, *values, holds]


def signed(share: float) -> str:
    """Write a share with its sign; better is positive."""
    return f"{'+' if share > 0 else ''}{percent(share)}"
