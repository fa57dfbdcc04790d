"""How good the model is: on labels that arrived, against its baseline, and as an estimate for the rows without one."""

from collections.abc import Mapping

from pipelines.steps.report import moments
from pipelines.steps.report.chart import Axis, Plot, broad, figure, legend, percent, plain, round_percent
from pipelines.steps.report.drift_verdict import NOTHING
from pipelines.steps.report.figures import Interval, interval_rows
from pipelines.steps.report.frame import section
from pipelines.steps.report.judgement import Judgement, Quality
from pipelines.steps.report.markup import Child, Markup, element, harmless
from pipelines.steps.report.tables import Column, table
from pipelines.steps.report.timeline import Timeline

_LEFT = {False: 48.0, True: 56.0}
_HEIGHT = 270.0
_ODD = {"unmatched": "belong to no captured answer", "conflicting": "replaced other ones"}


def quality(judgement: Judgement, timeline: Timeline) -> Markup:
    """Show the metric now, over time and beside all other metrics."""
    found = judgement.quality
    if found is None:
        return section(
            "Quality", element("p", "Nothing is known about it: no labels and no baseline."), _estimate(judgement)
        )
    without = None
    if found.value is None:
        without = element("p", f"Not known for this window: {harmless(found.reason or 'no labels yet', limit=None)}.")
    shown = [one for one in timeline.windows if one.quality is not None and one.quality.value is not None]
    return section(
        "Quality",
        without,
        _over_time(timeline, found) if len(timeline) > 1 and shown else None,
        element("div", _now(judgement, found), _metrics(found), class_="plots"),
        _estimate(judgement),
    )


def _over_time(timeline: Timeline, found: Quality) -> Markup:
    known = [(one.quality, one.estimate) for one in timeline.windows]
    values = [
        value
        for quality, estimate in known
        for value in (
            estimate,
            *(() if quality is None else (quality.value, quality.boundary, *(quality.interval or ()))),
            *(() if quality is None else quality.baseline_interval or ()),
        )
        if value is not None
    ]
    y = Axis.around(f"{harmless(found.metric)}, {_better(found)}", values)

    def draw(width: float) -> Plot:
        plot = timeline.plot(y, width=width, height=_HEIGHT, left=_LEFT)
        for first, end in timeline.stretches():
            _baseline(plot, first, end, timeline.windows[end - 1].quality)
        for piece in timeline.lines(lambda one: None if one.quality is None else one.quality.value):
            plot.line(piece, "now")
        for index, one in enumerate(timeline.windows):
            if one.quality is not None and one.quality.interval is not None and one.quality.value is not None:
                plot.upright(*one.quality.interval, x=index + 0.5, series="now")
            if one.quality is not None and one.quality.value is not None:
                plot.dots([(index + 0.5, one.quality.value)], "now")
        for piece in timeline.lines(lambda one: one.estimate):
            plot.line(piece, "estimate")
        timeline.mark_streak(plot, "quality", "beyond the limit")
        return plot

    drawing = broad(
        draw,
        name="quality",
        title=f"{harmless(found.metric)} over the windows",
        description="; ".join(
            f"{moments.brief(one.start)}: {plain(one.quality.value)}"
            for one in timeline.windows
            if one.quality is not None and one.quality.value is not None
        ),
    )
    entries = [("line now", "on labels, with interval"), ("line fill base", "at training"), ("limit", "limit")]
    if any(estimate is not None for _, estimate in known):
        entries.append(("line estimate", "estimate before labels"))
    caption = f"{harmless(found.metric)} per judged window, {timeline.span}; a line down: another version went live"
    return figure(drawing, caption, legend(*entries), kind="full")


def _baseline(plot: Plot, first: int, end: int, found: Quality | None) -> None:
    if found is None or found.baseline is None:
        return
    if found.baseline_interval is not None:
        plot.boxes([(first, end, *found.baseline_interval)], "base")
    plot.line([(first, found.baseline), (end, found.baseline)], "then")
    if found.boundary is not None:
        plot.line([(first, found.boundary), (end, found.boundary)], "limit")


def _now(judgement: Judgement, found: Quality) -> Markup:
    rows = []
    if found.baseline is not None:
        rows.append(Interval("at training", "then", found.baseline, *(found.baseline_interval or (None, None))))
    if found.value is not None:
        rows.append(Interval("now, on labels", "now", found.value, *(found.interval or (None, None))))
    if judgement.estimate is not None:
        rows.append(Interval("estimate before labels", "estimate", judgement.estimate))
    if not rows:
        return element("p", "No value to draw.")
    values = [value for row in rows for value in row.values()]
    edge = [] if found.boundary is None else [found.boundary]
    x = Axis.around(f"{harmless(found.metric)}, {_better(found)}", [*values, *edge], margin=0.12)
    plot = interval_rows(x, rows)
    if found.boundary is not None:
        for index in range(len(rows)):
            middle = len(rows) - index - 0.7
            plot.line([(found.boundary, middle - 0.18), (found.boundary, middle + 0.18)], "limit")
    drawing = plot.svg(
        "now",
        title=f"{harmless(found.metric)} then and now",
        description="; ".join(f"{r.name}: {r.text()}" for r in rows),
    )
    return figure(drawing, _rests_on(judgement, found), legend(("limit", "limit")) if edge else None)


def _rests_on(judgement: Judgement, found: Quality) -> str:
    labels = judgement.part("labels")
    text = (
        f"{harmless(found.metric)} with its {round_percent(found.level)} interval: {found.rows:,} labelled predictions"
    )
    text += f" of {found.clusters:,} days"
    if labels.get("share") is not None:
        text += f", {percent(labels['share'])} of those that a label is waited for"
    odd = [f"{labels[name]:,} {words}" for name, words in _ODD.items() if labels.get(name)]
    return f"{text}; of the labels that came in the newest window, {' and '.join(odd)}" if odd else text


def _metrics(found: Quality) -> Markup | None:
    names = sorted({*found.metrics, *found.baseline_metrics})
    if not names:
        return None
    columns = [Column("metric"), Column("at training", number=True), Column("now", number=True)]
    rows: list[list[Child]] = [
        [harmless(name), _value(found.baseline_metrics, name), _value(found.metrics, name)] for name in names
    ]
    return element("div", table("All metrics on labelled predictions", columns, rows))


def _estimate(judgement: Judgement) -> Markup | None:
    found = judgement.part("estimate")
    if judgement.estimate is None:
        return None
    return element(
        "div",
        element("h3", "An estimate, not a measurement"),
        element(
            "p",
            f"Before labels arrive, {harmless(found.get('metric', 'the metric'))} is estimated at "
            f"{plain(judgement.estimate)}. Method: {harmless(found.get('method', 'not named'), limit=None)}. It holds "
            f"only as long as this does: {harmless(found.get('assumption', 'not named'), limit=None)}. No alarm rests "
            "on it.",
        ),
        class_="aside",
    )


def _value(metrics: Mapping[str, float | None], name: str) -> str:
    value = metrics.get(name)
    return NOTHING if value is None else plain(value)


def _better(found: Quality) -> str:
    return f"{'smaller' if found.smaller_is_better else 'larger'} is better"
