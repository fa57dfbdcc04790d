"""What the Evaluate step leaves: ``evaluation.json`` for the pipeline and people, ``scores.parquet`` for plots."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.steps import metrics
from pipelines.steps.gate import interval
from pipelines.steps.gate.clusters import Clusters
from pipelines.steps.gate.comparison import Comparison, GuardOutcome, Judged, Paired, SliceOutcome, Values
from pipelines.steps.gate.rules import Rules
from pipelines.steps.gate.verdict import Verdict
from pipelines.steps.plugin import FloatArray
from pipelines.steps.report.evaluation import FORMAT

Intervals = Mapping[str, tuple[float, float]]
"""By metric; a metric without an interval is left out."""

EVALUATION = "evaluation.json"
SCORES = "scores.parquet"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Scored:
    """Rows with the predictions of one or both models.

    Attributes:
        moments: microseconds since the epoch.
        target: the labels.
        challenger: its predictions.
        champion: its predictions, ``None`` before it has been asked.
        clusters: of the rows.
        slices: the columns of the slice rules.
    """

    moments: npt.NDArray[np.int64]
    target: FloatArray
    challenger: FloatArray
    champion: FloatArray | None
    clusters: Clusters
    slices: Mapping[str, Values]

    def __len__(self) -> int:
        return len(self.target)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Scored":
        """Return some of the rows."""
        return Scored(
            moments=self.moments[chosen],
            target=self.target[chosen],
            challenger=self.challenger[chosen],
            champion=None if self.champion is None else self.champion[chosen],
            clusters=self.clusters.where(chosen),
            slices={name: Values(column.names, column.of_row[chosen]) for name, column in self.slices.items()},
        )

    def judged(self) -> Judged:
        """Return the rows as the gate takes them.

        Raises:
            ValueError: when the champion has not been asked.
        """
        if self.champion is None:
            raise ValueError("the champion has not scored these rows")
        return Judged(
            target=self.target,
            challenger=self.challenger,
            champion=self.champion,
            clusters=self.clusters,
            slices=self.slices,
        )


@dataclass(frozen=True)
class ChampionFacts:
    """What is known of the champion, as far as it could be read."""

    package_arn: str
    version: int | None
    trained_until: str | None


@dataclass(frozen=True)
class Evaluation:
    """Everything that is told about a verdict.

    Attributes:
        project: its name.
        target: the column that is predicted.
        snapshot_id: of the data.
        train_rows: rows that the challenger was trained on.
        holdout_rows: rows that were held out.
        scored: the rows that the metrics are about: the judged ones, or the whole hold-out when there was no window
            that the champion could be judged on.
        intervals: of the challenger's metrics on these rows.
        naive: the naive predictor's constant answer.
        rules: of the gate.
        verdict: of the gate.
        window: rows that neither model was trained on; ``None`` before a champion narrows it.
        champion: the champion, when there is one.
        comparison: with the champion, when it came to that.
    """

    project: str
    target: str
    snapshot_id: str
    train_rows: int
    holdout_rows: int
    scored: Scored
    intervals: Intervals
    naive: float
    rules: Rules
    verdict: Verdict
    window: Scored | None = None
    champion: ChampionFacts | None = None
    comparison: Comparison | None = None


def write(found: Evaluation, folder: Path) -> None:
    """Write both files."""
    document = json.dumps(_finite(_document(found)), indent=2, sort_keys=True, allow_nan=False) + "\n"
    (folder / EVALUATION).write_text(document, "utf-8")
    pq.write_table(_table(found.scored), folder / SCORES)


def _document(found: Evaluation) -> dict[str, Any]:
    scored, task = found.scored, found.rules.task
    window = scored if found.window is None else found.window
    constant = np.full(len(scored), found.naive)
    return {
        "format": FORMAT,
        "project": found.project,
        "task": task,
        "target": found.target,
        "snapshot_id": found.snapshot_id,
        "rows": {"train": found.train_rows, "holdout": found.holdout_rows, "judged": len(window)},
        "window": {
            "from": _iso(window.moments.min()) if len(window) else None,
            "until": _iso(window.moments.max()) if len(window) else None,
            "clusters": len(window.clusters),
            "unit": found.rules.unit,
        },
        "metrics": metrics.compute(task, scored.target, scored.challenger),
        "naive": {
            "predictor": "mean of the training rows",
            "value": found.naive,
            "metrics": metrics.compute(task, scored.target, constant),
        },
        "intervals": {
            "level": interval.LEVEL,
            "challenger": found.intervals,
            "champion": {} if scored.champion is None else intervals(task, scored, scored.champion),
        },
        "champion": None if found.champion is None else asdict(found.champion) | {"metrics": _of_champion(found)},
        "comparison": None if found.comparison is None else _compared(found.comparison, found.rules),
        "gate": asdict(found.verdict),
    }


def _of_champion(found: Evaluation) -> dict[str, float]:
    scores = found.scored.champion
    return {} if scores is None else metrics.compute(found.rules.task, found.scored.target, scores)


def intervals(task: str, scored: Scored, prediction: FloatArray) -> Intervals:
    """Return the two-sided interval of every metric that has one."""
    found = {name: interval.compute(name, scored.target, prediction, scored.clusters) for name in metrics.of_task(task)}
    return {name: bounds for name, bounds in found.items() if bounds is not None}


def _compared(compared: Comparison, rules: Rules) -> dict[str, Any]:
    return {
        **_improvement(compared.primary),
        "metric": rules.metric,
        "standard_error": compared.primary.improvement.standard_error,
        "alpha": rules.alpha,
        "margin": rules.margin,
        "clusters": compared.primary.improvement.clusters,
        "guards": [_guard(outcome) for outcome in compared.guards],
        "slices": [_slice(outcome) for outcome in compared.slices],
    }


def _improvement(paired: Paired | None) -> dict[str, float | None]:
    if paired is None:
        return {"improvement": None, "lower_bound": None, "upper_bound": None}
    bounds = paired.improvement
    return {"improvement": bounds.estimate, "lower_bound": bounds.lower, "upper_bound": bounds.upper}


def _guard(outcome: GuardOutcome) -> dict[str, Any]:
    return {
        **_improvement(outcome.paired),
        "metric": outcome.guard.metric,
        "challenger": outcome.paired.challenger,
        "champion": outcome.paired.champion,
        "max_worsening": outcome.guard.max_worsening,
        "holds": outcome.holds,
    }


def _slice(outcome: SliceOutcome) -> dict[str, Any]:
    return {
        **_improvement(outcome.paired),
        "column": outcome.rule.column,
        "value": outcome.value,
        "rows": outcome.rows,
        "clusters": outcome.clusters,
        "challenger": outcome.paired and outcome.paired.challenger,
        "champion": outcome.paired and outcome.paired.champion,
        "max_worsening": outcome.rule.max_worsening,
        "judged": outcome.paired is not None,
        "holds": outcome.holds,
    }


def _table(scored: Scored) -> pa.Table:
    starts = scored.clusters.starts[scored.clusters.of_row]
    champion = pa.nulls(len(scored), pa.float64()) if scored.champion is None else pa.array(scored.champion)
    columns = {
        "time": pa.array(scored.moments).cast(_TIME),
        "cluster": pa.array(starts).cast(_TIME),
        "target": pa.array(scored.target),
        "challenger": pa.array(scored.challenger),
        "champion": champion,
    }
    for name, column in scored.slices.items():
        columns[f"slice_{name}"] = pa.array(column.names, pa.string()).take(pa.array(column.of_row))
    return pa.table(columns)


def _iso(moment: np.int64) -> str:
    return (_EPOCH + timedelta(microseconds=int(moment))).isoformat()


def _finite(value: Any) -> Any:
    """Write what is undefined as null: JSON has no not-a-number."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
