"""One finding of the validation."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.steps.quality.limits import WARNING_SHARE

_LONGEST_EXAMPLE = 80


@dataclass(frozen=True)
class Problem:
    """One way in which an object breaks a rule.

    Attributes:
        column: the column, ``None`` when it is about whole rows or the whole file.
        rule: of the file ``readable``, ``rows``, ``size``; of the contract ``missing``, ``type``, ``null``, ``range``,
            ``category``, ``pattern``; beyond it ``duplicate``, ``future``, ``leakage``, ``nulls``, ``unseen``,
            ``label_shift``, ``label_range``, ``label_constant``.
        reason: what was found and what is allowed; reads on after the column's name.
        rows: how many rows; 0 when it is not about rows.
        example: one value that breaks the rule, as text.
    """

    column: str | None
    rule: str
    reason: str
    rows: int = 0
    example: str | None = None


@dataclass(frozen=True)
class Finding:
    """A problem that refuses its object, or one that is only worth a warning."""

    problem: Problem
    refuses: bool


def judged(value: float, *, limit: float, problem: Problem) -> Iterator[Finding]:
    """Yield the problem as what its value makes of it: a refusal, a warning, or nothing."""
    if value > limit:
        yield Finding(problem, refuses=True)
    elif value > WARNING_SHARE * limit:
        yield Finding(problem, refuses=False)


def example_of(value: object) -> str:
    """Write a value as a short text."""
    text = str(value)
    return text if len(text) <= _LONGEST_EXAMPLE else text[: _LONGEST_EXAMPLE - 1] + "…"
