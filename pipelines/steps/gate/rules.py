"""The rules of a gate: the project's ``[gate]`` settings as the Evaluate step is started with them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast, get_args

from pipelines.steps import metrics
from pipelines.steps.failure import StepError
from pipelines.steps.metrics import Direction

Unit = Literal["hour", "day", "week"]
NONE = "none"
"""Stands for an empty list, because SageMaker takes no empty parameter."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Guard:
    """A metric that must not worsen by more than a share of the champion's value."""

    metric: str
    max_worsening: float


@dataclass(frozen=True)
class Slice:
    """Rows that share a value of a column: none of them may lose more than a share of the primary metric.

    Attributes:
        column: an input of the contract.
        min_rows: values with fewer judged rows are not looked at.
        max_worsening: share of the champion's value on the same rows.
    """

    column: str
    min_rows: int
    max_worsening: float


@dataclass(frozen=True)
class Rules:
    """What a challenger has to clear.

    Attributes:
        task: ``regression`` or ``binary_classification``.
        metric: name of the primary metric.
        margin: share that the lower bound of the improvement over the champion must exceed.
        alpha: one-sided error probability of that bound.
        min_improvement_over_naive: share by which a first model must beat the naive predictor.
        unit: length of a cluster of time, in UTC; a week starts on Monday.
        min_clusters: fewest clusters that are compared on.
        guards: metrics beside the primary one.
        slices: columns whose values are looked at one by one.
    """

    task: str
    metric: str
    margin: float
    alpha: float
    min_improvement_over_naive: float
    unit: Unit
    min_clusters: int
    guards: tuple[Guard, ...] = ()
    slices: tuple[Slice, ...] = ()

    @property
    def direction(self) -> Direction:
        """Whether small or large values of the primary metric are good."""
        return metrics.of_task(self.task)[self.metric].direction


def parse(  # noqa: PLR0913  # one argument per setting
    *,
    task: str,
    metric: str,
    direction: str,
    margin: float,
    alpha: float,
    min_improvement_over_naive: float,
    unit: str,
    min_clusters: int,
    guards: str = NONE,
    slices: str = NONE,
) -> Rules:
    """Check the gate's settings against each other and against what the metrics mean.

    Args:
        task: the project's task.
        metric: primary metric.
        direction: must be the metric's own; written down so that a reader of the settings need not know it.
        margin: see :class:`Rules`, as the rest.
        alpha: the same.
        min_improvement_over_naive: the same.
        unit: the same.
        min_clusters: the same.
        guards: ``metric:max_worsening``, comma-separated, or ``none``.
        slices: ``column:min_rows:max_worsening``, comma-separated, or ``none``.

    Raises:
        StepError: when one is unknown, out of bounds or contradicts another.
    """
    known = metrics.of_task(task)
    if metric not in known:
        raise StepError(f"gate.metric is {metric!r}, which {task} does not have: use one of {', '.join(sorted(known))}")
    if direction != known[metric].direction:
        raise StepError(f"gate.direction is {direction!r}, but {metric} is a metric to {known[metric].direction}")
    if unit not in get_args(Unit):
        raise StepError(f"gate.cluster is {unit!r}: use one of {', '.join(get_args(Unit))}")
    _within("margin", margin, 0 <= margin < 1, "at least 0 and less than 1")
    _within("alpha", alpha, 0 < alpha <= 0.5, "greater than 0 and at most 0.5")  # noqa: PLR2004  # beyond, no bound
    _within("min_clusters", min_clusters, min_clusters >= 2, "at least 2")  # noqa: PLR2004  # one has no spread
    rules = Rules(
        task=task,
        metric=metric,
        margin=margin,
        alpha=alpha,
        min_improvement_over_naive=min_improvement_over_naive,
        unit=cast("Unit", unit),
        min_clusters=min_clusters,
        guards=_entries("guards", guards, lambda parts: Guard(parts[0], _share(parts[1])), parts=2),
        slices=_entries("slices", slices, lambda parts: Slice(parts[0], _rows(parts[1]), _share(parts[2])), parts=3),
    )
    for guard in rules.guards:
        if guard.metric not in known or guard.metric == metric:
            others = sorted(set(known) - {metric})
            raise StepError(f"gate.guards holds {guard.metric!r}: use a metric of {task} beside {metric}: {others}")
    return rules


def _within(key: str, value: float, holds: bool, allowed: str) -> None:  # noqa: FBT001  # the check's outcome
    if not holds:
        raise StepError(f"gate.{key} is {value}, it must be {allowed}")


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError(f"{value} is no share")
    return value


def _rows(text: str) -> int:
    rows = int(text)
    if rows < 0:
        raise ValueError(f"{rows} is no number of rows")
    return rows


def _entries(key: str, text: str, build: Callable[[Sequence[str]], _T], *, parts: int) -> tuple[_T, ...]:
    if text == NONE:
        return ()
    entries = []
    for entry in text.split(","):
        try:
            entries.append(build(entry.split(":", maxsplit=parts - 1)))
        except (ValueError, IndexError) as error:
            wanted = f"{parts} values divided by colons, numbers of at least 0"
            raise StepError(f"gate.{key} holds {entry!r}, which is not {wanted}") from error
    return tuple(entries)
