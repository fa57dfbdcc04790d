"""What the Evaluate step wrote about a run, read for the ledger and for people.

``runs/<RunId>/evaluate/evaluation.json``: format 1 judges against the naive predictor only, format 2 adds the champion
and the comparison with it. Both are read, and what is missing stays empty.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

CHAMPION_UNREADABLE = "champion_unreadable"
"""Rule of a gate that could not score the live model: nothing was judged, so the run is a failure."""


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
    """Read the report of the Evaluate step; ``None`` when it is none."""
    try:
        report = json.loads(body)
    except ValueError:
        return None
    if not isinstance(report, dict):
        return None
    gate, comparison = _section(report, "gate"), _section(report, "comparison")
    naive = _section(report, "naive")
    return Evaluation(
        metrics=dict(_numbers(report.get("metrics"))),
        champion_metrics=dict(_numbers(_section(report, "champion").get("metrics"))),
        naive_metrics=dict(_numbers(naive.get("metrics", naive))),
        gate_rule=_text(gate.get("rule")),
        gate_reason=_text(gate.get("reason")),
        improvement=_number(gate.get("improvement")),
        lower_bound=_number(comparison.get("lower_bound")),
    )


def _section(report: dict[str, Any], name: str) -> dict[str, Any]:
    value = report.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and isfinite(value) else None


def _numbers(values: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(values, dict):
        for name, value in values.items():
            yield from _numbers(value, f"{path}.{name}" if path else name)
    elif (number := _number(values)) is not None:
        yield path, number
