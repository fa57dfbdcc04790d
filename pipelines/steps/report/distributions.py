"""One feature then and now, drawn: numbers as a histogram, all else as bars of the categories that moved most."""

from collections.abc import Sequence

from pipelines.steps.report.chart import Axis, Plot, legend, percent, plain, round_percent
from pipelines.steps.report.drift_verdict import distance, limit
from pipelines.steps.report.judgement import Bin, Feature
from pipelines.steps.report.markup import Markup, element, harmless

MOST_BINS = 40
MOST_BARS = 8
_NAMED = 3
_WIDTH = 320.0
_HEIGHT = 190.0
_BAR = 19.0
_LABEL = 92.0
_TICKS = 4
_LAST_TICK = 0.85
"""Share of the axis after which the name of the missing values needs the room."""


def key() -> Markup:
    """Return the key of all distributions."""
    return legend(("line fill then", "at training"), ("line now", "now"))


def distribution(feature: Feature, *, name: str, title: str | None = None) -> Markup:
    """Draw one feature.

    Args:
        feature: what is drawn.
        name: makes the drawing's ids unique in the page.
        title: what it is called; the feature's own name by default.
    """
    shown = title or harmless(feature.name)
    state = "✕ drifted" if feature.drifted else "within" if feature.judged else "not judged"
    said = f"distance {distance(feature)}, {limit(feature)}" if feature.judged else harmless(feature.why_not or "")
    is_histogram = feature.kind in ("number", "length") and any(_is_range(one) for one in feature.bins)
    plot = _histogram(feature) if is_histogram else _bars(feature)
    drawing = plot.svg(
        name,
        title=f"{shown} at training and now",
        description=f"{state}: {said}. {harmless(_gaps(feature), limit=None)}",
    )
    mark = element("span", state, class_="fails" if feature.drifted else "quiet")
    return element(
        "figure", element("figcaption", element("strong", shown), " · ", mark, f" · {said}"), drawing, class_="shape"
    )


def is_drawable(feature: Feature) -> bool:
    """Tell whether there is anything to draw."""
    return any(one.baseline or one.current for one in feature.bins)


def _histogram(feature: Feature) -> Plot:
    """Draw bins of numbers side by side, and the missing values apart from them on the right."""
    then, now = feature.shares()
    places = [i for i, one in enumerate(feature.bins) if _is_range(one)]
    rest = [i for i, one in enumerate(feature.bins) if not _is_range(one)]
    groups = _groups(places)
    before, after = ([sum(side[i] for i in group) for group in groups] for side in (then, now))
    end = len(groups)
    gap = max(end / 20, 0.4) if rest else 0.0
    names = _edges(feature.bins, groups)
    if rest:
        names = {place: name for place, name in names.items() if place < end * _LAST_TICK}
        names |= {end + 2 * gap: "missing"}
    x = Axis("", 0, end + 3 * gap, names.__getitem__, tuple(names))
    plot = Plot(x, _shares_axis([*then, *now]), height=_HEIGHT, width=_WIDTH, top=12, left=44)
    plot.boxes(((i, i + 1, 0.0, share) for i, share in enumerate(before)), "then")
    plot.steps(list(range(end + 1)), after, "now")
    if rest:
        left, right = end + gap, end + 3 * gap
        plot.boxes([(left, right, 0.0, sum(then[i] for i in rest))], "then")
        plot.steps([left, right], [sum(now[i] for i in rest)], "now")
    return plot


def _edges(bins: Sequence[Bin], groups: Sequence[Sequence[int]]) -> dict[float, str]:
    """Return a few edges between bins, by their place on the axis."""
    edges = [(place, bins[group[-1]].upper) for place, group in enumerate(groups, start=1)]
    known = [(place, edge) for place, edge in edges if edge is not None]
    every = max(1, -(-len(known) // _TICKS))
    return {float(place): plain(edge) for place, edge in known[every // 2 :: every]}


def _bars(feature: Feature) -> Plot:
    then, now = feature.shares()
    order = sorted(range(len(then)), key=lambda i: (-abs(now[i] - then[i]), -then[i], feature.bins[i].label))
    rows = [(harmless(feature.bins[i].label, limit=11), then[i], now[i]) for i in order[:MOST_BARS]]
    if rest := order[MOST_BARS:]:
        rows.append((f"{len(rest)} more", sum(then[i] for i in rest), sum(now[i] for i in rest)))
    x = _shares_axis([share for _, *shares in rows for share in shares])
    plot = Plot(x, Axis("", 0, len(rows), ticks=()), height=52 + _BAR * len(rows), width=_WIDTH, top=4, left=_LABEL)
    for index, (label, before, after) in enumerate(rows):
        place = len(rows) - index - 0.5
        plot.beside(place, label)
        plot.boxes([(0.0, before, place + 0.02, place + 0.38)], "then")
        plot.boxes([(0.0, after, place - 0.38, place - 0.02)], "now")
    return plot


def _shares_axis(shares: Sequence[float]) -> Axis:
    return Axis("", 0, max(max(shares, default=0.0) * 1.05, 1e-6), text=round_percent)


def _groups(places: Sequence[int]) -> list[Sequence[int]]:
    """Put neighbours together until there are few enough to draw."""
    size = -(-len(places) // MOST_BINS)
    return [places[i : i + size] for i in range(0, len(places), size)]


def _is_range(one: Bin) -> bool:
    return one.lower is not None or one.upper is not None


def _gaps(feature: Feature) -> str:
    then, now = feature.shares()
    order = sorted(range(len(then)), key=lambda i: (-abs(now[i] - then[i]), i))[:_NAMED]
    named = "; ".join(
        f"{harmless(feature.bins[i].label, limit=40)}: {percent(then[i])} then, {percent(now[i])} now" for i in order
    )
    return f"Bins that moved most: {named}."
