"""When it began: the distances and the traffic of the judged windows one after the other."""

from collections.abc import Sequence

from pipelines.steps.report import moments
from pipelines.steps.report.chart import WIDE, Axis, Plot, broad, figure, legend, plain
from pipelines.steps.report.frame import section
from pipelines.steps.report.judgement import DRIFT, Feature, Judgement
from pipelines.steps.report.markup import Markup, element, harmless
from pipelines.steps.report.timeline import Timeline

MOST_ROWS = 20
_LEFT = {False: 104.0, True: 140.0}
_NAME = {False: 13, True: 18}
_ROW = 18.0
_AROUND = 84.0
_HEIGHT = 220.0
_SHADES = ((4.0, "warm3"), (2.0, "warm2"), (1.0, "warm1"), (0.5, "shade2"), (0.0, "shade1"))
"""From how many limits on a cell has which colour."""


def over_time(timeline: Timeline) -> Markup:
    """Show how far the inputs have been from the baseline, window by window, and which ones."""
    if len(timeline) == 1:
        return section(
            "Drift over time",
            element("p", "This is the first judged window: a course over time begins with the next one."),
        )
    return section("Drift over time", _worst(timeline), _strip(timeline))


def traffic(timeline: Timeline) -> Markup | None:
    """Draw how many rows each window had."""
    if len(timeline) == 1:
        return None
    rows = [float(one.rows) for one in timeline.windows]
    y = Axis("rows", 0, max(*rows, 1.0) * 1.08)

    def draw(width: float) -> Plot:
        plot = timeline.plot(y, width=width, height=_HEIGHT, left={False: 48.0, True: 56.0})
        plot.boxes(((i + 0.12, i + 0.88, 0.0, count) for i, count in enumerate(rows) if count), "then")
        return plot

    silent = sum(not count for count in rows)
    said = f"Rows of each window: {_range(rows)}{f'; {silent} windows without any' if silent else ''}"
    return figure(broad(draw, name="rows", title="Rows over the windows", description=said), said, kind="full")


def _range(counts: Sequence[float]) -> str:
    low, high = (f"{value:,.0f}" for value in (min(counts), max(counts)))
    return low if low == high else f"{low} to {high}"


def _worst(timeline: Timeline) -> Markup:
    limits = [
        feature.limit for feature in _worst_features(timeline) if feature is not None and feature.limit is not None
    ]
    points = [
        value
        for one in timeline.windows
        for value in (_worst_distance(one), _of_prediction(one), *limits[:1])
        if value is not None
    ]
    y = Axis("robust L∞", 0, min(max([*points, 0.01]) * 1.15, 1.05))

    def draw(width: float) -> Plot:
        plot = timeline.plot(y, width=width, height=_HEIGHT, left=_LEFT)
        if limits:
            plot.across(limits[-1], kind="limit")
        for piece in timeline.lines(_of_prediction):
            plot.line(piece, "estimate")
        for piece in timeline.lines(_worst_distance):
            plot.line(piece, "now")
            plot.dots(piece, "now", radius=3)
        timeline.mark_streak(plot, DRIFT, "drift")
        return plot

    last = timeline.windows[-1]
    said = "; ".join(
        f"{moments.brief(one.start)}: {harmless(feature.name, limit=40)} {feature.robust_linf:.3f}"
        for one, feature in zip(timeline.windows, _worst_features(timeline), strict=True)
        if feature is not None and feature.robust_linf is not None
    )
    drawing = broad(draw, name="worst", title="Distance of the worst feature over the windows", description=said)
    entries = [("line now", "worst feature"), ("limit", "limit")]
    if any(_of_prediction(one) is not None for one in timeline.windows):
        entries.insert(1, ("line estimate", "predictions"))
    caption = f"Distance of the worst feature and of the predictions, up to the window of {moments.instant(last.start)}"
    return figure(drawing, caption, legend(*entries), kind="full")


def _strip(timeline: Timeline) -> Markup:
    peaks: dict[str, float] = {}
    for one in timeline.windows:
        for feature in one.features:
            if feature.judged:
                peaks[feature.name] = max(peaks.get(feature.name, 0.0), feature.in_limits)
    names = sorted(peaks, key=lambda name: (-peaks[name], name))
    shown = names[:MOST_ROWS]
    if not shown:
        return element("p", "No feature was judged in any of these windows.")
    cells = _cells(timeline, shown)

    def draw(width: float) -> Plot:
        plot = timeline.plot(
            Axis("", 0, len(shown), ticks=()), width=width, height=_AROUND + _ROW * len(shown), left=_LEFT
        )
        for row, name in enumerate(shown):
            plot.beside(len(shown) - row - 0.5, harmless(name, limit=_NAME[width == WIDE]))
        for _, shade in _SHADES:
            plot.boxes(cells[shade], shade)
        timeline.mark_streak(plot, DRIFT, "drift")
        return plot

    said = "; ".join(f"{harmless(name, limit=40)}: at most {plain(peaks[name])} limits" for name in shown)
    drawing = broad(draw, name="strip", title="Distance of each feature over the windows", description=said)
    more = f", the {MOST_ROWS} of {len(names):,} features that went furthest" if len(names) > MOST_ROWS else ""
    entries = [
        ("line fill shade1", "under half its limit"),
        ("line fill shade2", "within its limit"),
        ("line fill warm1", "up to twice"),
        ("line fill warm2", "up to four times"),
        ("line fill warm3", "more"),
    ]
    return figure(
        drawing, f"Each feature in each window{more}; empty where it was not judged", legend(*entries), kind="full"
    )


def _cells(timeline: Timeline, names: Sequence[str]) -> dict[str, list[tuple[float, float, float, float]]]:
    rows = {name: len(names) - index - 1 for index, name in enumerate(names)}
    cells: dict[str, list[tuple[float, float, float, float]]] = {shade: [] for _, shade in _SHADES}
    for column, one in enumerate(timeline.windows):
        for feature in one.features:
            if feature.judged and feature.name in rows:
                row = rows[feature.name]
                shade = _shade(feature)
                cells[shade].append((column + 0.04, column + 0.96, row + 0.08, row + 0.92))
    return cells


def _shade(feature: Feature) -> str:
    ratio = feature.in_limits
    return next((shade for least, shade in _SHADES if ratio > least), _SHADES[-1][1])


def _worst_features(timeline: Timeline) -> list[Feature | None]:
    return [next((feature for feature in one.features if feature.judged), None) for one in timeline.windows]


def _worst_distance(one: Judgement) -> float | None:
    return next((feature.robust_linf for feature in one.features if feature.judged), None)


def _of_prediction(one: Judgement) -> float | None:
    return one.prediction.robust_linf if one.prediction is not None and one.prediction.judged else None
