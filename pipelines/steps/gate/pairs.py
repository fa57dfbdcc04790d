"""Pairs of a positive and a negative row that a model orders rightly, per cluster, by two sorts.

The area under the ROC curve is the share of such pairs; a tie is worth half a pair. Everything is counted in half
pairs, which are whole numbers and exact in double precision up to 2^53 (a hundred million rows).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.steps.gate.clusters import Clusters
from pipelines.steps.plugin import FloatArray


@dataclass(frozen=True)
class ClusterPairs:
    """Half pairs per cluster.

    Attributes:
        of_positives: won by the cluster's positive rows against the negative rows of all clusters.
        of_negatives: won against the cluster's negative rows by the positive rows of all clusters.
        within: won among the cluster's own rows.
        positives: number of positive rows.
        negatives: number of negative rows.
    """

    of_positives: FloatArray
    of_negatives: FloatArray
    within: FloatArray
    positives: FloatArray
    negatives: FloatArray


def cluster_pairs(target: FloatArray, prediction: FloatArray, clusters: Clusters) -> ClusterPairs:
    """Count the half pairs of every cluster; a row is positive when its target is 1."""
    order = np.argsort(prediction)
    score, cluster = prediction[order], clusters.of_row[order]
    positive = target[order] == 1
    ties = _starts(score[1:] != score[:-1])
    below, above = _against_all(positive, ties)
    by_cluster = _smallest(cluster, len(clusters)).argsort(kind="stable")  # within a cluster still by score
    within_score, within_cluster = score[by_cluster], cluster[by_cluster]
    within_positive = positive[by_cluster]
    new_cluster = within_cluster[1:] != within_cluster[:-1]
    within_ties = _starts(new_cluster | (within_score[1:] != within_score[:-1]))
    count = len(clusters)
    return ClusterPairs(
        of_positives=_sums(cluster[positive], below[positive], count),
        of_negatives=_sums(cluster[~positive], above[~positive], count),
        within=_within(within_positive, within_cluster, within_ties, count),
        positives=np.bincount(cluster[positive], minlength=count).astype(np.float64),
        negatives=np.bincount(cluster[~positive], minlength=count).astype(np.float64),
    )


def _against_all(
    positive: npt.NDArray[np.bool_], ties: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return, per sorted row, the half pairs it wins over negatives below it and those it loses to positives above."""
    lengths = np.diff(ties, append=len(positive))
    positives = np.add.reduceat(positive, ties, dtype=np.int64)
    negatives = lengths - positives
    below = 2 * (np.cumsum(negatives) - negatives) + negatives
    above = 2 * (positives.sum() - np.cumsum(positives)) + positives
    return np.repeat(below, lengths), np.repeat(above, lengths)


def _within(
    positive: npt.NDArray[np.bool_], cluster: npt.NDArray[np.intp], ties: npt.NDArray[np.intp], count: int
) -> FloatArray:
    """Count inside the clusters, on rows sorted by cluster and score."""
    positives = np.add.reduceat(positive, ties, dtype=np.int64)
    negatives = np.diff(ties, append=len(positive)) - positives
    of_tie = cluster[ties]
    negatives_before = np.cumsum(negatives) - negatives
    first_tie = np.searchsorted(of_tie, np.arange(count))
    below = negatives_before - negatives_before[first_tie][of_tie]
    return _sums(of_tie, positives * (2 * below + negatives), count)


def _starts(changes: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    return np.concatenate([np.zeros(1, np.intp), np.flatnonzero(changes) + 1])


def _sums(cluster: npt.NDArray[np.intp], values: npt.NDArray[np.int64], count: int) -> FloatArray:
    sums: FloatArray = np.bincount(cluster, weights=values.astype(np.float64), minlength=count).astype(np.float64)
    return sums


def _smallest(numbers: npt.NDArray[np.intp], count: int) -> npt.NDArray[Any]:
    """Return the numbers in 16 bits where they fit, which numpy sorts by radix, ten times as fast."""
    return numbers.astype(np.uint16) if count <= np.iinfo(np.uint16).max else numbers
