"""Metrics and the floor that a first model has to clear."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from pipelines.steps import gate, metrics
from pipelines.steps.failure import StepError

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def floor(
    metric: str = "rmse", direction: str = "minimize", minimum: float = 0.1, task: str = "regression"
) -> gate.Floor:
    return gate.parse_floor(task=task, metric=metric, direction=direction, min_improvement=minimum)


@pytest.mark.parametrize(
    ("challenger", "promoted"),
    [(8.9, True), (9.0, True), (9.1, False), (10.0, False), (12.0, False)],
)
def test_an_error_must_shrink_by_the_floor(challenger: float, promoted: bool) -> None:  # noqa: FBT001
    assert gate.against_naive(challenger, 10.0, floor()).promote is promoted


@pytest.mark.parametrize(("challenger", "promoted"), [(0.56, True), (0.54, False), (0.4, False)])
def test_a_score_must_grow_by_the_floor(challenger: float, promoted: bool) -> None:  # noqa: FBT001
    wanted = floor("auc", "maximize", task="binary_classification")
    assert gate.against_naive(challenger, 0.5, wanted).promote is promoted


def test_the_reason_holds_both_numbers_and_the_floor() -> None:
    reason = gate.against_naive(12.0, 10.0, floor()).reason
    assert reason == "rmse 12 against 10 of the naive predictor is 20.0% worse; the floor is 10.0%"


def test_a_perfect_naive_predictor_cannot_be_beaten() -> None:
    assert gate.against_naive(0.0, 0.0, floor()).promote is False


@given(NUMBERS)
def test_a_challenger_as_good_as_the_naive_predictor_is_never_promoted(value: float) -> None:
    assert gate.against_naive(abs(value), abs(value), floor()).promote is False


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metric": "auc"}, "gate.metric is 'auc', which regression does not have: use one of mae, rmse"),
        ({"direction": "maximize"}, "rmse is a metric to minimize"),
        ({"task": "ranking"}, "task 'ranking' is unknown"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(change: dict[str, str], words: str) -> None:
    with pytest.raises(StepError, match=words):
        floor(**change)


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


@given(st.lists(NUMBERS, min_size=1, max_size=50))
def test_regression_metrics_of_a_perfect_prediction_are_zero(values: list[float]) -> None:
    target = np.array(values)
    assert metrics.compute("regression", target, target) == {"rmse": 0.0, "mae": 0.0}
