"""What the plots are made of: few numbers, computed from all scored rows, however many there are.

Nothing is sampled at random: rows are counted in bins or picked at even distances, so the same rows give the same page.
"""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.steps.failure import StepError
from pipelines.steps.gate import clusters, jackknife, leave_one_out
from pipelines.steps.gate.clusters import Clusters
from pipelines.steps.gate.jackknife import Bounds
from pipelines.steps.gate.rules import Unit
from pipelines.steps.metrics import Metric
from pipelines.steps.plugin import FloatArray

CELLS = 32
CURVE_POINTS = 120
_TAIL = 0.002
_RESIDUAL_BINS = 40
_GROUPS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """The judged rows with both models' predictions, as Evaluate leaves them in ``scores.parquet``.

    Attributes:
        target: what was true.
        challenger: what the new model predicts.
        champion: what the live model predicts; None when there was none to compare with.
        clusters: of the rows.
    """

    target: FloatArray
    challenger: FloatArray
    champion: FloatArray | None
    clusters: Clusters

    @classmethod
    def read(cls, path: Path, unit: Unit) -> "Scores":
        """Read the file that step Evaluate wrote."""
        table = pq.read_table(path)
        moments = table.column("time").cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
        champion = table.column("champion") if "champion" in table.column_names else None
        return cls(
            target=_numbers(table.column("target")),
            challenger=_numbers(table.column("challenger")),
            champion=None if champion is None or champion.null_count else _numbers(champion),
            clusters=clusters.by_time(moments, unit),
        )

    def starts(self) -> tuple[str, ...]:
        """Return the start of each cluster: a date, with the hour where it is not midnight."""
        moments = [_EPOCH + timedelta(microseconds=start) for start in self.clusters.starts.tolist()]
        return tuple(f"{moment:%Y-%m-%d}" if moment.hour == 0 else f"{moment:%Y-%m-%d %H:%M}" for moment in moments)

    def bounds(self, metric: str, prediction: FloatArray, *, alpha: float) -> Bounds:
        """Return a metric of one model on all rows, with its interval over the clusters."""
        found = leave_one_out.compute(metric, self.target, prediction, self.clusters)
        return jackknife.bounds(found.whole, found.without, alpha=alpha)

    def per_cluster(self, metric: Metric, prediction: FloatArray) -> FloatArray:
        """Return a metric of one model within each cluster; NaN where it does not exist."""
        order = np.argsort(self.clusters.of_row, kind="stable")
        ends = np.searchsorted(self.clusters.of_row[order], np.arange(1, len(self.clusters)))
        values = np.full(len(self.clusters), np.nan)
        for index, rows in enumerate(np.split(order, ends)):
            with contextlib.suppress(StepError):  # a day without a positive row has no area under the curve
                values[index] = metric.compute(self.target[rows], prediction[rows])
        return values


@dataclass(frozen=True)
class Density:
    """How many rows fall into each cell of a square grid over actual and predicted values."""

    edges: FloatArray
    counts: IntArray
    outside: int


@dataclass(frozen=True)
class Group:
    """Rows with similar predictions.

    Attributes:
        predicted: their mean prediction.
        observed: mean of what was true.
        low, middle, high: 10 %, 50 % and 90 % quantile of prediction minus truth.
        rows: how many.
    """

    predicted: float
    observed: float
    low: float
    middle: float
    high: float
    rows: int


@dataclass(frozen=True)
class Curve:
    """A curve over all thresholds, reduced to few points."""

    x: FloatArray
    y: FloatArray
    area: float


def density(target: FloatArray, prediction: FloatArray) -> Density:
    """Count rows in a grid that leaves out the utmost values on both sides, and say how many those are."""
    both = np.concatenate([target, prediction])
    low, high = (float(value) for value in np.quantile(both, [_TAIL, 1 - _TAIL]))
    if high <= low:
        low, high = low - 0.5, low + 0.5
    edges = np.linspace(low, high, CELLS + 1)
    counts = np.histogram2d(target, prediction, bins=(edges, edges))[0].astype(np.int64)
    return Density(edges=edges, counts=counts, outside=len(target) - int(counts.sum()))


def residual_histogram(*residuals: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    """Return common edges and the share of rows in each bin, one list per model."""
    low, high = (float(value) for value in np.quantile(np.concatenate(residuals), [2 * _TAIL, 1 - 2 * _TAIL]))
    reach = max(abs(low), abs(high)) or 1.0
    edges = np.linspace(-reach, reach, _RESIDUAL_BINS + 1)
    return edges, [np.histogram(values, edges)[0] / len(values) for values in residuals]


def groups(target: FloatArray, prediction: FloatArray) -> list[Group]:
    """Cut the rows into ten groups of about equal size by prediction; equal predictions stay together."""
    bounds = np.unique(np.quantile(prediction, np.linspace(0, 1, _GROUPS + 1)[1:-1]))
    index = np.searchsorted(bounds, prediction, side="left")
    found = []
    for number in range(len(bounds) + 1):
        rows = index == number
        count = int(rows.sum())
        if count:
            error = prediction[rows] - target[rows]
            low, middle, high = (float(value) for value in np.quantile(error, [0.1, 0.5, 0.9]))
            found.append(Group(float(prediction[rows].mean()), float(target[rows].mean()), low, middle, high, count))
    return found


def roc(target: FloatArray, prediction: FloatArray) -> Curve:
    """Share of positives found against share of negatives flagged, over all thresholds."""
    found, flagged = _counts_by_threshold(target, prediction)
    x, y = flagged / max(flagged[-1], 1.0), found / max(found[-1], 1.0)
    return _reduced(x, y, along=x + y, area=float(np.trapezoid(y, x)))


def precision_recall(target: FloatArray, prediction: FloatArray) -> Curve:
    """Precision against recall over all thresholds; the area is the average precision."""
    found, flagged = _counts_by_threshold(target, prediction)
    recall = found[1:] / max(found[-1], 1.0)
    precision = found[1:] / (found[1:] + flagged[1:])
    area = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return _reduced(recall, precision, along=recall, area=area)


def _counts_by_threshold(target: FloatArray, prediction: FloatArray) -> tuple[FloatArray, FloatArray]:
    order = np.argsort(-prediction, kind="stable")
    ranked = prediction[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    positives = np.cumsum(target[order])[last]
    return np.append(0.0, positives), np.append(0.0, last + 1 - positives)


def _reduced(x: FloatArray, y: FloatArray, *, along: FloatArray, area: float) -> Curve:
    wanted = np.linspace(along[0], along[-1], CURVE_POINTS)
    index = np.unique(np.minimum(np.searchsorted(along, wanted), len(along) - 1))
    return Curve(x[index], y[index], area)


def _numbers(column: pa.ChunkedArray) -> FloatArray:
    values: FloatArray = column.cast(pa.float64()).to_numpy()
    return values
