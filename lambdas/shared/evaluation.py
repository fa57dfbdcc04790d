"""What the Evaluate step wrote about a run, read for the ledger and for people.

``runs/<RunId>/evaluate/evaluation.json``: format 1 judges against the naive predictor only, format 2 adds the champion
and the comparison with it. Both are read, and what is missing stays empty.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from math import isfinite
from typing import Any, Final

CHAMPION_UNREADABLE = "champion_unreadable"
"""Rule of a gate that could not score the live model: nothing was judged, so the run is a failure."""


_MOST_FIGURES: Final = 100
"""Of each kind; with the lengths below, far less than an item of the ledger or a message to people may hold."""
_LONGEST_NAME, _LONGEST_TEXT = 100, 1000
_DEEPEST: Final = 4


@dataclass(frozen=True)
class Evaluation:
    """Figures on the judged window by metric, and the verdict of the gate.

    Attributes:
        metrics: of the challenger.
        champion_metrics: of the live model on the same rows; empty without one.
        naive_metrics: of the naive predictor.
        gate_rule: which rule decided.
        gate_reason: one sentence.
        improvement: share by which the challenger beats the champion, or the naive predictor without one.
        lower_bound: lower confidence bound of the improvement over the champion.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    champion_metrics: dict[str, float] = field(default_factory=dict)
    naive_metrics: dict[str, float] = field(default_factory=dict)
    gate_rule: str | None = None
    gate_reason: str | None = None
    improvement: float | None = None
    lower_bound: float | None = None


def evaluation_key(run_id: str) -> str:
    """Key of a run's evaluation in the artifacts bucket."""
    return f"runs/{run_id}/evaluate/evaluation.json"


def read_evaluation(body: bytes) -> Evaluation | None:
    """Read the report of the Evaluate step; ``None`` when it is none.

    What it holds is stored and told, so what no store would take is left out or cut: it may cost figures, never the end
    of a run.
    """
    try:
        report = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(report, dict):
        return None
    gate, comparison = _section(report, "gate"), _section(report, "comparison")
    naive = _section(report, "naive")
    return Evaluation(
        metrics=_figures(report.get("metrics")),
        champion_metrics=_figures(_section(report, "champion").get("metrics")),
        naive_metrics=_figures(naive.get("metrics", naive)),
        gate_rule=_text(gate.get("rule")),
        gate_reason=_text(gate.get("reason")),
        improvement=_number(gate.get("improvement")),
        lower_bound=_number(comparison.get("lower_bound")),
    )


def _section(report: dict[str, Any], name: str) -> dict[str, Any]:
    value = report.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return _writable(value)[:_LONGEST_TEXT] if isinstance(value, str) and value else None


def _writable(text: str) -> str:
    """Return text that UTF-8 can hold: JSON may escape half a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:  # a whole number that no float can hold
        return None


def _figures(values: Any) -> dict[str, float]:
    return dict(islice(_numbers(values), _MOST_FIGURES))


def _numbers(values: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, float]]:
    if isinstance(values, dict):
        if depth < _DEEPEST:
            for name, value in values.items():
                yield from _numbers(value, f"{path}.{name}" if path else name, depth + 1)
    elif path and (number := _number(values)) is not None:
        yield _writable(path)[:_LONGEST_NAME], number
