"""A metric on all rows, and without each cluster in turn, from statistics of the clusters: one pass over the rows.

What is left without a cluster is added up from both sides instead of subtracted from the whole, so that a cluster
which dwarfs the others cannot cancel their digits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.steps.gate.clusters import Clusters
from pipelines.steps.gate.pairs import cluster_pairs
from pipelines.steps.metrics import absolute_errors, log_losses, squared_errors
from pipelines.steps.plugin import FloatArray


@dataclass(frozen=True)
class LeaveOneOut:
    """A metric of one model.

    Attributes:
        whole: on all rows.
        without: on the rows outside of each cluster; not-a-number where the metric is undefined there (an area under
            the curve of one class).
    """

    whole: float
    without: FloatArray


def compute(metric: str, target: FloatArray, prediction: FloatArray, clusters: Clusters) -> LeaveOneOut:
    """Return a metric on all rows and without each cluster.

    Args:
        metric: one of the names in :data:`pipelines.steps.metrics.BY_TASK`.
        target: the labels.
        prediction: of one model, on the same rows.
        clusters: of the same rows.
    """
    return _BY_METRIC[metric](target, prediction, clusters)


def _mean(
    errors: Callable[[FloatArray, FloatArray], FloatArray],
) -> Callable[[FloatArray, FloatArray, Clusters], LeaveOneOut]:
    def compute_mean(target: FloatArray, prediction: FloatArray, clusters: Clusters) -> LeaveOneOut:
        sums: FloatArray = np.bincount(
            clusters.of_row, weights=errors(target, prediction), minlength=len(clusters)
        ).astype(np.float64)
        rows = np.bincount(clusters.of_row, minlength=len(clusters)).astype(np.float64)
        return LeaveOneOut(whole=_ratio(sums.sum(), rows.sum()), without=_ratios(_others(sums), _others(rows)))

    return compute_mean


def _rmse(target: FloatArray, prediction: FloatArray, clusters: Clusters) -> LeaveOneOut:
    squared = _mean(squared_errors)(target, prediction, clusters)
    return LeaveOneOut(whole=float(np.sqrt(squared.whole)), without=np.sqrt(squared.without))


def _auc(target: FloatArray, prediction: FloatArray, clusters: Clusters) -> LeaveOneOut:
    """Count pairs, which are whole numbers, so that subtracting rounds nothing.

    What is lost without a cluster: its positives with all negatives and its negatives with all positives, less the
    pairs within it, which both of these count.
    """
    pairs = cluster_pairs(target, prediction, clusters)
    lost = pairs.of_positives + pairs.of_negatives - pairs.within
    won = pairs.of_positives.sum()
    positives, negatives = pairs.positives.sum(), pairs.negatives.sum()
    return LeaveOneOut(
        whole=_ratio(won, 2 * positives * negatives),
        without=_ratios(won - lost, 2 * (positives - pairs.positives) * (negatives - pairs.negatives)),
    )


def _others(values: FloatArray) -> FloatArray:
    before = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    after = np.concatenate([np.cumsum(values[::-1])[::-1][1:], [0.0]])
    summed: FloatArray = before + after
    return summed


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else float("nan")


def _ratios(numerators: FloatArray, denominators: FloatArray) -> FloatArray:
    return np.divide(numerators, denominators, out=np.full(len(numerators), np.nan), where=denominators > 0)


_BY_METRIC: Mapping[str, Callable[[FloatArray, FloatArray, Clusters], LeaveOneOut]] = {
    "rmse": _rmse,
    "mae": _mean(absolute_errors),
    "log_loss": _mean(log_losses),
    "auc": _auc,
}
