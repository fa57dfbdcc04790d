"""Ways to decide whether a challenger replaces a champion: the gate's own, and those that people use instead."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from pipelines.steps.gate import clusters, comparison, verdict
from pipelines.steps.gate.rules import Rules
from pipelines.steps.plugin import FloatArray

_RESAMPLES = 999
_CHUNK = 111


@dataclass(frozen=True, eq=False)
class Window:
    """Rows of one hold-out with both models' predictions.

    Attributes:
        moments: microseconds since the epoch.
        target: minutes in the air.
        champion: predicted.
        challenger: predicted.
        stored: RMSE that the champion had on the hold-out of its own run.
        measured: RMSE that the challenger has on the hold-out of its run, which is what a template compares with it.
    """

    moments: FloatArray
    target: FloatArray
    champion: FloatArray
    challenger: FloatArray
    stored: float
    measured: float


@dataclass(frozen=True)
class PromotionRule:
    """One way to decide on RMSE.

    Attributes:
        name: of the way.
        alpha: one-sided error probability it claims, ``None`` when it claims none.
        margin: share by which the challenger must be better.
        decide: the decision.
    """

    name: str
    alpha: float | None
    margin: float
    decide: Callable[[Window], bool]


def all_rules() -> Sequence[PromotionRule]:
    """Return every rule, the gate's own last; the bounds also in settings other than the gate's, to tell them apart."""
    point = (
        PromotionRule("stored number of the champion", None, 0.0, _stored),
        PromotionRule("point estimate, same hold-out", None, 0.0, lambda window: _whole(window) > 0),
    )
    bounds = (("row bootstrap", _rows), ("day-block bootstrap", _day_blocks), ("jackknife over days", _jackknife))
    return point + tuple(
        PromotionRule(name, alpha, margin, _bound(build, alpha, margin))
        for name, build in bounds
        for alpha, margin in ((0.05, 0.0), (0.01, 0.0), (0.01, 0.01))
    )


def _bound(build: Callable[[Window, float, float], bool], alpha: float, margin: float) -> Callable[[Window], bool]:
    return lambda window: build(window, alpha, margin)


def rmse(target: FloatArray, prediction: FloatArray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean(np.square(prediction - target))))


def _stored(window: Window) -> bool:
    return window.measured < window.stored


def _whole(window: Window) -> float:
    return 1 - rmse(window.target, window.challenger) / rmse(window.target, window.champion)


def _squares(window: Window) -> FloatArray:
    errors = np.stack([window.champion - window.target, window.challenger - window.target])
    squares: FloatArray = np.square(errors)
    return squares


def _rows(window: Window, alpha: float, margin: float) -> bool:
    """Lower percentile of the improvement over drawn rows."""
    return float(np.quantile(_drawn_by_row(window), alpha)) > margin


@cache
def _drawn_by_row(window: Window) -> FloatArray:
    """Draw rows with replacement."""
    random = np.random.default_rng(1)
    squares, count = _squares(window), len(window.target)
    gains = []
    for _ in range(0, _RESAMPLES, _CHUNK):
        drawn = random.integers(0, count, (_CHUNK, count), dtype=np.int32)
        champion, challenger = (row[drawn].sum(axis=1) for row in squares)
        gains.append(1 - np.sqrt(challenger / champion))
    return np.concatenate(gains)


def _day_blocks(window: Window, alpha: float, margin: float) -> bool:
    """Draw whole days with replacement; lower percentile of the improvement."""
    random = np.random.default_rng(1)
    grouped = clusters.by_time(window.moments.astype(np.int64), "day")
    champion, challenger = (np.bincount(grouped.of_row, weights=row) for row in _squares(window))
    drawn = random.integers(0, len(grouped), (_RESAMPLES, len(grouped)))
    gains = 1 - np.sqrt(challenger[drawn].sum(axis=1) / champion[drawn].sum(axis=1))
    return float(np.quantile(gains, alpha)) > margin


def _jackknife(window: Window, alpha: float, margin: float) -> bool:
    """Ask the gate itself."""
    rules = Rules(
        task="regression",
        metric="rmse",
        margin=margin,
        alpha=alpha,
        min_improvement_over_naive=0.1,
        unit="day",
        min_clusters=7,
    )
    judged = comparison.Judged(
        target=window.target,
        challenger=window.challenger,
        champion=window.champion,
        clusters=clusters.by_time(window.moments.astype(np.int64), rules.unit),
        slices={},
    )
    return verdict.against_champion(comparison.compare(judged, rules), rules).promote
