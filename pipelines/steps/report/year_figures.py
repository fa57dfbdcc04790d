"""The year in three drawings one above the other: quality, drift, and what Tandem did about it."""

from collections.abc import Iterator, Mapping

from pipelines.steps.report.chart import WIDE, Axis, Plot, broad, figure, legend, plain
from pipelines.steps.report.markup import Markup, harmless
from pipelines.steps.report.story import Month, Score, Story

FROZEN, TANDEM = "frozen", "tandem"
KINDS: Mapping[str, tuple[str, str]] = {
    "alarm": ("alarm", "alarmed"),
    "run": ("training run", "now"),
    "promoted": ("promoted", "good"),
    "kept": ("champion kept", "then"),
    "rejected": ("rejected", "alarmed"),
    "deployed": ("went live", "now"),
    "no_new_data": ("no new data", "then"),
}
"""What can happen: its name, and the class of its mark."""
_LEFT = {False: 104.0, True: 112.0}
_HEIGHT = {False: 300.0, True: 380.0}
_ROW = 24.0
_AROUND = 40.0
_ASIDE = 0.13
_NARROWEST = 22.0
_NAME = 11


def quality(story: Story) -> Markup:
    """Draw the metric of both models month by month, over the versions that were live."""
    better = "smaller" if story.smaller_is_better else "larger"
    scores = [score for month in story.months for score in (month.frozen, month.tandem) if score is not None]
    values = [value for score in scores for value in (score.value, *(score.interval or ()))]
    y = Axis.around(f"{_metric(story)}, {better} is better", values)

    def draw(width: float) -> Plot:
        plot = _plot(story, y, width=width, height=_HEIGHT[width == WIDE], top=44.0, label=_years(story))
        _versions(plot, story)
        plot.boxes(((i, i + 1, y.low, y.high) for i, one in enumerate(story.months) if story.frozen_wins(one)), "ahead")
        for series, aside in ((FROZEN, -_ASIDE), (TANDEM, _ASIDE)):
            points = [(i + 0.5 + aside, score) for i, score in _scores(story, series)]
            plot.line([(x, score.value) for x, score in points], series)
            for x, score in points:
                if score.interval is not None:
                    plot.upright(*score.interval, x=x, series=series)
            plot.dots([(x, score.value) for x, score in points], series, radius=4)
        return plot

    said = "; ".join(
        f"{month.label}: frozen {_value(month.frozen)}, Tandem {_value(month.tandem)}" for month in story.months
    )
    drawing = broad(draw, name="year", title=f"{_metric(story)} of both models over the year", description=said)
    entries = [("line frozen", "frozen model"), ("line tandem", "Tandem"), ("line fill stretch", "every other version")]
    if any(story.frozen_wins(month) for month in story.months):
        entries.append(("line fill ahead", "frozen model better"))
    caption = f"{_metric(story)} per month with its interval; v1, v2, … is the version that Tandem had live"
    return figure(drawing, caption, legend(*entries), kind="full")


def drift(story: Story) -> Markup | None:
    """Draw how far the worst feature was from the live version's training data; None when nothing was judged."""
    known = [(index, month.drift) for index, month in enumerate(story.months) if month.drift is not None]
    if not known:
        return None
    highest = max([found.distance for _, found in known] + [story.limit or 0.0, 0.01])
    y = Axis("robust L∞", 0, min(highest * 1.25, 1.15))

    def draw(width: float) -> Plot:
        plot = _plot(story, y, width=width, height=184.0, top=26.0)
        for series, is_drifted in (("warm2", True), ("shade2", False)):
            chosen = [(i, found) for i, found in known if (found.drifted > 0) == is_drifted]
            plot.boxes(((i + 0.2, i + 0.8, 0.0, found.distance) for i, found in chosen), series)
        if width == WIDE:
            for index, found in known:
                name = harmless(found.worst, limit=_NAME)
                plot.words(
                    index + 0.5, max(found.distance, story.limit or 0.0), name, anchor="middle", kind="note", up=5
                )
        if story.limit is not None:
            plot.across(story.limit, kind="limit")
        return plot

    said = "; ".join(
        f"{story.months[i].label}: {harmless(found.worst, limit=40)} {plain(found.distance)}, "
        f"{found.drifted} of {found.windows} windows"
        for i, found in known
    )
    entries = [("line fill warm2", "windows beyond the limit"), ("line fill shade2", "all within it")]
    if story.limit is not None:
        entries.append(("limit", "limit"))
    caption = "Distance of the feature that moved most, from what the live version was trained on"
    return figure(
        broad(draw, name="drift", title="Drift over the year", description=said), caption, legend(*entries), kind="full"
    )


