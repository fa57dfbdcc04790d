"""Distances, limits, and the estimate of a metric before its labels arrive."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp

from pipelines.steps import metrics
from pipelines.steps.contract import Field
from pipelines.steps.drift import baseline, distances, estimate, features, limits, quality, violations
from pipelines.steps.drift.quantiles import quantiles
from pipelines.steps.failure import StepError
from pipelines.steps.profiling import arrow_engine, layout

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(sum)
PAIRS = COUNTS.flatmap(
    lambda one: st.tuples(
        st.just(one), st.lists(st.integers(0, 1000), min_size=len(one), max_size=len(one)).filter(sum)
    )
)


@given(pair=PAIRS)
def test_distances_are_zero_for_equal_shares_and_symmetric(pair: tuple[list[int], list[int]]) -> None:
    one, other = pair
    for distance in (
        distances.population_stability_index,
        distances.jensen_shannon,
        lambda left, right: distances.l_infinity(left, right, ordered=True),
        lambda left, right: distances.l_infinity(left, right, ordered=False),
    ):
        assert distance(one, [3 * count for count in one]) == pytest.approx(0, abs=1e-7)
        assert distance(one, other) == pytest.approx(distance(other, one))
        assert distance(one, other) >= 0


@given(pair=PAIRS)
def test_jensen_shannon_is_scipys(pair: tuple[list[int], list[int]]) -> None:
    assert distances.jensen_shannon(*pair) == pytest.approx(jensenshannon(*pair, base=2), abs=1e-6)


@given(pair=PAIRS)
def test_ordered_l_infinity_is_the_statistic_of_kolmogorov_and_smirnov(pair: tuple[list[int], list[int]]) -> None:
    samples = [np.repeat(np.arange(len(counts)), counts) for counts in pair]
    assert distances.l_infinity(*pair, ordered=True) == pytest.approx(ks_2samp(*samples).statistic, abs=1e-9)


def test_the_stability_index_is_the_textbooks() -> None:
    expected = sum((q - p) * math.log(q / p) for p, q in ((0.5, 0.2), (0.3, 0.3), (0.2, 0.5)))
    assert distances.population_stability_index([50, 30, 20], [20, 30, 50]) == pytest.approx(expected)


def test_evidently_and_nannyml_measure_the_same_in_the_same_bins() -> None:
    """Their values are recorded: both want a pandas that the image does not have (benchmarks/peers)."""
    recorded = json.loads((Path(__file__).parent / "examples" / "peer_distances.json").read_text())
    evidently, nannyml = recorded["evidently 0.7.23"], recorded["nannyml 0.13.1"]
    ours = [distances.population_stability_index(*pair) for pair in recorded["counts"]]
    assert ours == pytest.approx(evidently["psi"], abs=1e-12)
    in_bits = [distances.jensen_shannon(*pair) for pair in recorded["counts"]]
    assert in_bits == pytest.approx(nannyml["jensen_shannon_bits"], abs=1e-12)
    in_nats = [distance * math.sqrt(math.log(2)) for distance in in_bits]
    assert in_nats == pytest.approx(evidently["jensen_shannon_nats"], abs=1e-12)


def test_an_empty_bin_costs_something_and_not_everything() -> None:
    assert 0 < distances.population_stability_index([50, 50, 0], [50, 49, 1]) < 1


def test_unchanged_rows_are_within_the_robust_distance() -> None:
    random = np.random.default_rng(7)
    shares = np.full(20, 0.05)
    alarms = 0
    for _ in range(400):
        one, other = random.multinomial(50_000, shares), random.multinomial(500, shares)
        linf = distances.l_infinity(one.tolist(), other.tolist(), ordered=True)
        alarms += distances.robust_l_infinity(linf, baseline=50_000, current=500) > 0
    assert alarms <= 4


def feature(then: pa.Array, now: pa.Array, kind: str = "number", **rule: object) -> features.Feature:
    bins = layout.of_rows(pa.table({"x": then}), [Field("x", kind, nullable=True)])  # type: ignore[arg-type]
    one, other = (arrow_engine.profile_table(pa.table({"x": values}), bins) for values in (then, now))
    chosen = features.Rule(**{"limit": 0.1, "min_rows": 100, **rule})  # type: ignore[arg-type]
    return features.compare(bins.columns[0], one.columns["x"], other.columns["x"], chosen)


RANDOM = np.random.default_rng(1)
NORMAL = pa.array(RANDOM.normal(0, 1, 20_000))


def test_a_shift_beyond_the_limit_is_drift() -> None:
    moved = feature(NORMAL, pa.array(RANDOM.normal(1, 1, 2000)))
    assert moved.drifted
    assert moved.robust_linf == pytest.approx(0.38 - 1.8 * math.sqrt(1 / 20_000 + 1 / 2000), abs=0.03)


def test_the_same_distribution_is_none() -> None:
    still = feature(NORMAL, pa.array(RANDOM.normal(0, 1, 2000)))
    assert not still.drifted
    assert still.psi is not None
    assert still.psi < 0.1


def test_values_that_go_missing_are_a_shift_too() -> None:
    values = RANDOM.normal(0, 1, 2000).tolist()
    gone = feature(NORMAL, pa.array([None if number % 2 else value for number, value in enumerate(values)]))
    assert gone.drifted
    assert [each.label for each in gone.bins()][-1] == "(missing)"


@pytest.mark.parametrize(
    ("rule", "words"),
    [({"min_rows": 5000}, "2000 rows, and fewer than 5000"), ({"ignored": True}, "monitoring.ignore")],
)
def test_what_is_not_judged_says_why_and_never_drifts(rule: dict[str, object], words: str) -> None:
    moved = feature(NORMAL, pa.array(RANDOM.normal(3, 1, 2000)), **rule)
    assert not moved.drifted
    assert words in (moved.why_not or "")
    assert moved.robust_linf is not None
    assert moved.robust_linf > 0.1, "it is measured all the same"


def lengths(then: list[str], now: list[str]) -> features.Feature | None:
    bins = layout.of_rows(pa.table({"x": then}), [Field("x", "string")])
    one, other = (arrow_engine.profile_table(pa.table({"x": texts}), bins).columns["x"] for texts in (then, now))
    return features.compare_lengths(bins.columns[0], one, other, features.Rule(0.1, 100))


def test_free_text_is_judged_by_its_length() -> None:
    then = [f"{number}" * (1 + number % 7) for number in range(1000, 3000)]
    assert lengths(then, then) is not None
    longer = lengths(then, [text + " and more of it" for text in then])
    assert longer is not None
    assert longer.drifted
    assert (longer.name, longer.kind) == ("x (length)", "length")
    assert longer.as_document()["mean"] is None, "lengths are counted in bins and not summed"


def test_texts_with_bins_of_their_own_need_no_lengths() -> None:
    assert lengths(["a", "bb"] * 500, ["a", "bb"] * 500) is None


def test_time_is_never_judged() -> None:
    moments = pa.array(range(1000), pa.timestamp("us", tz="UTC"))
    assert not feature(moments, moments, kind="timestamp").drifted


def test_nothing_to_compare_has_no_distance() -> None:
    nothing = feature(NORMAL, pa.array([], pa.float64()))
    assert (nothing.linf, nothing.psi, nothing.drifted) == (None, None, False)


def test_quantiles_are_read_from_the_bins() -> None:
    bins = layout.of_rows(pa.table({"x": NORMAL}), [Field("x", "number")])
    counted = arrow_engine.profile_table(pa.table({"x": NORMAL}), bins).columns["x"]
    assert quantiles(counted, bins.columns[0], at=(0.25, 0.5, 0.75)) == pytest.approx([-0.674, 0, 0.674], abs=0.03)


def test_limits_are_read_back_as_they_were_written() -> None:
    wanted = limits.Limits(window="hour", span=3, max_drift=0.25, ignore=("temp", "dewp"))
    assert limits.parse(wanted.as_text(), ignore=wanted.ignored_as_text()) == wanted


@pytest.mark.parametrize("text", ["", "window=day", limits.Limits().as_text().replace("span=7", "span=x")])
def test_limits_that_cannot_be_read_are_named(text: str) -> None:
    with pytest.raises(StepError, match="monitoring limit"):
        limits.parse(text)


def test_a_window_that_does_not_exist_is_refused() -> None:
    with pytest.raises(StepError, match="window is 'week'"):
        limits.parse(limits.Limits().as_text().replace("window=day", "window=week"))


def regression(rows: int = 20_000, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Predictions from 0 to 100 whose errors grow with them."""
    random = np.random.default_rng(seed)
    prediction = random.uniform(0, 100, rows)
    return prediction + random.normal(0, 1, rows) * (1 + prediction / 10), prediction


