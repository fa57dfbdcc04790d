"""The plots of the page: what is drawn and what is said about it, for eyes and for screen readers alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.steps.plugin import FloatArray
from pipelines.steps.report import scores
from pipelines.steps.report.chart import Axis, Plot, figure, legend, plain, round_percent
from pipelines.steps.report.markup import Markup
from pipelines.steps.report.scores import Curve, Scores

CHALLENGER, CHAMPION, NAIVE = "challenger", "champion", "naive"
_SHADES = 6
_DATE = 10
_ROW = 42.0
_NEAR = 1.5
"""How many times the span of both models' intervals the naive predictor may lie beside them and still be drawn."""

_CHALLENGER_LINE, _CHAMPION_LINE = f"line {CHALLENGER}", f"line {CHAMPION}"


@dataclass(frozen=True)
class Interval:
    """A metric of one model with its interval over the clusters; the bounds are None where there is none."""

    name: str
    series: str
    value: float
    low: float | None = None
    high: float | None = None

    def values(self) -> list[float]:
        """Return the value and the bounds that there are."""
        return [value for value in (self.low, self.value, self.high) if value is not None]

    def text(self) -> str:
        """Write value and interval."""
        if self.low is None or self.high is None:
            return plain(self.value)
        return f"{plain(self.value)} ({plain(self.low)} to {plain(self.high)})"


def metric_intervals(metric: str, rows: Sequence[Interval], *, better: str, basis: str) -> Markup:
    """Draw one metric of every model as a dot with its interval.

    The naive predictor only sets the scale when it is near or alone with the challenger: it can be so bad that the
    difference between two models would not be seen beside it.
    """
    models = [row for row in rows if row.series != NAIVE]
    near = Axis.around(
        "", [value for row in models for value in row.values()], margin=_NEAR if len(models) > 1 else 1e9
    )
    x = Axis.around(
        f"{metric}, {better} is better",
        [value for row in rows for value in row.values() if near.low <= value <= near.high],
        margin=0.12,
    )
    plot = interval_rows(x, rows)
    said = "; ".join(f"{row.name}: {row.text()}" for row in rows)
    drawing = plot.svg("metric", title=f"{metric} of the models", description=said)
    return figure(drawing, f"{metric} on the {basis}, with its interval over the clusters")


def interval_rows(x: Axis, rows: Sequence[Interval]) -> Plot:
    """Draw one value with its interval below the other, each under its name."""
    plot = Plot(x, Axis("", 0, len(rows), ticks=()), height=66 + _ROW * len(rows), left=12)
    for index, row in enumerate(rows):
        y = len(rows) - index - 0.7
        plot.words(x.low, y + 0.34, row.name)
        plot.words(x.high, y + 0.34, row.text(), anchor="end", kind="value")
        if not x.low <= row.value <= x.high:
            end, anchor, arrow = (x.high, "end", "→") if row.value > x.high else (x.low, "start", "←")
            plot.words(end, y - 0.08, f"{arrow} beyond this scale", anchor=anchor, kind="note")
            continue
        if row.low is not None and row.high is not None:
            plot.whisker(row.low, row.high, y=y, series=row.series)
        plot.dots([(row.value, y)], row.series, radius=5)
    return plot


@dataclass(frozen=True)
class Differences:
    """The paired difference per cluster, positive where the challenger is better.

    Attributes:
        metric: what is compared.
        unit: what a cluster is.
        clusters: their starts, in order.
        values: the difference of each; NaN where the metric does not exist for a cluster.
        margin: what the challenger has to gain, in the same unit; None where no margin applies.
    """

    metric: str
    unit: str
    clusters: tuple[str, ...]
    values: FloatArray
    margin: float | None


