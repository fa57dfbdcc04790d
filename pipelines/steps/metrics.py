"""Metrics of a model's predictions, in double precision and in the order of the rows, so that they reproduce."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipelines.steps.failure import StepError
from pipelines.steps.plugin import FloatArray

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Metric:
    """One number that judges predictions.

    Attributes:
        direction: whether small or large is good.
        compute: (target, prediction) to number.
    """

    direction: Direction
    compute: Callable[[FloatArray, FloatArray], float]


def rmse(target: FloatArray, prediction: FloatArray) -> float:
    """Root of the mean squared error, in the target's unit."""
    return float(np.sqrt(np.mean(np.square(prediction - target))))


def mae(target: FloatArray, prediction: FloatArray) -> float:
    """Mean absolute error, in the target's unit."""
    return float(np.mean(np.abs(prediction - target)))


def auc(target: FloatArray, prediction: FloatArray) -> float:
    """Area under the ROC curve by ranks; ties count half.

    Raises:
        StepError: when only one class is present.
    """
    positives = float(np.sum(target == 1))
    negatives = float(len(target)) - positives
    if not positives or not negatives:
        raise StepError("auc needs rows of both classes, and the hold-out has rows of one only")
    _, inverse, counts = np.unique(prediction, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((np.sum(ranks[target == 1]) - positives * (positives + 1) / 2) / (positives * negatives))


def log_loss(target: FloatArray, prediction: FloatArray) -> float:
    """Mean negative log-likelihood of the class; a probability of exactly 0 or 1 is taken as almost that."""
    epsilon = np.finfo(np.float64).eps
    clipped = np.clip(prediction, epsilon, 1 - epsilon)
    return float(-np.mean(target * np.log(clipped) + (1 - target) * np.log(1 - clipped)))


BY_TASK: Mapping[str, Mapping[str, Metric]] = {
    "regression": {"rmse": Metric("minimize", rmse), "mae": Metric("minimize", mae)},
    "binary_classification": {"auc": Metric("maximize", auc), "log_loss": Metric("minimize", log_loss)},
}


def of_task(task: str) -> Mapping[str, Metric]:
    """Return the metrics of a task.

    Raises:
        StepError: when there is no such task.
    """
    if task not in BY_TASK:
        raise StepError(f"task {task!r} is unknown: use one of {', '.join(sorted(BY_TASK))}")
    return BY_TASK[task]


def compute(task: str, target: FloatArray, prediction: FloatArray) -> dict[str, float]:
    """Return every metric of a task.

    Raises:
        StepError: when there is no such task, or a metric cannot be computed.
    """
    return {name: metric.compute(target, prediction) for name, metric in of_task(task).items()}
