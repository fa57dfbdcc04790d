"""The document that the page of a judged window is made from (its judgement), read once into frozen types.

Numbers that are missing, or no numbers, are None: what could not be measured is shown as such, never as zero.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.steps.failure import StepError

FORMAT = 1
QUALITY, DRIFT, PREDICTION, DATA = "quality", "drift", "prediction_drift", "data_quality"
KINDS = (QUALITY, DRIFT, PREDICTION, DATA)
"""What can be wrong, the worst first."""


@dataclass(frozen=True)
class Bin:
    """One bin of a feature: rows of the baseline and of the window; bounds are None at open ends and for categories."""

    label: str
    lower: float | None
    upper: float | None
    baseline: int
    current: int


@dataclass(frozen=True)
class Feature:
    """One column in the baseline and in the window.

    Attributes:
        name: of the column.
        kind: number, text, boolean, length or moment.
        rows: of the window; ``nulls`` of them have no value. The same for the baseline.
        robust_linf: largest gap between both distributions less what chance explains, 0 to 1; judged by.
        psi: population stability index.
        js: Jensen-Shannon distance.
        judged: whether the limit applies; ``why_not`` says why it does not.
        drifted: whether the distance exceeds the limit.
        bins: of both; empty in judgements of the past, where nobody looks at them.
        quantiles: by what they are of (baseline, current) and by their level.
        means: by what they are of.
    """

    name: str
    kind: str
    rows: int
    nulls: int
    baseline_rows: int
    baseline_nulls: int
    robust_linf: float | None
    psi: float | None
    js: float | None
    judged: bool
    drifted: bool
    limit: float | None
    why_not: str | None
    bins: tuple[Bin, ...]
    quantiles: Mapping[str, Mapping[str, float | None]]
    means: Mapping[str, float | None]

    @property
    def in_limits(self) -> float:
        """The distance as a multiple of the limit."""
        return (self.robust_linf or 0.0) / self.limit if self.limit else self.robust_linf or 0.0

    @property
    def order(self) -> tuple[bool, float, str]:
        """Sorts the worst feature first and those that are not judged last."""
        return (not self.judged, -self.in_limits, self.name)

    def shares(self) -> tuple[list[float], list[float]]:
        """Return the share of rows in each bin, of the baseline and of the window."""
        then, now = sum(one.baseline for one in self.bins), sum(one.current for one in self.bins)
        return [_share(one.baseline, then) for one in self.bins], [_share(one.current, now) for one in self.bins]

    def missing(self) -> tuple[float, float]:
        """Return the share of rows without a value in the baseline and in the window."""
        return _share(self.baseline_nulls, self.baseline_rows), _share(self.nulls, self.rows)


@dataclass(frozen=True)
class Quality:
    """The primary metric on labels that arrived, against what it was when the model was trained.

    Attributes:
        metric: its name.
        smaller_is_better: which way it points.
        value: on the window's labelled rows; None with a ``reason``.
        interval: at ``level``; None where there is none. The same for the baseline.
        drop: share by which it is worse than the worse end of the baseline's interval.
        limit: of the drop.
        boundary: the value of the metric from which on the limit is exceeded.
        metrics: all metrics of the window, and of the baseline.
    """

    metric: str
    smaller_is_better: bool
    value: float | None
    interval: tuple[float, float] | None
    level: float
    rows: int
    clusters: int
    baseline: float | None
    baseline_interval: tuple[float, float] | None
    drop: float | None
    limit: float | None
    boundary: float | None
    reason: str | None
    metrics: Mapping[str, float | None]
    baseline_metrics: Mapping[str, float | None]


@dataclass(frozen=True)
class Judgement:
    """``judgements/<window>.json``, format 1.

    Attributes:
        window: the judged window; ``from`` is the start of the oldest one that is judged together with it.
        rows: of the window alone; those of its features are of all windows that are judged together.
        features: the worst first.
        estimate: of the primary metric before labels arrive.
        violations: largest share of the window's rows that breaks one rule.
        breaches: for each of :data:`KINDS`, whether its limit is exceeded.
        since: for each of them, the start of the first window of the present streak.
        alarm: how many breaching windows, of how many, raise an alarm; None when the document does not say.
        document: everything, for what is shown as it is.
    """

    document: Mapping[str, Any]
    project: str
    endpoint: str
    environment: str
    window: Mapping[str, Any]
    version: str
    rows: int
    features: tuple[Feature, ...]
    prediction: Feature | None
    target: Feature | None
    quality: Quality | None
    estimate: float | None
    violations: float | None
    breaches: Mapping[str, bool]
    since: Mapping[str, str | None]
    alarm: tuple[int, int] | None

    @property
    def start(self) -> str:
        """Start of the judged window."""
        return str(self.window["start"])

    @property
    def rows_together(self) -> int:
        """Rows of all windows that are judged together."""
        return max((feature.rows for feature in self.features), default=self.rows)

    def part(self, name: str) -> Mapping[str, Any]:
        """Return a part of the document; empty when it has none."""
        return self.document.get(name) or {}


def read(document: Mapping[str, Any]) -> Judgement:
    """Read the judgement of the window that the page is about.

    Raises:
        StepError: when its format is another one.
    """
    if document.get("format") != FORMAT:
        raise StepError(f"the judgement has format {document.get('format')!r}, the report reads format {FORMAT}")
    return _judgement(document, bins=True)


def read_past(documents: Iterable[Mapping[str, Any]], *, before: str, most: int) -> list[Judgement]:
    """Read the newest windows that start before a moment, oldest first, without their bins.

    Judgements of another format are left out; of a window that was judged twice, the later judgement counts.
    """
    starts = {
        document["window"]["start"]: document
        for document in documents
        if document.get("format") == FORMAT and document["window"]["start"] < before
    }
    return [_judgement(starts[start], bins=False) for start in sorted(starts)[-most:]]


def number(value: object) -> float | None:
    """Return a finite number; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _judgement(document: Mapping[str, Any], *, bins: bool) -> Judgement:
    features = (_feature(entry, bins=bins) for entry in document.get("features") or ())
    prediction, target = document.get("prediction"), document.get("target")
    quality, alarm = document.get("quality"), document.get("alarm")
    return Judgement(
        document=document,
        project=document["project"],
        endpoint=document["endpoint"],
        environment=document["environment"],
        window=document["window"],
        version=str(document["model"]["version"]),
        rows=int((document.get("traffic") or {}).get("rows") or 0),
        features=tuple(sorted(features, key=lambda feature: feature.order)),
        prediction=_feature(prediction, bins=bins) if prediction else None,
        target=_feature(target, bins=bins) if target else None,
        quality=_quality(quality) if quality else None,
        estimate=number((document.get("estimate") or {}).get("value")),
        violations=number((document.get("violations") or {}).get("share")),
        breaches={kind: bool((document.get("breaches") or {}).get(kind)) for kind in KINDS},
        since={kind: (document.get("since") or {}).get(kind) for kind in KINDS},
        alarm=(alarm["windows"], alarm["of"]) if alarm else None,
    )


