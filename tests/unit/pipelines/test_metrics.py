"""Metrics against an independent implementation, and predictions that no metric means anything on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from pipelines.steps import metrics
from pipelines.steps.failure import StepError
from pipelines.steps.plugin import FloatArray


def test_classification_metrics_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(7)
    target = random.integers(0, 2, 500).astype(float)
    scores = np.round(random.uniform(0.01, 0.99, 500), 1)  # rounded: ties
    computed = metrics.compute("binary_classification", target, scores)
    assert computed["auc"] == pytest.approx(roc_auc_score(target, scores), rel=1e-12)
    assert computed["log_loss"] == pytest.approx(log_loss(target, scores), rel=1e-9)


def test_a_constant_prediction_has_an_auc_of_one_half() -> None:
    assert metrics.auc(np.array([0.0, 1.0, 1.0]), np.full(3, 0.3)) == 0.5


def test_auc_of_one_class_is_refused_and_not_guessed() -> None:
    with pytest.raises(StepError, match="both classes"):
        metrics.auc(np.ones(3), np.ones(3))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_regression_metrics_of_a_perfect_prediction_are_zero(values: list[float]) -> None:
    target = np.array(values)
    assert metrics.compute("regression", target, target) == {"rmse": 0.0, "mae": 0.0}


@pytest.mark.parametrize(
    ("task", "target", "prediction", "words"),
    [
        ("regression", [1.0, 2.0], [1.0], "1,\\) numbers for 2 rows"),
        ("regression", [1.0, 2.0], [1.0, np.nan], "predicts nan in 1 of 2 rows, it must be a finite number"),
        ("binary_classification", [0.0, 1.0], [0.5, 1.5], "predicts 1.5 in 1 of 2 rows, it must be a probability"),
        ("binary_classification", [0.0, 2.0], [0.5, 0.5], "values other than 0 and 1"),
    ],
)
def test_predictions_that_mean_nothing_are_refused(
    task: str, target: list[float], prediction: list[float], words: str
) -> None:
    with pytest.raises(StepError, match=words):
        metrics.check(task, _array(target), _array(prediction), model="challenger")


def _array(values: list[float]) -> FloatArray:
    return np.array(values, dtype=np.float64)