def baseline_of(target: np.ndarray, prediction: np.ndarray, *, task: str = "regression") -> baseline.Baseline:
    kind = "number" if task == "regression" else "boolean"
    train = pa.table({"x": NORMAL.slice(0, 1000), "y": pa.array(target[:1000]).cast(pa.float64())})
    if kind == "boolean":
        train = train.set_column(1, "y", pa.array(target[:1000] > 0))
    held_out = baseline.HeldOut(target=target, prediction=prediction, intervals={})
    subject = baseline.Subject("toy", task, "y", "snapshot")
    return baseline.measure(train, [Field("x", "number"), Field("y", kind)], held_out, subject)  # type: ignore[arg-type]


def counted(found: baseline.Baseline, prediction: np.ndarray) -> arrow_engine.Profile:
    return arrow_engine.profile_table(baseline.prediction_rows(prediction), found.prediction_layout)


def test_a_baseline_is_read_back_as_it_was_written() -> None:
    found = baseline_of(*regression())
    assert baseline.parse(found.as_text()) == found


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": 9}', "no json"])
def test_what_is_no_baseline_is_refused(text: str) -> None:
    with pytest.raises(StepError, match=r"baseline\.json"):
        baseline.parse(text)


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_more_of_the_difficult_predictions_are_estimated_as_a_larger_error(metric: str) -> None:
    target, prediction = regression()
    found = baseline_of(target, prediction)
    chosen = prediction > 50
    guessed = estimate.estimate(found, counted(found, prediction[chosen]).columns["prediction"], metric=metric)
    assert guessed is not None
    actual = metrics.compute("regression", target[chosen], prediction[chosen])[metric]
    assert guessed.value == pytest.approx(actual, rel=0.03)
    assert guessed.value > 1.2 * found.metrics[metric]


