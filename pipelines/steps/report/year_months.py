"""The year month by month: the figures as a table, and what happened with its reasons."""

from collections.abc import Sequence

from pipelines.steps.report import moments
from pipelines.steps.report.chart import plain
from pipelines.steps.report.frame import section
from pipelines.steps.report.markup import Child, Markup, element, harmless
from pipelines.steps.report.sections import NOTHING, signed
from pipelines.steps.report.story import Event, Month, Score, Story
from pipelines.steps.report.tables import Column, table, words
from pipelines.steps.report.year_figures import KINDS

MOST_EVENTS = 40
_LONGEST = 600
_MARKS = {
    "alarm": "▲",
    "run": "●",
    "promoted": "✓",
    "kept": "=",
    "rejected": "✕",
    "deployed": "↑",
    "no_new_data": "○",
}


def table_of_months(story: Story) -> Markup:
    """Show the figures of every month."""
    columns = [
        Column("month"),
        Column("rows", number=True),
        Column("frozen", number=True),
        Column("Tandem", number=True),
        Column("gain", number=True),
        Column("drift"),
        Column("alarms"),
        Column("live"),
    ]
    unit = f" in {harmless(story.unit)}" if story.unit else ""
    caption = f"{harmless(story.metric)}{unit} with its interval; gain is the share of the frozen model's value"
    return section("Month by month", table(caption, columns, [_row(story, month) for month in story.months]))


def what_happened(story: Story) -> Markup:
    """Tell every month's events, and why it came out as it did."""
    return section("What happened, and why", *(_month(story, month) for month in story.months))


def _row(story: Story, month: Month) -> list[Child]:
    gain = None
    if month.frozen is not None and month.tandem is not None:
        gain = story.gain(month.frozen.value, month.tandem.value)
    drift: Child = NOTHING
    if month.drift is not None:
        found = month.drift
        drift = element(
            "span",
            words(found.worst),
            element("small", f"{found.distance:.3f}, {found.drifted} of {found.windows} windows"),
            class_="stat",
        )
    return [
        month.title,
        f"{month.rows:,}",
        _score(month.frozen),
        _score(month.tandem),
        NOTHING if gain is None else element("span", signed(gain), class_="fails" if gain < 0 else "holds"),
        drift,
        words(", ".join(month.alarms) or "none"),
        words(" → ".join(f"v{version}" for version in month.versions) or (f"v{month.live}" if month.live else NOTHING)),
    ]


def _score(score: Score | None) -> Child:
    if score is None:
        return NOTHING
    bounds = None
    if score.interval is not None:
        bounds = element("small", f"{plain(score.interval[0])} to {plain(score.interval[1])}")
    return element("span", plain(score.value), bounds, class_="stat")


def _month(story: Story, month: Month) -> Markup:
    shown, rest = month.events[:MOST_EVENTS], len(month.events) - MOST_EVENTS
    return element(
        "div",
        element("h3", month.title),
        element("p", "Nothing: no alarm, no run.", class_="quiet") if not shown else _events(shown),
        element("p", f"And {rest:,} more events.", class_="quiet") if rest > 0 else None,
        _note(story, month),
        class_="month",
    )


def _events(events: Sequence[Event]) -> Markup:
    return element(
        "ul",
        *(
            element(
                "li",
                element("span", moments.brief(event.at), class_="when"),
                element("div", element("strong", _name(event)), f" {harmless(event.text, limit=_LONGEST)}"),
                class_=f"event {KINDS[event.kind][1]}" if event.kind in KINDS else "event",
            )
            for event in events
        ),
        class_="events",
    )


def _name(event: Event) -> str:
    if event.kind not in KINDS:
        return harmless(event.kind)
    return f"{_MARKS[event.kind]} {KINDS[event.kind][0]}"


def _note(story: Story, month: Month) -> Markup | None:
    is_lost = story.frozen_wins(month)
    text = harmless(month.note, limit=_LONGEST) if month.note else "No reason is on record." if is_lost else None
    if text is None:
        return None
    title = "Why the frozen model was better" if is_lost else "Note"
    return element(
        "div", element("strong", title), element("p", f"{text}{_overlap(month) if is_lost else ''}"), class_="aside"
    )


def _overlap(month: Month) -> str:
    if month.frozen is None or month.tandem is None or month.frozen.interval is None or month.tandem.interval is None:
        return ""
    (low, high), (other_low, other_high) = month.frozen.interval, month.tandem.interval
    return " The intervals of both models overlap." if low <= other_high and other_low <= high else ""
