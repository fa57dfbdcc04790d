"""How good answers were, with an interval: days are left out one at a time, because they share their weather."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit
from sklearn.metrics import log_loss, roc_auc_score

Numbers = npt.NDArray[np.float64]
_LEVEL = 0.95

METRICS: Mapping[str, Callable[[Numbers, Numbers], float]] = {
    "rmse": lambda target, prediction: float(np.sqrt(np.mean(np.square(prediction - target)))),
    "mae": lambda target, prediction: float(np.mean(np.abs(prediction - target))),
    "auc": lambda target, prediction: float(roc_auc_score(target, prediction)),
    "log_loss": lambda target, prediction: float(log_loss(target, prediction)),
}
LARGER_IS_BETTER = frozenset({"auc"})


@dataclass(frozen=True)
class Score:
    """A metric with its two-sided interval; ``None`` with fewer than two days."""

    value: float
    interval: tuple[float, float] | None

    def as_document(self) -> dict[str, object]:
        """The score as the story tells it."""
        return {"value": self.value, "interval": None if self.interval is None else list(self.interval)}


def score(metric: str, target: Numbers, prediction: Numbers, days: npt.NDArray[np.int64]) -> Score:
    """Compute a metric and its interval from the delete-one-day jackknife (docs/gate.md, "The bound")."""
    compute = METRICS[metric]
    value = compute(target, prediction)
    numbers = np.unique(days)
    if len(numbers) < 2:  # noqa: PLR2004 - nothing is left without the only day
        return Score(value, None)
    without = np.array([compute(target[days != day], prediction[days != day]) for day in numbers])
    error = float(np.sqrt((len(numbers) - 1) / len(numbers) * np.sum(np.square(without - value))))
    reach = float(stdtrit(len(numbers) - 1, 0.5 + _LEVEL / 2)) * error
    return Score(value, (value - reach, value + reach))