def actions(story: Story) -> Markup | None:
    """Draw when alarms went off and what followed; None when nothing happened."""
    found = [
        (index + month.place(event, order), event.kind)
        for index, month in enumerate(story.months)
        for order, event in enumerate(month.events)
    ]
    shown = [kind for kind in KINDS if any(kind == one for _, one in found)]
    if not shown:
        return None
    y = Axis("", 0, len(shown), ticks=())

    def draw(width: float) -> Plot:
        plot = _plot(story, y, width=width, height=_AROUND + _ROW * len(shown), top=8.0)
        for row, kind in enumerate(shown):
            place = len(shown) - row - 0.5
            name, series = KINDS[kind]
            plot.across(place, kind="grid")
            plot.beside(place, name)
            plot.dots([(x, place) for x, one in found if one == kind], series, radius=4.5)
        return plot

    counts = {kind: sum(one == kind for _, one in found) for kind in shown}
    said = "; ".join(f"{KINDS[kind][0]}: {count}" for kind, count in counts.items())
    drawing = broad(draw, name="actions", title="What happened over the year", description=said)
    return figure(drawing, f"What happened, and when. {said}", kind="full")


def _plot(story: Story, y: Axis, *, width: float, height: float, top: float, label: str = "") -> Plot:
    names = {index + 0.5: month.label for index, month in enumerate(story.months)}
    every = 1 if width == WIDE or len(names) <= 6 else 2  # noqa: PLR2004  # so many names fit a phone
    x = Axis(label, 0, len(story.months), names.__getitem__, list(names)[::every])
    return Plot(x, y, width=width, height=height, left=_LEFT[width == WIDE], top=top)


def _versions(plot: Plot, story: Story) -> None:
    for index, (first, end, version) in enumerate(served(story)):
        if index % 2:
            plot.boxes([(first, end, plot.y.low, plot.y.high)], "stretch")
        left, right = plot.at(first, plot.y.high)[0], plot.at(end, plot.y.high)[0]
        if right - left >= _NARROWEST:
            plot.words(
                (first + end) / 2, plot.y.high, f"v{harmless(version, limit=4)}", anchor="middle", kind="note", up=5
            )


def served(story: Story) -> list[tuple[float, float, str]]:
    """Return from when to when which version was live, in months since the beginning."""
    stretches: list[tuple[float, float, str]] = []
    for index, month in enumerate(story.months):
        for first, end, version in _in_month(month):
            if stretches and stretches[-1][2] == version and stretches[-1][1] == index + first:
                stretches[-1] = (stretches[-1][0], index + end, version)
            else:
                stretches.append((index + first, index + end, version))
    return stretches


def _in_month(month: Month) -> Iterator[tuple[float, float, str]]:
    """Divide a month among its versions: where they went live if that is told of all of them, evenly otherwise."""
    versions = month.versions or ((month.live,) if month.live is not None else ())
    starts = [month.place(event, order) for order, event in enumerate(month.events) if event.kind == "deployed"]
    is_told = len(starts) == len(versions) - 1
    bounds = [0.0, *sorted(starts), 1.0] if is_told else [i / (len(versions) or 1) for i in range(len(versions) + 1)]
    for first, end, version in zip(bounds, bounds[1:], versions, strict=False):
        if first < end:
            yield first, end, version


def _scores(story: Story, series: str) -> Iterator[tuple[int, Score]]:
    for index, month in enumerate(story.months):
        score = month.frozen if series == FROZEN else month.tandem
        if score is not None:
            yield index, score


def _metric(story: Story) -> str:
    return f"{harmless(story.metric)} in {harmless(story.unit)}" if story.unit else harmless(story.metric)


def _years(story: Story) -> str:
    years = sorted({month.name[:4] for month in story.months})
    return harmless(years[0] if len(years) == 1 else f"{years[0]} to {years[-1]}")


def _value(score: Score | None) -> str:
    return "n/a" if score is None else plain(score.value)
