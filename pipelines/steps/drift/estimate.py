"""How good the predictions probably are, before their labels arrive. An estimate, and called one everywhere.

It rests on one assumption: a prediction of a certain size is as good as it was on the held-out rows. Then the metric
follows from how often each size is predicted now. Drift that changes what a prediction means (the same input, another
answer) is invisible to it; only labels show that.

Classification: confidence-based performance estimation (NannyML's CBPE, documentation page "How CBPE works"), with the
share of positive rows per bin in place of the calibrated score. Regression: the mean loss per bin, weighted anew.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.steps.drift.baseline import Baseline, Outcomes
from pipelines.steps.profiling.counts import ColumnCounts

_ASSUMPTION = "a prediction of a given size is as good as it was on the held-out rows"


@dataclass(frozen=True)
class Estimate:
    """An estimated metric, and what the estimate rests on."""

    metric: str
    value: float
    method: str
    assumption: str = _ASSUMPTION


def estimate(baseline: Baseline, predictions: ColumnCounts, *, metric: str) -> Estimate | None:
    """Estimate a metric from the bins that predictions fall into; ``None`` where nothing can be said.

    The bins cost a little exactness. The same bins cost the same on the held-out rows, where the exact value is known,
    so the difference between both is added to that one.

    Args:
        baseline: of the version that predicted.
        predictions: its predictions, by the baseline's prediction layout.
        metric: one of the task's.
    """
    method, compute = _METHODS[metric]
    outcomes = baseline.outcomes
    then = compute(outcomes, [each.rows for each in outcomes])
    now = compute(outcomes, predictions.bins)
    if then is None or now is None:
        return None
    return Estimate(metric=metric, value=baseline.metrics[metric] + now - then, method=method)


def _mean_loss(metric: str) -> Callable[[Sequence[Outcomes], Sequence[int]], float | None]:
    def compute(outcomes: Sequence[Outcomes], rows: Sequence[int]) -> float | None:
        known = [
            (each.losses[metric] / each.rows, weight) for each, weight in zip(outcomes, rows, strict=True) if each.rows
        ]
        weight = sum(weight for _, weight in known)
        return math.fsum(loss * weight for loss, weight in known) / weight if weight else None

    return compute


def _rmse(outcomes: Sequence[Outcomes], rows: Sequence[int]) -> float | None:
    mean = _mean_loss("rmse")(outcomes, rows)
    return None if mean is None else math.sqrt(mean)


def _auc(outcomes: Sequence[Outcomes], rows: Sequence[int]) -> float | None:
    positives = [
        weight * each.target / each.rows if each.rows else 0.0 for each, weight in zip(outcomes, rows, strict=True)
    ]
    negatives = [
        weight - positive if each.rows else 0.0
        for each, weight, positive in zip(outcomes, rows, positives, strict=True)
    ]
    pairs = math.fsum(positives) * math.fsum(negatives)
    if not pairs:
        return None
    below, won = 0.0, 0.0
    for positive, negative in zip(positives, negatives, strict=True):
        won += positive * (below + negative / 2)
        below += negative
    return won / pairs


_LOSS = "mean held-out loss by predicted value, weighted with how often each is predicted now"
_CBPE = "confidence-based (CBPE): held-out share of positive rows by predicted probability"
_METHODS: Mapping[str, tuple[str, Callable[[Sequence[Outcomes], Sequence[int]], float | None]]] = {
    "rmse": (_LOSS, _rmse),
    "mae": (_LOSS, _mean_loss("mae")),
    "log_loss": (_LOSS, _mean_loss("log_loss")),
    "auc": (_CBPE, _auc),
}
