"""The gate: statistics against naive recomputation, and what a verdict must never depend on."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import log_loss, roc_auc_score

from pipelines import inputs
from pipelines.steps import metrics
from pipelines.steps.failure import StepError
from pipelines.steps.gate import clusters, comparison, jackknife, leave_one_out, rules, verdict
from pipelines.steps.plugin import FloatArray

HOUR = 3_600_000_000
DAY = 24 * HOUR
TASKS = {"rmse": "regression", "mae": "regression", "log_loss": "binary_classification", "auc": "binary_classification"}
METRICS = sorted(TASKS)


def make_rules(metric: str = "rmse", **changes: Any) -> rules.Rules:
    base = rules.Rules(
        task=TASKS[metric],
        metric=metric,
        margin=0.01,
        alpha=0.01,
        min_improvement_over_naive=0.1,
        unit="day",
        min_clusters=7,
    )
    return replace(base, **changes)


def drawn(metric: str, seed: int, *, rows: int = 600, days: int = 14, noise: tuple[float, float]) -> comparison.Judged:
    """Rows of several days with a champion and a challenger of their own noise, and weather that both suffer from."""
    random = np.random.default_rng(seed)
    day = np.sort(random.integers(0, days, rows))
    signal = random.normal(size=rows)
    weather = random.normal(scale=0.2, size=days)[day]
    if TASKS[metric] == "regression":
        target = 100 + 10 * signal
        predictions = [target + 10 * size * (random.normal(size=rows) + weather) for size in noise]
    else:
        target = (random.uniform(size=rows) < 1 / (1 + np.exp(-2 * signal))).astype(np.float64)
        blurred = [signal + size * (random.normal(size=rows) + weather) for size in noise]
        predictions = [np.round(1 / (1 + np.exp(-2 * value)), 3) for value in blurred]  # rounded: ties
    origin = random.integers(0, 3, rows)
    return comparison.Judged(
        target=target,
        champion=predictions[0],
        challenger=predictions[1],
        clusters=clusters.by_time(day * DAY, "day"),
        slices={"origin": comparison.Values(("EWR", "JFK", "LGA"), origin)},
    )


def taken(judged: comparison.Judged, rows: FloatArray) -> comparison.Judged:
    return comparison.Judged(
        target=judged.target[rows],
        challenger=judged.challenger[rows],
        champion=judged.champion[rows],
        clusters=clusters.by_time(judged.clusters.starts[judged.clusters.of_row[rows]], "day"),
        slices={name: comparison.Values(one.names, one.of_row[rows]) for name, one in judged.slices.items()},
    )


def decide(judged: comparison.Judged, wanted: rules.Rules) -> verdict.Verdict:
    return verdict.against_champion(comparison.compare(judged, wanted), wanted)


def naive_value(metric: str, target: FloatArray, prediction: FloatArray) -> float:
    match metric:
        case "rmse":
            return math.sqrt(sum((p - t) ** 2 for t, p in zip(target, prediction, strict=True)) / len(target))
        case "mae":
            return sum(abs(p - t) for t, p in zip(target, prediction, strict=True)) / len(target)
        case "log_loss":
            return float(log_loss(target, prediction, labels=[0, 1]))
        case _:
            return float(roc_auc_score(target, prediction))


seeds = st.integers(0, 2**32 - 1)


@given(st.sampled_from(METRICS), seeds)
def test_a_model_is_never_promoted_over_itself(metric: str, seed: int) -> None:
    judged = drawn(metric, seed, noise=(0.5, 0.5))
    same = replace(judged, challenger=judged.champion)
    for margin in (0.0, 0.01):
        outcome = decide(same, make_rules(metric, margin=margin, alpha=0.5))
        assert outcome.promote is False
        assert outcome.improvement == 0.0


@given(st.sampled_from(METRICS), seeds)
def test_a_model_that_is_better_by_construction_is_promoted(metric: str, seed: int) -> None:
    assert decide(drawn(metric, seed, noise=(2.0, 0.2)), make_rules(metric)).promote is True


@given(st.sampled_from(METRICS), seeds)
def test_a_model_that_is_worse_by_construction_is_kept_out(metric: str, seed: int) -> None:
    outcome = decide(drawn(metric, seed, noise=(0.2, 2.0)), make_rules(metric))
    assert outcome.promote is False
    assert outcome.improvement is not None
    assert outcome.improvement < 0


@given(st.sampled_from(METRICS), seeds, st.sampled_from([(0.5, 0.5), (0.6, 0.5), (0.8, 0.4)]))
def test_the_order_of_the_rows_changes_nothing(metric: str, seed: int, noise: tuple[float, float]) -> None:
    judged = drawn(metric, seed, noise=noise)
    shuffled = taken(judged, np.random.default_rng(seed).permutation(len(judged.target)))
    assert_same(judged, shuffled, metric)


@given(st.sampled_from(METRICS), seeds, st.integers(2, 4))
def test_telling_every_row_several_times_is_no_further_evidence(metric: str, seed: int, times: int) -> None:
    judged = drawn(metric, seed, noise=(0.6, 0.5))
    assert_same(judged, taken(judged, np.tile(np.arange(len(judged.target)), times)), metric)


def assert_same(one: comparison.Judged, other: comparison.Judged, metric: str) -> None:
    wanted = make_rules(metric, slices=(rules.Slice("origin", 30, 0.05),))
    first, second = comparison.compare(one, wanted), comparison.compare(other, wanted)
    pair = (first.primary.improvement, second.primary.improvement)
    assert pair[0].lower == pytest.approx(pair[1].lower, rel=1e-9, abs=1e-12)
    assert pair[0].estimate == pytest.approx(pair[1].estimate, rel=1e-9, abs=1e-12)
    decided = [verdict.against_champion(compared, wanted) for compared in (first, second)]
    assert (decided[0].promote, decided[0].rule) == (decided[1].promote, decided[1].rule)


@given(st.sampled_from(METRICS), seeds, st.integers(2, 9))
def test_delete_one_values_equal_a_recomputation_on_the_rows_that_are_left(metric: str, seed: int, days: int) -> None:
    judged = drawn(metric, seed, rows=400, days=days, noise=(0.5, 0.5))
    found = leave_one_out.compute(metric, judged.target, judged.champion, judged.clusters)
    assert found.whole == pytest.approx(naive_value(metric, judged.target, judged.champion), rel=1e-9)
    for number in range(len(judged.clusters)):
        left = judged.clusters.of_row != number
        expected = naive_value(metric, judged.target[left], judged.champion[left])
        assert found.without[number] == pytest.approx(expected, rel=1e-9)


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=40),
)
def test_auc_without_each_cluster_equals_counting_every_pair(rows: list[tuple[float, int, int]]) -> None:
    target = np.array([row[0] for row in rows])
    score = np.array([row[1] / 4 for row in rows])
    grouped = clusters.by_time(np.array([row[2] for row in rows]) * DAY, "day")
    found = leave_one_out.compute("auc", target, score, grouped)
    assert found.whole == pytest.approx(counted(target, score), nan_ok=True, rel=1e-12)
    for number in range(len(grouped)):
        left = grouped.of_row != number
        assert found.without[number] == pytest.approx(counted(target[left], score[left]), nan_ok=True, rel=1e-12)


def counted(target: FloatArray, score: FloatArray) -> float:
    wins = [
        (positive > negative) + (positive == negative) / 2
        for positive in score[target == 1]
        for negative in score[target == 0]
    ]
    return float(np.mean(wins)) if wins else float("nan")


@given(st.sampled_from(METRICS), seeds, st.sampled_from([0.01, 0.05, 0.5]))
def test_the_bound_equals_a_jackknife_written_down_naively(metric: str, seed: int, alpha: float) -> None:
    judged = drawn(metric, seed, rows=300, days=8, noise=(0.8, 0.5))
    found = comparison.compare(judged, make_rules(metric, alpha=alpha)).primary.improvement
    sign = 1 if metrics.of_task(TASKS[metric])[metric].direction == "minimize" else -1

    def gain(rows: Any) -> float:
        champion = naive_value(metric, judged.target[rows], judged.champion[rows])
        return sign * (champion - naive_value(metric, judged.target[rows], judged.challenger[rows])) / champion

    whole = gain(np.full(len(judged.target), fill_value=True))
    count = len(judged.clusters)
    without = [gain(judged.clusters.of_row != number) for number in range(count)]
    error = math.sqrt((count - 1) / count * sum((value - whole) ** 2 for value in without))
    assert found.estimate == pytest.approx(whole, rel=1e-9, abs=1e-12)
    assert found.standard_error == pytest.approx(error, rel=1e-7, abs=1e-12)
    expected = whole - stats.t.ppf(1 - alpha, count - 1) * error
    assert found.lower == pytest.approx(expected, rel=1e-7, abs=1e-10)


def test_the_bound_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    missed = 0
    for _ in range(1000):
        day = np.repeat(np.arange(14), 20)
        values = random.normal(size=280) + random.normal(scale=2.0, size=14)[day]  # rows of a day belong together
        sums = np.bincount(day, weights=values)
        without = (sums.sum() - sums) / 260
        lower = jackknife.bounds(float(values.mean()), without, alpha=0.05).lower
        assert lower is not None
        missed += lower > 0
    assert 0.03 < missed / 1000 < 0.07


def test_one_cluster_tells_nothing_of_the_spread() -> None:
    assert jackknife.bounds(0.5, np.array([0.5]), alpha=0.01).lower is None


def test_a_day_that_holds_every_positive_row_leaves_no_bound_and_no_promotion() -> None:
    judged = drawn("auc", 1, noise=(2.0, 0.2))
    target = (judged.clusters.of_row == 3).astype(np.float64)
    outcome = decide(replace(judged, target=target, challenger=target), make_rules("auc"))
    assert (outcome.promote, outcome.rule) == (False, "comparison")
    assert "no confidence bound" in outcome.reason


@pytest.mark.parametrize(("allowed", "promoted"), [(0.02, False), (0.9, True)])
def test_a_guard_metric_may_worsen_by_its_share_and_no_more(allowed: float, promoted: bool) -> None:  # noqa: FBT001
    judged = drawn("rmse", 1, rows=2800, noise=(1.0, 1.0))
    outlier = np.arange(len(judged.target)) % 10 == 0
    judged = replace(judged, champion=judged.target + 1 + 19 * outlier, challenger=judged.target + 4.0)
    assert naive_value("mae", judged.target, judged.champion) == pytest.approx(2.9)
    outcome = decide(judged, make_rules(guards=(rules.Guard("mae", allowed),)))
    assert outcome.promote is promoted
    if not promoted:
        assert outcome.rule == "guard"
        assert "but mae 4 against 2.9 of the champion is 37.9% worse" in outcome.reason
        assert "at most 2.0% worse is allowed" in outcome.reason


def hurt_at_jfk() -> comparison.Judged:
    judged = drawn("rmse", 3, rows=3000, noise=(2.0, 0.2))
    at_jfk = judged.slices["origin"].of_row == 1
    return replace(judged, challenger=np.where(at_jfk, judged.target + 25, judged.challenger))


def test_a_slice_that_loses_more_than_its_share_blocks_and_is_named() -> None:
    wanted = make_rules(slices=(rules.Slice("origin", 30, 0.05),))
    better_elsewhere = replace(hurt_at_jfk(), champion=hurt_at_jfk().target + 22)
    outcome = decide(better_elsewhere, wanted)
    assert decide(better_elsewhere, replace(wanted, slices=())).promote is True
    assert (outcome.promote, outcome.rule) == (False, "slice")
    assert "where origin is JFK" in outcome.reason
    assert "at most 5.0% worse is allowed" in outcome.reason


def test_a_slice_with_too_few_rows_is_told_and_does_not_block() -> None:
    better_elsewhere = replace(hurt_at_jfk(), champion=hurt_at_jfk().target + 22)
    wanted = make_rules(slices=(rules.Slice("origin", 2000, 0.05),))
    compared = comparison.compare(better_elsewhere, wanted)
    assert [one.value for one in compared.slices] == ["EWR", "JFK", "LGA"]
    assert {one.paired for one in compared.slices} == {None}
    assert verdict.against_champion(compared, wanted).promote is True


def test_a_slice_of_one_class_has_no_auc_and_does_not_block() -> None:
    judged = drawn("auc", 2, rows=2000, noise=(2.0, 0.1))
    one_class = replace(judged, target=np.where(judged.slices["origin"].of_row == 0, 1.0, judged.target))
    compared = comparison.compare(one_class, make_rules("auc", slices=(rules.Slice("origin", 30, 0.0),)))
    assert [one.paired is None for one in compared.slices] == [True, False, False]
    assert all(one.holds for one in compared.slices)


def test_a_perfect_champion_cannot_be_beaten_and_losing_to_it_counts_in_full() -> None:
    judged = drawn("rmse", 1, noise=(0.5, 0.5))
    perfect = replace(judged, champion=judged.target)
    assert decide(replace(perfect, challenger=judged.target), make_rules(margin=0.0)).promote is False
    outcome = decide(perfect, make_rules(margin=0.0))
    assert (outcome.promote, outcome.improvement) == (False, -1.0)


def test_the_reason_is_one_sentence_with_both_values_the_bound_and_the_margin() -> None:
    outcome = decide(drawn("rmse", 5, noise=(2.0, 0.2)), make_rules())
    assert outcome.reason.startswith("rmse ")
    assert " of the champion is " in outcome.reason
    assert "at 99% confidence over 14 days at least" in outcome.reason
    assert outcome.reason.endswith("which clears the margin of 1.0%")


@pytest.mark.parametrize(
    ("challenger", "promoted"),
    [(8.9, True), (9.0, True), (9.1, False), (10.0, False), (12.0, False)],
)
def test_a_first_error_must_shrink_by_the_floor(challenger: float, promoted: bool) -> None:  # noqa: FBT001
    assert verdict.against_naive(challenger, 10.0, make_rules()).promote is promoted


@pytest.mark.parametrize(("challenger", "promoted"), [(0.56, True), (0.54, False), (0.4, False)])
def test_a_first_score_must_grow_by_the_floor(challenger: float, promoted: bool) -> None:  # noqa: FBT001
    assert verdict.against_naive(challenger, 0.5, make_rules("auc")).promote is promoted


def test_the_reason_holds_both_numbers_and_the_floor() -> None:
    reason = verdict.against_naive(12.0, 10.0, make_rules()).reason
    assert reason == "rmse 12 against 10 of the naive predictor is 20.0% worse; the floor is 10.0%"


def test_a_perfect_naive_predictor_cannot_be_beaten() -> None:
    assert verdict.against_naive(0.0, 0.0, make_rules()).promote is False


@given(st.floats(0, 1e6))
def test_a_challenger_as_good_as_the_naive_predictor_is_never_promoted(value: float) -> None:
    assert verdict.against_naive(value, value, make_rules(min_improvement_over_naive=0.0)).promote is False


SETTINGS: dict[str, Any] = {
    "task": "regression",
    "metric": "rmse",
    "direction": "minimize",
    "margin": 0.01,
    "alpha": 0.01,
    "min_improvement_over_naive": 0.1,
    "unit": "day",
    "min_clusters": 7,
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"metric": "auc"}, "gate.metric is 'auc', which regression does not have: use one of mae, rmse"),
        ({"direction": "maximize"}, "rmse is a metric to minimize"),
        ({"task": "ranking"}, "task 'ranking' is unknown"),
        ({"unit": "month"}, "gate.cluster is 'month': use one of hour, day, week"),
        ({"margin": 1.0}, "gate.margin is 1.0, it must be at least 0 and less than 1"),
        ({"alpha": 0.0}, "gate.alpha is 0.0, it must be greater than 0"),
        ({"min_clusters": 1}, "gate.min_clusters is 1, it must be at least 2"),
        ({"guards": "rmse:0.1"}, "gate.guards holds 'rmse': use a metric of regression beside rmse"),
        ({"guards": "mae"}, "gate.guards holds 'mae', which is not 2 values"),
        ({"slices": "origin:many:0.1"}, "gate.slices holds 'origin:many:0.1', which is not 3 values"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(StepError, match=words):
        rules.parse(**{**SETTINGS, **change})


def test_guards_and_slices_arrive_as_they_were_written_in_the_settings() -> None:
    guards = inputs.joined("guards", [{"metric": "mae", "max_worsening": 0.02}], keys=inputs.GUARD_KEYS)
    slices = [{"column": "origin", "min_rows": 500, "max_worsening": 0.05}, {"column": "dest", "min_rows": 30}]
    slices[1]["max_worsening"] = 0
    parsed = rules.parse(**SETTINGS, guards=guards, slices=inputs.joined("slices", slices, keys=inputs.SLICE_KEYS))
    assert parsed.guards == (rules.Guard("mae", 0.02),)
    assert parsed.slices == (rules.Slice("origin", 500, 0.05), rules.Slice("dest", 30, 0.0))
    empty = inputs.joined("guards", [], keys=inputs.GUARD_KEYS)
    assert rules.parse(**SETTINGS, guards=empty).guards == ()


@pytest.mark.parametrize(
    ("unit", "starts"),
    [
        ("hour", ["2013-01-06T23", "2013-01-07T00", "2013-01-07T23"]),
        ("day", ["2013-01-06T00", "2013-01-07T00"]),
        ("week", ["2012-12-31T00", "2013-01-07T00"]),
    ],
)
def test_clusters_are_hours_days_and_weeks_from_monday_in_utc(unit: rules.Unit, starts: list[str]) -> None:
    moments = np.array(["2013-01-07T23:59", "2013-01-06T23:59", "2013-01-07T00:00"], "datetime64[us]").astype(np.int64)
    found = clusters.by_time(moments, unit)
    assert found.starts.astype("datetime64[us]").tolist() == np.array(starts, "datetime64[us]").tolist()
    assert found.of_row.tolist() == ([2, 0, 1] if unit == "hour" else [1, 0, 1])


def test_no_rows_make_no_clusters() -> None:
    assert len(clusters.by_time(np.empty(0, np.int64), "day")) == 0


def test_a_cluster_that_dwarfs_the_others_does_not_cancel_their_digits() -> None:
    target = np.concatenate([np.zeros(1000), np.full(10, 1e-8)])
    grouped = clusters.by_time(np.repeat([0, 1], [1000, 10]) * DAY, "day")
    prediction = np.concatenate([np.full(1000, 1e8), np.zeros(10)])
    found = leave_one_out.compute("rmse", target, prediction, grouped)
    assert found.without[0] == pytest.approx(1e-8, rel=1e-12)
