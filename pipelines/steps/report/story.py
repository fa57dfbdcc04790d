"""The document that the page of a year is made from, read once into frozen types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.steps.failure import StepError
from pipelines.steps.report import moments
from pipelines.steps.report.judgement import number


@dataclass(frozen=True)
class Score:
    """The metric of one model in one month, with its interval where there is one."""

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Drift:
    """How far the live data of a month was from what the live version was trained on.

    Attributes:
        worst: the feature that moved most.
        distance: of that one, robust L-infinity.
        windows: judged in the month; ``drifted`` of them were beyond the limit.
    """

    worst: str
    distance: float
    windows: int
    drifted: int


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        at: when, ISO 8601.
        kind: alarm, run, promoted, kept, rejected, deployed or no_new_data.
        text: what, in words.
    """

    at: str
    kind: str
    text: str


@dataclass(frozen=True)
class Month:
    """One month of both models.

    Attributes:
        name: year and month, 2013-03.
        rows: predicted.
        frozen: score of the model that nobody touched.
        tandem: score of whatever Tandem had live.
        drift: None when nothing was judged.
        alarms: kinds of the alarms that went off.
        events: in the order in which they happened.
        versions: that were live in the month, in that order.
        live: at its end; None when nothing was.
        note: why the month came out as it did; None when it needs no explanation.
    """

    name: str
    rows: int
    frozen: Score | None
    tandem: Score | None
    drift: Drift | None
    alarms: tuple[str, ...]
    events: tuple[Event, ...]
    versions: tuple[str, ...]
    live: str | None
    note: str | None

    @property
    def title(self) -> str:
        """The month in words: March 2013."""
        found = moments.read(f"{self.name}-01")
        return self.name if found is None else f"{moments.month(found.month)} {found.year}"

    @property
    def label(self) -> str:
        """The month on an axis: Mar."""
        found = moments.read(f"{self.name}-01")
        return self.name if found is None else moments.month(found.month, short=True)

    def place(self, event: Event, index: int) -> float:
        """Return when in the month an event happened, 0 to 1; those without a usable time follow their order."""
        found = moments.read(event.at)
        if found is None or f"{found:%Y-%m}" != self.name:
            return (index + 1) / (len(self.events) + 1)
        return min((found.day - 1 + found.hour / 24) / moments.days(found), 1.0)


@dataclass(frozen=True)
class Story:
    """A year, month by month.

    Attributes:
        summary: the means of both models, and how many runs there were, as they are in the document.
        timing: how long what took, in seconds.
    """

    project: str
    target: str
    unit: str
    metric: str
    smaller_is_better: bool
    limit: float | None
    months: tuple[Month, ...]
    summary: Mapping[str, Any]
    timing: Mapping[str, Any]

    def frozen_wins(self, month: Month) -> bool:
        """Tell whether the frozen model was better in a month."""
        if month.frozen is None or month.tandem is None:
            return False
        gain = month.frozen.value - month.tandem.value
        return gain < 0 if self.smaller_is_better else gain > 0

    def gain(self, frozen: float, tandem: float) -> float | None:
        """Return the share of the frozen model's value by which Tandem was better; negative when it was worse."""
        share = (frozen - tandem) / abs(frozen) if frozen else None
        return share if share is None or self.smaller_is_better else -share


def read(document: Mapping[str, Any]) -> Story:
    """Read a story.

    Raises:
        StepError: when a part is missing that it cannot be told without.
    """
    try:
        return Story(
            project=document["project"],
            target=document["target"],
            unit=document.get("unit") or "",
            metric=document["metric"],
            smaller_is_better=document.get("direction", "minimize") == "minimize",
            limit=number(document.get("drift_limit")),
            months=tuple(_month(entry) for entry in document["months"]),
            summary=document.get("summary") or {},
            timing=document.get("timing") or {},
        )
    except (KeyError, TypeError) as error:
        raise StepError(f"the story of the year cannot be read: {error!r}") from error


def _month(entry: Mapping[str, Any]) -> Month:
    drift = entry.get("drift")
    events: Sequence[Mapping[str, Any]] = entry.get("events") or ()
    return Month(
        name=entry["month"],
        rows=entry["rows"],
        frozen=_score(entry.get("frozen")),
        tandem=_score(entry.get("tandem")),
        drift=Drift(
            str(drift["worst"]), number(drift["robust_linf"]) or 0.0, drift["windows"], drift["windows_drifted"]
        )
        if drift
        else None,
        alarms=tuple(entry.get("alarms") or ()),
        events=tuple(Event(str(one["at"]), one["kind"], str(one["text"])) for one in events),
        versions=tuple(str(version) for version in entry.get("versions") or ()),
        live=None if entry.get("live_at_end") is None else str(entry["live_at_end"]),
        note=entry.get("note"),
    )


def _score(entry: Mapping[str, Any] | None) -> Score | None:
    value = None if entry is None else number(entry.get("value"))
    if entry is None or value is None:
        return None
    low, high = (number(bound) for bound in entry.get("interval") or (None, None))
    return Score(value, None if low is None or high is None else (low, high))
