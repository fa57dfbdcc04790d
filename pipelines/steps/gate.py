"""The gate: decides whether a challenger may be registered.

This part knows one rule, the absolute floor against a naive predictor. The comparison with the champion on the same
hold-out joins it as a second rule with the same verdict.
"""

from dataclasses import dataclass

from pipelines.steps import metrics
from pipelines.steps.failure import StepError
from pipelines.steps.metrics import Direction


@dataclass(frozen=True)
class Floor:
    """The absolute floor.

    Attributes:
        metric: name of the primary metric.
        direction: whether small or large is good.
        min_improvement: share by which the challenger must beat the naive predictor, 0.1 for ten percent.
    """

    metric: str
    direction: Direction
    min_improvement: float


@dataclass(frozen=True)
class Verdict:
    """A decision and its reason.

    Attributes:
        promote: whether the challenger is registered.
        rule: the rule that decided: ``floor``.
        metric: the metric it decided on.
        improvement: share by which the challenger beats what it was compared with; negative when it is worse.
        reason: one sentence.
    """

    promote: bool
    rule: str
    metric: str
    improvement: float
    reason: str


def parse_floor(*, task: str, metric: str, direction: str, min_improvement: float) -> Floor:
    """Check the gate's settings against what the metric means.

    Raises:
        StepError: when the metric is unknown or the direction is not the metric's.
    """
    known = metrics.of_task(task)
    if metric not in known:
        raise StepError(f"gate.metric is {metric!r}, which {task} does not have: use one of {', '.join(sorted(known))}")
    if direction != known[metric].direction:
        raise StepError(f"gate.direction is {direction!r}, but {metric} is a metric to {known[metric].direction}")
    return Floor(metric=metric, direction=known[metric].direction, min_improvement=min_improvement)


def improvement(challenger: float, reference: float, *, direction: Direction) -> float:
    """Return by which share of the reference the challenger is better; 0 when the reference leaves nothing to gain."""
    if reference == 0:
        return 0.0
    gain = reference - challenger if direction == "minimize" else challenger - reference
    return gain / abs(reference)


def against_naive(challenger: float, naive: float, floor: Floor) -> Verdict:
    """Promote when the challenger beats the naive predictor by at least the floor."""
    gain = improvement(challenger, naive, direction=floor.direction)
    promote = gain >= floor.min_improvement
    return Verdict(
        promote=promote,
        rule="floor",
        metric=floor.metric,
        improvement=gain,
        reason=(
            f"{floor.metric} {challenger:.4g} against {naive:.4g} of the naive predictor is "
            f"{abs(gain):.1%} {'better' if gain >= 0 else 'worse'}; the floor is {floor.min_improvement:.1%}"
        ),
    )
