"""How good the live version is on the labels that have arrived, against what it was on the held-out rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.steps import metrics
from pipelines.steps.drift.baseline import Baseline
from pipelines.steps.failure import StepError
from pipelines.steps.gate import clusters, interval
from pipelines.steps.plugin import FloatArray


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
        boundary: the value from which on the limit is exceeded.
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
    boundary: float
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
    worst, away = _worst(metric, baseline)
    boundary = worst + away * limit * _unit(worst)

    def without_value(reason: str) -> Quality:
        return Quality(metric, None, None, len(labelled), 0, None, limit, boundary, {}, reason)

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
        interval=interval.compute(metric, rows.target, rows.prediction, days),
        rows=len(rows),
        clusters=len(days),
        drop=max(0.0, away * (value - worst) / _unit(worst)),
        limit=limit,
        boundary=boundary,
        metrics=values,
    )


def _worst(metric: str, baseline: Baseline) -> tuple[float, int]:
    """Return the worse end of the baseline's interval, and which way from there is worse: 1 upwards, -1 downwards."""
    lower, upper = baseline.intervals.get(metric, (baseline.metrics[metric],) * 2)
    is_small_good = metrics.of_task(baseline.subject.task)[metric].direction == "minimize"
    return (upper, 1) if is_small_good else (lower, -1)


def _unit(worst: float) -> float:
    """Return what a drop is a share of; there is no share of nothing."""
    return abs(worst) or 1.0
