"""What moved and how far: the features as a table, and the distributions then and now of those that moved most."""

from collections.abc import Sequence

from pipelines.steps.report.chart import Axis, Plot, legend, percent, plain, round_percent
from pipelines.steps.report.drift_verdict import NOTHING, distance, limit
from pipelines.steps.report.frame import section
from pipelines.steps.report.judgement import Bin, Feature, Judgement
from pipelines.steps.report.markup import Child, Markup, element, harmless, number
from pipelines.steps.report.tables import Column, table

MOST_CHARTS = 12
_LEAST_CHARTS = 3
MOST_ROWS = 40
MOST_BINS = 40
MOST_BARS = 8
_NAMED = 3
_WIDTH = 320.0
_HEIGHT = 190.0
_LABEL = 92.0
_METER = 60.0
_TICKS = 4
_NOTABLE = 0.005
"""Change of the share of missing values from which on a plot speaks of it."""


def features(judgement: Judgement) -> Markup:
    """Show every feature, the worst first; beyond the first ones only how many there are."""
    shown, rest = judgement.features[:MOST_ROWS], judgement.features[MOST_ROWS:]
    columns = [
        Column("feature"),
        Column("robust L∞", number=True),
        Column("PSI", number=True),
        Column("JS", number=True),
        Column("at training"),
        Column("now"),
        Column("missing"),
        Column("verdict"),
    ]
    return section(
        "What drifted, and how far",
        element(
            "p",
            "The distance (robust L∞, from 0 to 1) is the largest gap between the distribution at training and the "
            "one of now, less what chance explains at these numbers of rows. It alone is judged. Population "
            "stability index (PSI) and Jensen-Shannon distance (JS) stand beside it because many know them.",
            class_="quiet",
        ),
        table(
            "Features, worst first; below a mean stand the quantiles of 5, 50 and 95 %",
            columns,
            [_row(feature, scale=_scale(shown)) for feature in shown],
        ),
        None if not rest else element("p", _left_out(rest), class_="quiet"),
    )


def charts(judgement: Judgement) -> Markup | None:
    """Draw the worst features then and now; None when there are none to draw."""
    drawable = [feature for feature in judgement.features if feature.judged and _has_rows(feature)]
    if not drawable:
        return None
    moved = max(sum(feature.in_limits > 0 for feature in drawable), _LEAST_CHARTS)
    drawn = [
        distribution(feature, name=f"feature-{index}")
        for index, feature in enumerate(drawable[: min(moved, MOST_CHARTS)], start=1)
    ]
    more = len(judgement.features) - len(drawn)
    rest = f" The other {more:,} are in the table above." if more else ""
    return section(
        "The worst features then and now",
        element(
            "p",
            "Share of rows per bin. Bins of numbers were cut at training so that each held about as many rows: the "
            f"shape of then is flat, and what now stands above or below it moved.{rest}",
            class_="quiet",
        ),
        key(),
        element("div", *drawn, class_="plots small"),
    )


def outcomes(judgement: Judgement) -> Markup | None:
    """Draw predictions and true values then and now; None without both."""
    named = [("prediction", "Predictions", judgement.prediction), ("target", "True values", judgement.target)]
    drawn = [
        distribution(feature, name=name, title=title)
        for name, title, feature in named
        if feature is not None and _has_rows(feature)
    ]
    if not drawn:
        return None
    return section("Predictions and true values", key(), element("div", *drawn, class_="plots small"))


def key() -> Markup:
    """Return the key of all distributions."""
    return legend(("line fill then", "at training"), ("line now", "now"))


def distribution(feature: Feature, *, name: str, title: str | None = None) -> Markup:
    """Draw one feature then and now: numbers as a histogram, everything else as bars of the categories that moved."""
    is_histogram = feature.kind in ("number", "length") and all(
        one.lower is not None or one.upper is not None for one in feature.bins
    )
    shown = title or harmless(feature.name)
    state = "✕ drifted" if feature.drifted else "within" if feature.judged else "not judged"
    said = f"distance {distance(feature)}, {limit(feature)}" if feature.judged else harmless(feature.why_not or "")
    plot = _histogram(feature) if is_histogram else _bars(feature)
    drawing = plot.svg(
        name,
        title=f"{shown} at training and now",
        description=f"{state}: {said}. {harmless(_gaps(feature), limit=None)}",
    )
    then, now = feature.missing()
    missing = f" Missing: {percent(then)} then, {percent(now)} now." if abs(then - now) >= _NOTABLE else ""
    mark = element("span", state, class_="fails" if feature.drifted else "quiet")
    return element(
        "figure",
        element("figcaption", element("strong", shown), " · ", mark, f" · {said}.{missing}"),
        drawing,
    )