def differences(shown: Differences) -> Markup:
    """Draw one bar per cluster, and the margin."""
    values = shown.values
    finite = values[np.isfinite(values)]
    extra = [0.0] if shown.margin is None else [0.0, shown.margin]
    y = Axis.around(f"gain in {shown.metric}", [*finite.tolist(), *extra], margin=0.1)
    count = len(values)
    every = max(1, -(-count // 5))
    names = {index + 0.5: name[5:_DATE] or name for index, name in enumerate(shown.clusters) if index % every == 0}
    first, last = shown.clusters[0][:_DATE], shown.clusters[-1][:_DATE]
    x = Axis(f"{shown.unit}, {first} to {last} (UTC)", 0, count, text=names.__getitem__, ticks=tuple(names))
    plot = Plot(x, y)
    for series, keep in ((CHALLENGER, values > 0), (CHAMPION, values < 0)):
        bars = ((i + 0.12, i + 0.88, min(values[i], 0.0), max(values[i], 0.0)) for i in np.flatnonzero(keep).tolist())
        plot.boxes(bars, series)
    plot.across(0.0, kind="axis")
    if shown.margin is not None:
        plot.across(shown.margin)
    better = int((finite > 0).sum())
    sentence = f"The challenger is better in {better} of {len(finite)} clusters"
    drawing = plot.svg("paired", title=f"Gain in {shown.metric} per {shown.unit}", description=sentence)
    entries = [(f"{_CHALLENGER_LINE} fill", "challenger better"), (f"{_CHAMPION_LINE} fill", "champion better")]
    if shown.margin is not None:
        entries.append(("rule", "margin to clear"))
    return figure(drawing, f"{sentence}: gain in {shown.metric} per {shown.unit}, on the same rows", legend(*entries))


def predicted_against_actual(rows: Scores) -> Markup:
    """Draw how often each pair of actual and predicted value occurs."""
    found = scores.density(rows.target, rows.challenger)
    low, high = float(found.edges[0]), float(found.edges[-1])
    plot = Plot(Axis("actual", low, high), Axis("predicted by the challenger", low, high), height=320)
    peak = int(found.counts.max()) or 1
    shade = np.where(found.counts > 0, 1 + (np.log1p(found.counts) / np.log1p(peak) * (_SHADES - 1)).astype(int), 0)
    for level in range(1, _SHADES + 1):
        cells = np.argwhere(shade == level).tolist()
        plot.boxes(
            (
                (float(found.edges[i]), float(found.edges[i + 1]), float(found.edges[j]), float(found.edges[j + 1]))
                for i, j in cells
            ),
            f"shade{level}",
        )
    plot.line([(low, low), (high, high)], "ideal")
    drawing = plot.svg(
        "density",
        title="Predicted against actual",
        description=f"Counts of {len(rows.target):,} rows in {scores.CELLS} by {scores.CELLS} cells; "
        f"a perfect model lies on the diagonal. Busiest cell: {peak:,} rows.",
    )
    outside = f"; {found.outside:,} rows with extreme values lie outside" if found.outside else ""
    return figure(drawing, f"Predicted against actual, darker is more rows (logarithmic){outside}")


def residuals(rows: Scores) -> Markup:
    """Draw the distribution of prediction minus truth of both models."""
    models = _models(rows)
    errors = [prediction - rows.target for _, prediction in models]
    edges, shares = scores.residual_histogram(*errors)
    top = max(float(share.max()) for share in shares)
    plot = Plot(
        Axis("predicted minus actual", float(edges[0]), float(edges[-1])),
        Axis("share of rows", 0, top * 1.08, text=round_percent),
    )
    plot.down(0.0)
    for (series, _), share in zip(reversed(models), reversed(shares), strict=True):
        plot.steps(edges.tolist(), share.tolist(), series)
    said = "; ".join(
        f"{series}: mean {plain(float(error.mean()))}, half of the rows between "
        f"{plain(float(np.quantile(error, 0.25)))} and {plain(float(np.quantile(error, 0.75)))}"
        for (series, _), error in zip(models, errors, strict=True)
    )
    drawing = plot.svg("residuals", title="Distribution of the residuals", description=said)
    return figure(drawing, f"Residuals. {_sentence(said)}", _key(rows))


def residual_groups(rows: Scores) -> Markup:
    """Draw how the challenger's error depends on what it predicts."""
    found = scores.groups(rows.target, rows.challenger)
    x = Axis.around("predicted by the challenger", [group.predicted for group in found])
    y = Axis.around("predicted minus actual", [0.0, *(v for group in found for v in (group.low, group.high))])
    plot = Plot(x, y)
    plot.band([(group.predicted, group.low, group.high) for group in found], CHALLENGER)
    plot.across(0.0)
    middle = [(group.predicted, group.middle) for group in found]
    plot.line(middle, CHALLENGER)
    plot.dots(middle, CHALLENGER)
    drawing = plot.svg(
        "groups",
        title="Residuals by prediction",
        description="; ".join(f"at {plain(g.predicted)}: median {plain(g.middle)}" for g in found),
    )
    return figure(drawing, "Residuals by prediction: median, and the band that holds 80 % of the rows, in ten groups")


def calibration(rows: Scores) -> Markup:
    """Draw how often what was predicted with a probability happens."""
    plot = Plot(Axis("predicted probability", 0, 1), Axis("share that happened", 0, 1), height=320)
    plot.line([(0, 0), (1, 1)], "ideal")
    said = []
    for series, prediction in reversed(_models(rows)):
        found = scores.groups(rows.target, prediction)
        points = [(group.predicted, group.observed) for group in found]
        plot.line(points, series)
        plot.dots(points, series)
        gap = sum(abs(g.predicted - g.observed) * g.rows for g in found) / len(rows.target)
        said.append(f"{series} is off by {plain(gap)} on average")
    drawing = plot.svg("calibration", title="Calibration", description="; ".join(reversed(said)))
    return figure(drawing, f"Calibration in ten groups: {'; '.join(reversed(said))}", _key(rows))


def roc(rows: Scores) -> Markup:
    """Draw the ROC curves."""
    curves = [(series, scores.roc(rows.target, prediction)) for series, prediction in _models(rows)]
    plot = Plot(Axis("false positive rate", 0, 1), Axis("true positive rate", 0, 1), height=320)
    plot.line([(0, 0), (1, 1)], "ideal")
    drawing, caption = _curves(plot, curves, name="roc", title="ROC curve", area="area")
    return figure(drawing, caption, _key(rows))


def precision_recall(rows: Scores) -> Markup:
    """Draw precision against recall, with the share of positives as the floor."""
    curves = [(series, scores.precision_recall(rows.target, prediction)) for series, prediction in _models(rows)]
    plot = Plot(Axis("recall", 0, 1), Axis("precision", 0, 1), height=320)
    plot.across(float(rows.target.mean()))
    drawing, caption = _curves(plot, curves, name="pr", title="Precision and recall", area="average precision")
    return figure(drawing, caption, _key(rows, ("rule", "share of positives")))


def within(rows: Scores) -> Markup:
    """Draw which share of the rows is predicted within a given error."""
    models = _models(rows)
    errors = [np.abs(prediction - rows.target) for _, prediction in models]
    reach = max(float(np.quantile(error, 0.99)) for error in errors) or 1.0
    grid = np.linspace(0.0, reach, scores.CURVE_POINTS)
    plot = Plot(Axis("error at most", 0, reach), Axis("share of rows", 0, 1, text=round_percent))
    for (series, _), error in zip(reversed(models), reversed(errors), strict=True):
        shares = np.searchsorted(np.sort(error), grid, side="right") / len(error)
        plot.line(list(zip(grid.tolist(), shares.tolist(), strict=True)), series)
    said = "; ".join(
        f"{series}: half within {plain(float(np.quantile(error, 0.5)))}, "
        f"90 % within {plain(float(np.quantile(error, 0.9)))}"
        for (series, _), error in zip(models, errors, strict=True)
    )
    return figure(
        plot.svg("within", title="Rows within an error", description=said),
        f"Rows within an error. {_sentence(said)}",
        _key(rows),
    )


def probabilities(rows: Scores) -> Markup:
    """Draw how the challenger's probabilities are distributed in both classes."""
    edges = np.linspace(0.0, 1.0, 41)
    positive = rows.target == 1
    shares = [
        np.histogram(rows.challenger[chosen], edges)[0] / max(int(chosen.sum()), 1) for chosen in (positive, ~positive)
    ]
    plot = Plot(
        Axis("probability predicted by the challenger", 0, 1),
        Axis("share of the class", 0, max(float(share.max()) for share in shares) * 1.08, text=round_percent),
    )
    plot.steps(edges.tolist(), shares[1].tolist(), NAIVE)
    plot.steps(edges.tolist(), shares[0].tolist(), CHALLENGER)
    said = f"{int(positive.sum()):,} rows of the positive class and {int((~positive).sum()):,} of the negative one"
    drawing = plot.svg("probabilities", title="Predicted probabilities by class", description=said)
    key = legend((_CHALLENGER_LINE, "positive class"), (f"line {NAIVE}", "negative class"))
    return figure(drawing, f"Predicted probabilities by class: {said}", key)


def _curves(plot: Plot, curves: Sequence[tuple[str, Curve]], *, name: str, title: str, area: str) -> tuple[Markup, str]:
    for series, curve in reversed(curves):
        plot.line(list(zip(curve.x.tolist(), curve.y.tolist(), strict=True)), series)
    said = "; ".join(f"{series}: {area} {plain(curve.area)}" for series, curve in curves)
    return plot.svg(name, title=title, description=said), f"{title}. {_sentence(said)}"


def _models(rows: Scores) -> list[tuple[str, FloatArray]]:
    both = [(CHALLENGER, rows.challenger)]
    return both if rows.champion is None else [*both, (CHAMPION, rows.champion)]


def _key(rows: Scores, *more: tuple[str, str]) -> Markup | None:
    models = [] if rows.champion is None else [(_CHALLENGER_LINE, "challenger"), (_CHAMPION_LINE, "champion")]
    return legend(*models, *more) if models or more else None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
