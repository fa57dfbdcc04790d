"""What moved and how far: the features as a table, and the distributions then and now of those that moved most."""

from collections.abc import Sequence

from pipelines.steps.report.chart import percent, plain
from pipelines.steps.report.distributions import distribution, is_drawable, key
from pipelines.steps.report.drift_verdict import NOTHING, distance
from pipelines.steps.report.frame import section
from pipelines.steps.report.judgement import Feature, Judgement
from pipelines.steps.report.markup import Child, Markup, element, harmless, number
from pipelines.steps.report.tables import Column, table, words

MOST_CHARTS = 12
_LEAST_CHARTS = 3
MOST_ROWS = 40
_NAMED = 3
_METER = 60.0


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
    drawable = [feature for feature in judgement.features if feature.judged and is_drawable(feature)]
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
            "Share of rows per bin. Bins of numbers were cut at training so that each held about as many rows: then "
            f"is flat, and where now stands above it, there is more than there was.{rest}",
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
        if feature is not None and is_drawable(feature)
    ]
    if not drawn:
        return None
    return section(
        "Predictions and true values",
        element("p", "True values (labels) raise no alarm of their own: quality speaks for them.", class_="quiet"),
        key(),
        element("div", *drawn, class_="plots small"),
    )


def _row(feature: Feature, *, scale: float) -> list[Child]:
    if feature.judged:
        mark: Child = (
            element("span", "✕ drifted", class_="fails")
            if feature.drifted
            else element("span", "✓ within", class_="holds")
        )
    else:
        mark = element("span", words(f"not judged: {feature.why_not or 'no reason given'}"), class_="quiet")
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
    then, now = feature.shares()
    shares = then if side == "baseline" else now
    order = sorted(range(len(shares)), key=lambda i: (-shares[i], i))[:_NAMED]
    named = [f"{harmless(feature.bins[i].label, limit=24)} {percent(shares[i])}" for i in order if shares[i]]
    return words(", ".join(named) or NOTHING)


def _left_out(rest: Sequence[Feature]) -> str:
    drifted, unjudged = sum(one.drifted for one in rest), sum(not one.judged for one in rest)
    return (
        f"{len(rest):,} more features are in the judgement's JSON: {drifted:,} of them drifted, {unjudged:,} were not "
        "judged, and none moved further than those above."
    )