def _histogram(feature: Feature) -> Plot:
    bins = _merged(feature.bins)
    then, now = _shares(bins)
    edges = {i + 1: one.upper for i, one in enumerate(bins[:-1]) if one.upper is not None}
    every = max(1, -(-len(edges) // _TICKS))
    chosen = {place: edge for index, (place, edge) in enumerate(edges.items()) if index % every == every // 2}
    x = Axis("", 0, len(bins), lambda place: plain(chosen[int(place)]), tuple(chosen))
    plot = Plot(x, _height([*then, *now]), height=_HEIGHT, width=_WIDTH, top=12, left=44)
    plot.boxes(((i, i + 1, 0.0, share) for i, share in enumerate(then)), "then")
    plot.steps(list(range(len(bins) + 1)), now, "now")
    return plot


def _bars(feature: Feature) -> Plot:
    then, now = _shares(feature.bins)
    order = sorted(range(len(then)), key=lambda i: (-abs(now[i] - then[i]), -then[i], feature.bins[i].label))
    rows = [(harmless(feature.bins[i].label, limit=11), then[i], now[i]) for i in order[:MOST_BARS]]
    if rest := order[MOST_BARS:]:
        rows.append((f"{len(rest)} more", sum(then[i] for i in rest), sum(now[i] for i in rest)))
    x = _height([share for _, *shares in rows for share in shares])
    y = Axis("", 0, len(rows), ticks=())
    plot = Plot(x, y, height=52 + 19 * len(rows), width=_WIDTH, top=4, left=_LABEL)
    for index, (label, before, after) in enumerate(rows):
        place = len(rows) - index - 0.5
        plot.beside(place, label)
        plot.boxes([(0.0, before, place + 0.02, place + 0.38)], "then")
        plot.boxes([(0.0, after, place - 0.38, place - 0.02)], "now")
    return plot


def _height(shares: Sequence[float]) -> Axis:
    return Axis("", 0, max(max(shares, default=0.0) * 1.05, 1e-6), text=round_percent)


def _shares(bins: Sequence[Bin]) -> tuple[list[float], list[float]]:
    then, now = sum(one.baseline for one in bins), sum(one.current for one in bins)
    return [one.baseline / (then or 1) for one in bins], [one.current / (now or 1) for one in bins]


def _merged(bins: Sequence[Bin]) -> list[Bin]:
    """Put neighbours together until there are few enough to draw."""
    size = -(-len(bins) // MOST_BINS)
    groups = [bins[i : i + size] for i in range(0, len(bins), size)]
    return [
        Bin(
            group[0].label,
            group[0].lower,
            group[-1].upper,
            sum(one.baseline for one in group),
            sum(one.current for one in group),
        )
        for group in groups
    ]


def _gaps(feature: Feature) -> str:
    then, now = _shares(feature.bins)
    order = sorted(range(len(then)), key=lambda i: (-abs(now[i] - then[i]), i))[:_NAMED]
    named = "; ".join(
        f"{harmless(feature.bins[i].label, limit=40)}: {percent(then[i])} then, {percent(now[i])} now" for i in order
    )
    return f"Bins that moved most: {named}."


def _row(feature: Feature, *, scale: float) -> list[Child]:
    if feature.judged:
        mark: Child = (
            element("span", "✕ drifted", class_="fails")
            if feature.drifted
            else element("span", "✓ within", class_="holds")
        )
    else:
        mark = element("span", f"not judged: {harmless(feature.why_not or 'no reason given')}", class_="quiet")
    then, now = feature.missing()
    return [
        harmless(feature.name),
        element("span", _meter(feature, scale), distance(feature), class_="metered"),
        NOTHING if feature.psi is None else f"{feature.psi:.3f}",
        NOTHING if feature.js is None else f"{feature.js:.3f}",
        _summary(feature, "baseline"),
        _summary(feature, "current"),
        "none" if not then and not now else f"{percent(then)} → {percent(now)}",
        mark,
    ]


def _scale(features: Sequence[Feature]) -> float:
    """Return the distance at which the bars of the table are full."""
    values = [value for one in features for value in (one.robust_linf, 2 * (one.limit or 0.0)) if value is not None]
    return min(max([*values, 0.01]), 1.0)


def _meter(feature: Feature, scale: float) -> Markup | None:
    """Draw the distance as a bar, with the limit as a tick."""
    if feature.robust_linf is None:
        return None
    length, tick = (
        None if value is None else number(min(max(value / scale, 0.0), 1.0) * _METER)
        for value in (feature.robust_linf, feature.limit)
    )
    return element(
        "svg",
        element("path", d=f"M0 5h{number(_METER)}", class_="meter-track"),
        element("path", d=f"M0 5h{length}", class_="meter-over" if feature.drifted else "meter-bar"),
        None if tick is None else element("path", d=f"M{tick} 0v10", class_="meter-limit"),
        viewBox=f"0 0 {number(_METER)} 10",
        class_="meter",
        aria_hidden="true",
    )


def _summary(feature: Feature, side: str) -> Child:
    """Write where most of the values lie: mean and quantiles, or the most frequent categories."""
    mean, quantiles = feature.means.get(side), feature.quantiles.get(side, {})
    known = [value for level in ("0.05", "0.5", "0.95") if (value := quantiles.get(level)) is not None]
    if mean is not None or known:
        return element(
            "span",
            NOTHING if mean is None else plain(mean),
            element("small", " · ".join(plain(value) for value in known)) if known else None,
            class_="stat",
        )
    if not feature.bins:
        return NOTHING
    then, now = _shares(feature.bins)
    shares = then if side == "baseline" else now
    order = sorted(range(len(shares)), key=lambda i: (-shares[i], i))[:_NAMED]
    named = [f"{harmless(feature.bins[i].label, limit=24)} {percent(shares[i])}" for i in order if shares[i]]
    return harmless(", ".join(named) or NOTHING)


def _left_out(rest: Sequence[Feature]) -> str:
    drifted, unjudged = sum(one.drifted for one in rest), sum(not one.judged for one in rest)
    return (
        f"{len(rest):,} more features are in judgement.json: {drifted:,} of them drifted, {unjudged:,} were not "
        "judged, and none moved further than those above."
    )


def _has_rows(feature: Feature) -> bool:
    return any(one.baseline or one.current for one in feature.bins)
