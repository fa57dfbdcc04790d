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


def squared_errors(target: FloatArray, prediction: FloatArray) -> FloatArray:
    """Squared error of every row."""
    errors: FloatArray = np.square(prediction - target)
    return errors


def absolute_errors(target: FloatArray, prediction: FloatArray) -> FloatArray:
    """Absolute error of every row."""
    errors: FloatArray = np.abs(prediction - target)
    return errors


def log_losses(target: FloatArray, prediction: FloatArray) -> FloatArray:
    """Negative log-likelihood of every row's class; a probability of exactly 0 or 1 is taken as almost that."""
    epsilon = np.finfo(np.float64).eps
    of_truth = np.where(target == 1, prediction, 1 - prediction)
    losses: FloatArray = -np.log(np.clip(of_truth, epsilon, 1 - epsilon))
    return losses


def rmse(target: FloatArray, prediction: FloatArray) -> float:
    """Root of the mean squared error, in the target's unit."""
    return float(np.sqrt(np.mean(squared_errors(target, prediction))))


def mae(target: FloatArray, prediction: FloatArray) -> float:
    """Mean absolute error, in the target's unit."""
    return float(np.mean(absolute_errors(target, prediction)))


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
    """Mean negative log-likelihood of the class."""
    return float(np.mean(log_losses(target, prediction)))


BY_TASK: Mapping[str, Mapping[str, Metric]] = {
    "regression": {"rmse": Metric("minimize", rmse), "mae": Metric("minimize", mae)},
    "binary_classification": {"auc": Metric("maximize", auc), "log_loss": Metric("minimize", log_loss)},
}


LOSSES: Mapping[str, Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]]] = {
    "regression": {"rmse": squared_errors, "mae": absolute_errors},
    "binary_classification": {"log_loss": log_losses},
}
"""Losses of single rows, by the metric that their mean (for ``rmse``: the root of it) is."""


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


def check(task: str, target: FloatArray, prediction: FloatArray, *, model: str) -> None:
    """Refuse predictions that no metric of the task means anything on.

    Args:
        task: the project's task.
        target: the labels of the same rows.
        prediction: one number per row is wanted.
        model: who predicted, for the message.

    Raises:
        StepError: when a prediction is missing or not finite, or a probability is none, or a label is no class.
    """
    if prediction.shape != target.shape:
        raise StepError(f"the {model} predicts {prediction.shape} numbers for {len(target)} rows, it must be one a row")
    wrong = ~np.isfinite(prediction)
    if task == "binary_classification":
        wrong |= (prediction < 0) | (prediction > 1)
        if not np.isin(target, (0, 1)).all():
            raise StepError("the target of a binary classification holds values other than 0 and 1 (true and false)")
    if wrong.any():
        wanted = "a probability" if task == "binary_classification" else "a finite number"
        raise StepError(
            f"the {model} predicts {prediction[wrong][0]} in {int(wrong.sum())} of {len(target)} rows, "
            f"it must be {wanted}"
        )
