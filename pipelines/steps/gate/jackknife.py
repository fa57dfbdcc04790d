"""Confidence bounds of an estimate from its delete-one-cluster values.

The jackknife over clusters (Efron and Tibshirani, "An Introduction to the Bootstrap", chapter 11; for clusters:
Cameron and Miller, "A Practitioner's Guide to Cluster-Robust Inference", Journal of Human Resources 2015; MacKinnon,
Nielsen and Webb, "Fast and reliable jackknife and bootstrap methods for cluster-robust inference", 2023, there CV3).
It is deterministic, costs one value per cluster, and needs nothing to be independent within a cluster. With few
clusters the normal distribution is too sure of itself, so the bound takes Student's t with (clusters - 1) degrees of
freedom.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from pipelines.steps.plugin import FloatArray

_FEWEST = 2


@dataclass(frozen=True)
class Bounds:
    """An estimate with its one-sided bounds.

    Attributes:
        estimate: on all rows.
        standard_error: of the estimate; ``None`` when it cannot be told.
        lower: the value is above this with probability 1 - alpha; ``None`` when it cannot be told.
        upper: the same from the other side.
        clusters: how many it rests on.
    """

    estimate: float
    standard_error: float | None
    lower: float | None
    upper: float | None
    clusters: int


def bounds(estimate: float, without: FloatArray, *, alpha: float) -> Bounds:
    """Return the bounds of an estimate.

    There are none with fewer than two clusters, or when a value is undefined without one of them (a cluster that
    holds all positive rows): then nothing can be said of the spread.

    Args:
        estimate: the value on all rows.
        without: the value without each cluster.
        alpha: one-sided error probability.
    """
    clusters = len(without)
    if clusters < _FEWEST or not (np.isfinite(estimate) and np.isfinite(without).all()):
        return Bounds(estimate=estimate, standard_error=None, lower=None, upper=None, clusters=clusters)
    variance = (clusters - 1) / clusters * float(np.sum(np.square(without - estimate)))
    error = float(np.sqrt(variance))
    reach = float(stdtrit(clusters - 1, 1 - alpha)) * error
    return Bounds(
        estimate=estimate, standard_error=error, lower=estimate - reach, upper=estimate + reach, clusters=clusters
    )