def _feature(entry: Mapping[str, Any], *, bins: bool) -> Feature:
    return Feature(
        name=str(entry["name"]),
        kind=str(entry["kind"]),
        rows=entry["rows"],
        nulls=entry["nulls"],
        baseline_rows=entry["baseline_rows"],
        baseline_nulls=entry["baseline_nulls"],
        robust_linf=number(entry["robust_linf"]),
        psi=number(entry["psi"]),
        js=number(entry["js"]),
        judged=bool(entry["judged"]),
        drifted=bool(entry["drifted"]),
        limit=number(entry["limit"]),
        why_not=entry["why_not"],
        bins=tuple(_bin(one) for one in entry["bins"]) if bins else (),
        quantiles={side: _numbers(values) for side, values in (entry["quantiles"] or {}).items()},
        means=_numbers(entry["mean"]),
    )


def _bin(entry: Mapping[str, Any]) -> Bin:
    return Bin(str(entry["label"]), number(entry["lower"]), number(entry["upper"]), entry["baseline"], entry["current"])


def _quality(entry: Mapping[str, Any]) -> Quality:
    return Quality(
        metric=entry["metric"],
        smaller_is_better=entry["direction"] == "minimize",
        value=number(entry["value"]),
        interval=_interval(entry["interval"]),
        level=entry["level"],
        rows=entry["rows"],
        clusters=entry["clusters"],
        baseline=number(entry["baseline"]),
        baseline_interval=_interval(entry["baseline_interval"]),
        drop=number(entry["drop"]),
        limit=number(entry["limit"]),
        boundary=number(entry.get("boundary")),
        reason=entry["reason"],
        metrics=_numbers(entry["metrics"]),
        baseline_metrics=_numbers(entry["baseline_metrics"]),
    )


def _interval(bounds: Iterable[object] | None) -> tuple[float, float] | None:
    low, high = (number(bound) for bound in bounds or (None, None))
    return None if low is None or high is None else (low, high)


def _numbers(values: Mapping[str, object] | None) -> dict[str, float | None]:
    return {name: number(value) for name, value in (values or {}).items()}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