def classification(rows: int, *, seed: int, power: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities; a power above 1 makes high ones rarer."""
    random = np.random.default_rng(seed)
    probability = random.uniform(0, 1, rows) ** power
    return (random.random(rows) < probability).astype(float), probability


@pytest.mark.parametrize("metric", ["auc", "log_loss"])
def test_the_quality_of_a_classifier_is_estimated_from_its_confidence(metric: str) -> None:
    found = baseline_of(*classification(40_000, seed=1), task="binary_classification")
    target, probability = classification(40_000, seed=2, power=2.0)
    guessed = estimate.estimate(found, counted(found, probability).columns["prediction"], metric=metric)
    assert guessed is not None
    actual = metrics.compute("binary_classification", target, probability)[metric]
    assert guessed.value == pytest.approx(actual, abs=0.01)
    assert abs(actual - found.metrics[metric]) > 0.005, "there is something to see"


def test_without_predictions_nothing_is_estimated() -> None:
    found = baseline_of(*regression())
    assert estimate.estimate(found, counted(found, np.zeros(0)).columns["prediction"], metric="rmse") is None


def labelled(target: np.ndarray, prediction: np.ndarray) -> quality.Labelled:
    hours = np.arange(len(target), dtype=np.int64) * 3_600_000_000
    return quality.Labelled(moments=hours, target=target, prediction=prediction)


def test_quality_on_labels_is_the_metric_with_an_interval_around_it() -> None:
    target, prediction = regression(2000, seed=4)
    found = baseline_of(*regression())
    measured = quality.measure(labelled(target, prediction), found, metric="rmse", min_labels=500, limit=0.1)
    assert measured.value == pytest.approx(metrics.rmse(target, prediction))
    assert measured.interval is not None
    assert measured.interval[0] < measured.value < measured.interval[1]
    assert (measured.rows, measured.clusters, measured.breached) == (2000, 84, False)


def test_a_worse_metric_is_a_drop_beyond_the_baselines_interval() -> None:
    target, prediction = regression(2000, seed=4)
    found = replace(baseline_of(*regression()), intervals={"rmse": (6.0, 7.0)})
    measured = quality.measure(labelled(target + 20, prediction), found, metric="rmse", min_labels=500, limit=0.1)
    assert measured.value is not None
    assert measured.drop == pytest.approx((measured.value - 7.0) / 7.0)
    assert measured.boundary == pytest.approx(7.7)
    assert measured.breached


def test_a_metric_that_should_be_large_drops_downwards() -> None:
    found = baseline_of(*classification(20_000, seed=1), task="binary_classification")
    target, probability = classification(2000, seed=3)
    found = replace(found, intervals={"auc": (0.68, 0.72)})
    measured = quality.measure(labelled(target, 1 - probability), found, metric="auc", min_labels=100, limit=0.1)
    assert measured.boundary == pytest.approx(0.68 * 0.9)
    assert measured.breached


def test_beyond_the_boundary_is_beyond_the_limit_of_the_drop_even_from_zero() -> None:
    target, prediction = regression(2000, seed=4)
    perfect = replace(baseline_of(*regression()), intervals={"rmse": (0.0, 0.0)})
    measured = quality.measure(labelled(target, prediction), perfect, metric="rmse", min_labels=500, limit=0.1)
    assert (measured.boundary, measured.drop, measured.breached) == (0.1, measured.value, True)


def test_the_boundary_is_known_before_labels_arrive() -> None:
    found = replace(baseline_of(*regression()), intervals={"rmse": (6.0, 7.0)})
    measured = quality.measure(labelled(*regression(10)), found, metric="rmse", min_labels=500, limit=0.1)
    assert (measured.value, measured.boundary) == (None, pytest.approx(7.7))


def test_rows_in_another_order_give_the_same_bits() -> None:
    target, prediction = regression(3000, seed=4)
    found = baseline_of(*regression())
    rows = labelled(target, prediction)
    order = np.random.default_rng(2).permutation(3000)
    shuffled = quality.Labelled(rows.moments[order], target[order], prediction[order])
    measured = [quality.measure(each, found, metric="rmse", min_labels=1, limit=0.1) for each in (rows, shuffled)]
    assert measured[0] == measured[1]


def test_too_few_labels_say_so() -> None:
    measured = quality.measure(
        labelled(*regression(10)), baseline_of(*regression()), metric="rmse", min_labels=500, limit=0.1
    )
    assert (measured.value, measured.drop, measured.breached) == (None, None, False)
    assert "10 labelled predictions" in (measured.reason or "")


def broken(**columns: pa.Array) -> set[tuple[str, str, int]]:
    fields = [Field("n", "number", nullable=True), Field("t", "string", nullable=True)]
    then = pa.table({"n": pa.array(RANDOM.uniform(0, 1, 1000)), "t": ["a", "b"] * 500})
    bins = layout.of_rows(then, fields)
    now = {"n": pa.array([0.5] * 10), "t": pa.array(["a"] * 10), **columns}
    mistyped = {"n": 2} if "mistyped" in columns else {}
    now.pop("mistyped", None)
    profile = arrow_engine.profile_table(pa.table(now), bins)
    found = violations.find(profile, mistyped, baseline=arrow_engine.profile_table(then, bins), layout=bins)
    return {(each.column, each.rule, each.rows) for each in found}


def test_rows_like_the_baselines_break_nothing() -> None:
    assert broken() == set()


def test_every_way_to_break_the_baselines_schema_is_told() -> None:
    assert broken(n=pa.array([0.5] * 9 + [9.0])) == {("n", "range", 1)}
    assert broken(n=pa.array([0.5] * 7 + [None] * 3)) == {("n", "null", 3)}
    assert broken(n=pa.nulls(10, pa.float64())) == {("n", "missing", 10)}
    assert broken(t=pa.array(["a"] * 6 + ["new"] * 4)) == {("t", "category", 4)}
    assert broken(n=pa.array([0.5] * 8 + [None] * 2), mistyped=pa.array([])) == {("n", "type", 2)}
