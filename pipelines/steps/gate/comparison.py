"""Champion and challenger on the same rows: the paired improvement with its bounds, guards and slices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.steps.gate import jackknife, leave_one_out
from pipelines.steps.gate.clusters import Clusters
from pipelines.steps.gate.rules import Guard, Rules, Slice
from pipelines.steps.metrics import Direction, of_task
from pipelines.steps.plugin import FloatArray


@dataclass(frozen=True)
class Values:
    """A column of a few values.

    Attributes:
        names: the values.
        of_row: number of each row's value.
    """

    names: tuple[str, ...]
    of_row: npt.NDArray[np.intp]


@dataclass(frozen=True)
class Judged:
    """The rows that both models are judged on, in any order.

    Attributes:
        target: the labels.
        challenger: its predictions.
        champion: its predictions.
        clusters: of the rows.
        slices: the column of every slice rule.
    """

    target: FloatArray
    challenger: FloatArray
    champion: FloatArray
    clusters: Clusters
    slices: Mapping[str, Values]


@dataclass(frozen=True)
class Paired:
    """A metric of both models. Improvements are shares of the champion's value, positive when the challenger is better.

    Attributes:
        challenger: its value.
        champion: its value.
        improvement: with its bounds.
    """

    challenger: float
    champion: float
    improvement: jackknife.Bounds


@dataclass(frozen=True)
class GuardOutcome:
    """A guard metric and whether it holds."""

    guard: Guard
    paired: Paired
    holds: bool


@dataclass(frozen=True)
class SliceOutcome:
    """One value of a slice column.

    Attributes:
        rule: the slice rule it belongs to.
        value: the value.
        rows: judged rows with it.
        clusters: clusters with such rows.
        paired: ``None`` when it was not looked at: too few rows, or the metric is undefined on them.
        holds: whether it stands in the way of a promotion; one that was not looked at does not.
    """

    rule: Slice
    value: str
    rows: int
    clusters: int
    paired: Paired | None
    holds: bool


@dataclass(frozen=True)
class Comparison:
    """Everything that a verdict on a champion and a challenger rests on."""

    primary: Paired
    guards: tuple[GuardOutcome, ...]
    slices: tuple[SliceOutcome, ...]


def compare(judged: Judged, rules: Rules) -> Comparison:
    """Compare both models by every rule.

    A guard or slice looks at the estimate itself: it is a floor that must not be broken on the judged rows, not a
    claim about rows to come, and a bound would refuse every small slice.
    """
    guards = tuple(_guarded(judged, guard, rules) for guard in rules.guards)
    slices = tuple(outcome for rule in rules.slices for outcome in _sliced(judged, rule, rules))
    return Comparison(primary=_paired(judged, rules.metric, rules), guards=guards, slices=slices)


def relative(challenger: FloatArray, reference: FloatArray, direction: Direction) -> FloatArray:
    """Return by which share of the reference the challenger is better.

    No share of 0 can be told: there, better counts as 1 and worse as -1.
    """
    gain = reference - challenger if direction == "minimize" else challenger - reference
    size = np.abs(reference)
    shares: FloatArray = np.divide(gain, size, out=np.sign(gain), where=size > 0)
    return shares


def _paired(judged: Judged, metric: str, rules: Rules) -> Paired:
    direction = of_task(rules.task)[metric].direction
    challenger = leave_one_out.compute(metric, judged.target, judged.challenger, judged.clusters)
    champion = leave_one_out.compute(metric, judged.target, judged.champion, judged.clusters)
    whole = relative(np.array([challenger.whole]), np.array([champion.whole]), direction)
    without = relative(challenger.without, champion.without, direction)
    return Paired(
        challenger=challenger.whole,
        champion=champion.whole,
        improvement=jackknife.bounds(float(whole[0]), without, alpha=rules.alpha),
    )


def _guarded(judged: Judged, guard: Guard, rules: Rules) -> GuardOutcome:
    paired = _paired(judged, guard.metric, rules)
    return GuardOutcome(guard=guard, paired=paired, holds=paired.improvement.estimate >= -guard.max_worsening)


def _sliced(judged: Judged, rule: Slice, rules: Rules) -> Iterator[SliceOutcome]:
    column = judged.slices[rule.column]
    for value, number in sorted((value, number) for number, value in enumerate(column.names)):
        chosen = column.of_row == number
        clusters = judged.clusters.where(chosen)
        paired = None
        if len(clusters.of_row) >= rule.min_rows:
            paired = _paired(_some(judged, chosen, clusters), rules.metric, rules)
            if not np.isfinite(paired.improvement.estimate):
                paired = None
        yield SliceOutcome(
            rule=rule,
            value=value,
            rows=len(clusters.of_row),
            clusters=len(clusters),
            paired=paired,
            holds=paired is None or paired.improvement.estimate >= -rule.max_worsening,
        )


def _some(judged: Judged, chosen: npt.NDArray[np.bool_], clusters: Clusters) -> Judged:
    return Judged(
        target=judged.target[chosen],
        challenger=judged.challenger[chosen],
        champion=judged.champion[chosen],
        clusters=clusters,
        slices={},
    )
