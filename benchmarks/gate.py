"""The gate on a million scored rows against a paired ``scipy.stats.bootstrap`` of the same improvement.

The bootstrap's cost is proportional to its resamples; it is measured with fewer of them on the same rows and
multiplied, because 999 take minutes. It draws rows one by one, so it answers a question that is easier than the gate's
and wrong for rows that belong together; the comparison is about seconds only.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from pipelines.steps.gate import clusters, comparison, verdict
from pipelines.steps.gate.rules import Rules
from pipelines.steps.plugin import FloatArray

_ROWS = 1_000_000
_RESAMPLES = 999
_PEER_RESAMPLES = 30
_BATCH = 10
"""Resamples that the peer holds at once; its default, all of them, would take 24 GB here."""
_DAYS = 14
_HOUR = 3_600_000_000
_RUNS = 5


def run() -> list[dict[str, Any]]:
    """Measure the whole decision: clusters of time, both models' metric, bound and verdict; imports excluded."""
    random = np.random.default_rng(2013)
    moments = np.sort(random.integers(0, 24 * _DAYS, _ROWS)) * _HOUR
    minutes = random.normal(150, 80, _ROWS)
    flights = [minutes + random.normal(0, spread, _ROWS) for spread in (12.2, 12.0)]
    odds = random.normal(size=_ROWS)
    late = (random.uniform(size=_ROWS) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    chances = [1 / (1 + np.exp(-odds - random.normal(0, spread, _ROWS))) for spread in (1.1, 1.0)]
    peer = _bootstrapped(minutes, *flights)
    expected = peer * _RESAMPLES / _PEER_RESAMPLES
    measured = {
        "gate, rmse": _median(lambda: _decide("regression", "rmse", moments, minutes, flights)),
        "gate, log_loss": _median(lambda: _decide("binary_classification", "log_loss", moments, late, chances)),
        "gate, auc": _median(lambda: _decide("binary_classification", "auc", moments, late, chances)),
    }
    return [
        {
            "name": f"scipy.stats.bootstrap, paired, {_RESAMPLES} resamples, rmse",
            "seconds": round(expected, 1),
            "faster": 1.0,
            "how": f"{_ROWS} rows, extrapolated from {peer:.2f} s for {_PEER_RESAMPLES} resamples",
        },
        *(
            {
                "name": name,
                "seconds": round(seconds, 4),
                "faster": round(expected / seconds),
                "how": f"{_ROWS} rows in {_DAYS} days, median of {_RUNS}",
            }
            for name, seconds in measured.items()
        ),
    ]


def _decide(task: str, metric: str, moments: Any, target: FloatArray, predictions: list[FloatArray]) -> bool:
    rules = Rules(
        task=task,
        metric=metric,
        margin=0.01,
        alpha=0.01,
        min_improvement_over_naive=0.1,
        unit="day",
        min_clusters=7,
    )
    champion, challenger = predictions
    grouped = clusters.by_time(moments, rules.unit)
    judged = comparison.Judged(target=target, challenger=challenger, champion=champion, clusters=grouped, slices={})
    return verdict.against_champion(comparison.compare(judged, rules), rules).promote


def _bootstrapped(target: FloatArray, champion: FloatArray, challenger: FloatArray) -> float:
    """Seconds of the peer, in its fastest form: vectorised, percentiles."""

    def improvement(target: FloatArray, champion: FloatArray, challenger: FloatArray, axis: int = -1) -> FloatArray:
        reference = np.sqrt(np.mean(np.square(champion - target), axis=axis))
        gain: FloatArray = 1 - np.sqrt(np.mean(np.square(challenger - target), axis=axis)) / reference
        return gain

    began = time.perf_counter()
    bootstrap(
        (target, champion, challenger),
        improvement,
        paired=True,
        vectorized=True,
        n_resamples=_PEER_RESAMPLES,
        batch=_BATCH,
        method="percentile",
        alternative="greater",
        confidence_level=0.99,
        random_state=np.random.default_rng(1),
    )
    return time.perf_counter() - began


def _median(decide: Callable[[], bool]) -> float:
    seconds = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        decide()
        seconds.append(time.perf_counter() - began)
    return median(seconds)
