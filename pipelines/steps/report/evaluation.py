"""The documents that the page is made from, read once into frozen types."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.steps.failure import StepError

FORMAT = 2


@dataclass(frozen=True)
class Check:
    """One guard or one value of a slice, as the gate judged it.

    Attributes:
        name: the metric, or ``column = value``.
        metric: what was compared.
        rows: how many rows; None for a guard, which looks at all of them.
        champion: value of the live model; None, like the next two, when it was not looked at (too few rows).
        challenger: value of the new model.
        change: share of the champion's value by which the challenger is better, negative when it is worse.
        limit: share by which it may be worse.
        holds: whether it stayed within.
    """

    name: str
    metric: str
    rows: int | None
    champion: float | None
    challenger: float | None
    change: float | None
    limit: float
    holds: bool


@dataclass(frozen=True)
class Champion:
    """The live model that was compared with; it has no metrics when it could not be scored."""

    package_arn: str
    version: int | None
    trained_until: str | None
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Comparison:
    """Challenger against champion; shares of the champion's value, positive where the challenger is better."""

    improvement: float
    lower: float | None
    upper: float | None
    alpha: float
    margin: float
    clusters: int
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Evaluation:
    """``evaluation.json``, format 2 (:mod:`pipelines.steps.evaluation`); ``level`` is that of the intervals."""

    project: str
    task: str
    target: str
    snapshot_id: str
    rows: Mapping[str, int]
    window: Mapping[str, Any]
    metrics: Mapping[str, float]
    naive: Mapping[str, float]
    naive_value: float
    naive_text: str
    level: float
    champion: Champion | None
    comparison: Comparison | None
    promote: bool
    rule: str
    metric: str
    improvement: float | None
    reason: str

    @property
    def is_judged(self) -> bool:
        """Whether there were rows that the models could be judged on."""
        return self.rule not in ("no_common_window", "champion_unreadable")

    @property
    def basis(self) -> str:
        """Which rows the metrics are about: without a judgement, they are shown for the whole hold-out."""
        return "judged rows" if self.is_judged else "held-out rows"

    @property
    def span(self) -> str:
        """The judged window in words."""
        return f"{self.window['from']} to {self.window['until']}" if self.window["from"] else "none"


def read(path: Path) -> Evaluation:
    """Read ``evaluation.json``.

    Raises:
        StepError: when its format is another one.
    """
    document = json.loads(path.read_text("utf-8"))
    if document.get("format") != FORMAT:
        raise StepError(f"{path.name} has format {document.get('format')!r}, the report reads format {FORMAT}")
    gate, naive = document["gate"], document["naive"]
    return Evaluation(
        project=document["project"],
        task=document["task"],
        target=document["target"],
        snapshot_id=document["snapshot_id"],
        rows=document["rows"],
        window=document["window"],
        metrics=document["metrics"],
        naive=naive["metrics"],
        naive_value=naive["value"],
        naive_text=naive["predictor"],
        level=document["intervals"]["level"],
        champion=_champion(document["champion"]),
        comparison=_comparison(document["comparison"]),
        promote=gate["promote"],
        rule=gate["rule"],
        metric=gate["metric"],
        improvement=gate["improvement"],
        reason=gate["reason"],
    )


def read_optional(path: Path | None) -> Mapping[str, Any]:
    """Read a document of another step; empty when there is none."""
    if path is None or not path.is_file():
        return {}
    document: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def _champion(document: Mapping[str, Any] | None) -> Champion | None:
    if document is None:
        return None
    return Champion(
        package_arn=document["package_arn"],
        version=document["version"],
        trained_until=document["trained_until"],
        metrics=document["metrics"],
    )


def _comparison(document: Mapping[str, Any] | None) -> Comparison | None:
    if document is None:
        return None
    return Comparison(
        improvement=document["improvement"],
        lower=document["lower_bound"],
        upper=document["upper_bound"],
        alpha=document["alpha"],
        margin=document["margin"],
        clusters=document["clusters"],
        checks=(
            *(_check(entry, name=entry["metric"], metric=entry["metric"]) for entry in document["guards"]),
            *(
                _check(entry, name=f"{entry['column']} = {entry['value']}", metric=document["metric"])
                for entry in document["slices"]
            ),
        ),
    )


def _check(entry: Mapping[str, Any], *, name: str, metric: str) -> Check:
    return Check(
        name=name,
        metric=metric,
        rows=entry.get("rows"),
        champion=entry["champion"],
        challenger=entry["challenger"],
        change=entry["improvement"],
        limit=entry["max_worsening"],
        holds=entry["holds"],
    )
