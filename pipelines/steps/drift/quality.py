"""How good the live version is on the labels that have arrived, against what it was on the held-out rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.steps import metrics
from pipelines.steps.drift.baseline import Baseline
from pipelines.steps.failure import StepError
from pipelines.steps.gate import clusters, jackknife, leave_one_out
from pipelines.steps.gate.clusters import Clusters
from pipelines.steps.plugin import FloatArray

LEVEL = 0.95


@dataclass(frozen=True)
class Labelled:
    """Predictions of the live version whose labels are known, in any order.

    Attributes:
        moments: when they were asked for, microseconds since the epoch.
        target: the labels.
        prediction: what was answered.
    """

    moments: npt.NDArray[np.int64]
    target: FloatArray
    prediction: FloatArray

    def __len__(self) -> int:
        return len(self.target)

    def in_total_order(self) -> "Labelled":
        """Return the same rows in an order that does not depend on how they came, so that sums are equal to the bit."""
        order = np.lexsort((self.prediction, self.target, self.moments))
        return Labelled(self.moments[order], self.target[order], self.prediction[order])


@dataclass(frozen=True)
class Quality:
    """The primary metric and its companions.

    Attributes:
        metric: name of the primary metric.
        value: on the labelled rows; ``None``, like what follows from it, when there is none.
        interval: two-sided, from the jackknife over the days; ``None`` with too few days.
        rows: labelled rows.
        clusters: days.
        drop: share by which the value is worse than the worse end of the baseline's interval, 0 inside of it.
        limit: what ``drop`` may be.
        metrics: every metric of the task.
        reason: why there is no value.
    """

    metric: str
    value: float | None
    interval: tuple[float, float] | None
    rows: int
    clusters: int
    drop: float | None
    limit: float
    metrics: Mapping[str, float]
    reason: str | None = None

    @property
    def breached(self) -> bool:
        """Whether it dropped by more than the limit allows."""
        return self.drop is not None and self.drop > self.limit


def measure(labelled: Labelled, baseline: Baseline, *, metric: str, min_labels: int, limit: float) -> Quality:
    """Measure the quality on labelled rows.

    Args:
        labelled: the live version's predictions with their labels.
        baseline: of the live version.
        metric: the primary metric.
        min_labels: fewest rows that say something.
        limit: share by which the metric may be worse than the baseline's interval.
    """

    def without_value(reason: str) -> Quality:
        return Quality(metric, None, None, len(labelled), 0, None, limit, {}, reason)

    if len(labelled) < min_labels:
        return without_value(
            f"{len(labelled)} labelled predictions of the live version, and fewer than {min_labels} say too little"
        )
    rows = labelled.in_total_order()
    try:
        metrics.check(baseline.subject.task, rows.target, rows.prediction, model="live version")
        values = metrics.compute(baseline.subject.task, rows.target, rows.prediction)
    except StepError as error:
        return without_value(str(error))
    days = clusters.by_time(rows.moments, "day")
    value = values[metric]
    return Quality(
        metric=metric,
        value=value,
        interval=_interval(metric, rows, days),
        rows=len(rows),
        clusters=len(days),
        drop=_drop(value, metric, baseline),
        limit=limit,
        metrics=values,
    )


def _interval(metric: str, rows: Labelled, days: Clusters) -> tuple[float, float] | None:
    values = leave_one_out.compute(metric, rows.target, rows.prediction, days)
    bounds = jackknife.bounds(values.whole, values.without, alpha=(1 - LEVEL) / 2)
    return None if bounds.lower is None or bounds.upper is None else (bounds.lower, bounds.upper)


def _drop(value: float, metric: str, baseline: Baseline) -> float:
    lower, upper = baseline.intervals.get(metric, (baseline.metrics[metric],) * 2)
    if metrics.of_task(baseline.subject.task)[metric].direction == "minimize":
        return max(0.0, (value - upper) / abs(upper)) if upper else max(0.0, value)
    return max(0.0, (lower - value) / abs(lower)) if lower else max(0.0, -value)
