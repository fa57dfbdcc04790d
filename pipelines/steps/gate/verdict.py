"""The verdict: promote or not, by which rule, and why in one sentence."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipelines.steps.gate.comparison import Comparison, Paired, relative
from pipelines.steps.gate.rules import Rules

Rule = Literal["floor", "comparison", "guard", "slice", "no_common_window", "champion_unreadable"]


@dataclass(frozen=True)
class Verdict:
    """A decision and its reason.

    Attributes:
        promote: whether the challenger is registered.
        rule: the rule that decided.
        metric: the primary metric.
        improvement: share by which the challenger beats what it was compared with, negative when it is worse;
            ``None`` when nothing was compared.
        reason: one sentence.
    """

    promote: bool
    rule: Rule
    metric: str
    improvement: float | None
    reason: str


def against_naive(challenger: float, naive: float, rules: Rules) -> Verdict:
    """Judge a first model: it has to beat the naive predictor by at least the floor."""
    gain = float(relative(np.array([challenger]), np.array([naive]), rules.direction)[0])
    floor = rules.min_improvement_over_naive
    return Verdict(
        promote=gain > 0 and gain >= floor,
        rule="floor",
        metric=rules.metric,
        improvement=gain,
        reason=(
            f"{rules.metric} {challenger:.4g} against {naive:.4g} of the naive predictor is {_change(gain)}; "
            f"the floor is {floor:.1%}"
        ),
    )


def against_champion(comparison: Comparison, rules: Rules) -> Verdict:
    """Judge a challenger by its comparison with the champion; whatever cannot be told counts against it."""
    primary, improvement = comparison.primary, comparison.primary.improvement
    margin = f"margin of {rules.margin:.1%}"
    change = _values(rules.metric, primary)

    def verdict(rule: Rule, reason: str, *, promote: bool = False) -> Verdict:
        estimate = improvement.estimate if np.isfinite(improvement.estimate) else None
        return Verdict(promote=promote, rule=rule, metric=rules.metric, improvement=estimate, reason=reason)

    if improvement.lower is None:
        return verdict(
            "comparison",
            f"{rules.metric} has no confidence bound on these rows: without one of their {improvement.clusters} "
            f"{rules.unit}s it is undefined; hold out more days (data.holdout_days)",
        )
    bound = f"at {1 - rules.alpha:.0%} confidence over {improvement.clusters} {rules.unit}s at least"
    certain = f"{change}, {bound} {improvement.lower:.2%}"
    if not improvement.lower > rules.margin:
        return verdict("comparison", f"{certain}, which does not clear the {margin}")
    for guard in comparison.guards:
        if not guard.holds:
            return verdict(
                "guard",
                f"{certain}, but {_values(guard.guard.metric, guard.paired)}, and at most "
                f"{guard.guard.max_worsening:.1%} worse is allowed",
            )
    for outcome in comparison.slices:
        if not outcome.holds and outcome.paired is not None:
            return verdict(
                "slice",
                f"{certain}, but where {outcome.rule.column} is {outcome.value} ({outcome.rows} rows) "
                f"{_values(rules.metric, outcome.paired)}, and at most {outcome.rule.max_worsening:.1%} worse is "
                "allowed",
            )
    return verdict("comparison", f"{certain}, which clears the {margin}", promote=True)


def no_common_window(rules: Rules, *, clusters: int, trained_until: str, newest: str) -> Verdict:
    """Keep the champion, because too little is left that neither model has trained on."""
    return Verdict(
        promote=False,
        rule="no_common_window",
        metric=rules.metric,
        improvement=None,
        reason=(
            f"the champion was trained on rows up to {trained_until} and the hold-out ends at {newest}, which leaves "
            f"{clusters} {rules.unit}s that neither model has trained on; the gate compares on at least "
            f"{rules.min_clusters}: wait for newer data"
        ),
    )


def champion_unreadable(rules: Rules, reason: str) -> Verdict:
    """Refuse the challenger, because the champion could not be scored."""
    return Verdict(promote=False, rule="champion_unreadable", metric=rules.metric, improvement=None, reason=reason)


def _values(metric: str, paired: Paired) -> str:
    return (
        f"{metric} {paired.challenger:.4g} against {paired.champion:.4g} of the champion is "
        f"{_change(paired.improvement.estimate)}"
    )


def _change(gain: float) -> str:
    if not np.isfinite(gain):
        return "not comparable"
    return f"{abs(gain):.1%} {'better' if gain >= 0 else 'worse'}"
