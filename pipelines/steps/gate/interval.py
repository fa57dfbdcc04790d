"""The two-sided interval of a metric that reports show, from the jackknife over clusters."""

from typing import Final

from pipelines.steps.gate import jackknife, leave_one_out
from pipelines.steps.gate.clusters import Clusters
from pipelines.steps.plugin import FloatArray

LEVEL: Final = 0.95


def compute(metric: str, target: FloatArray, prediction: FloatArray, clusters: Clusters) -> tuple[float, float] | None:
    """Return the interval; arguments as for :func:`leave_one_out.compute`, ``None`` where the jackknife has none."""
    values = leave_one_out.compute(metric, target, prediction, clusters)
    bounds = jackknife.bounds(values.whole, values.without, alpha=(1 - LEVEL) / 2)
    return None if bounds.lower is None or bounds.upper is None else (bounds.lower, bounds.upper)
