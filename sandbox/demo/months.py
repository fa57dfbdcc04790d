"""What is known of a month when it is over, and how the story tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.demo import scores
from sandbox.demo.chronicle import YEAR, Note
from sandbox.demo.scores import Numbers
from sandbox.demo.traffic import Answers


@dataclass(frozen=True)
class Month:
    """What is known of one month when it is over.

    Attributes:
        number: 1 to 12.
        answers: of its days.
        judgements: of the monitor, for the windows of the month.
        alarms: kinds that were on when the month's data had been judged.
        notes: what the loop did.
        live: the version that serves at the end.
        seconds: wall time of its parts.
    """

    number: int
    answers: Sequence[Answers]
    judgements: Sequence[dict[str, Any]]
    alarms: Sequence[str]
    notes: Sequence[Note]
    live: str
    seconds: Mapping[str, float]

    @property
    def name(self) -> str:
        """The month in words."""
        return f"{date(YEAR, self.number, 1):%B}"


def labelled(month: Month) -> tuple[Numbers, Numbers, npt.NDArray[np.int64]]:
    """Return labels, predictions and days of the rows that have a label."""
    target = np.concatenate([day.labels for day in month.answers])
    prediction = np.concatenate([day.predictions for day in month.answers])
    of_day = np.concatenate([np.full(len(day.labels), day.day.toordinal()) for day in month.answers])
    known = np.isfinite(target)
    return target[known], prediction[known], of_day[known]


def drift(month: Month) -> dict[str, Any]:
    """Return how far the worst feature of any window moved, and how many windows were beyond the limit."""
    judged = [one["worst"] for one in month.judgements if one["worst"]]
    drifted = sum(one["breaches"]["drift"] for one in month.judgements)
    worst = max(judged, key=lambda one: one["robust_linf"], default={"feature": None, "robust_linf": 0.0})
    return {
        "worst": worst["feature"],
        "robust_linf": worst["robust_linf"],
        "windows": len(judged),
        "windows_drifted": drifted,
    }


def told(month: Month, metric: str, frozen_scores: Numbers, *, first: Month) -> dict[str, Any]:
    """Return the month as the story tells it.

    Args:
        month: which.
        metric: of the gate.
        frozen_scores: the first model's, of all rows of the month.
        first: the month that was replayed first; the frozen model was trained on what came before.
    """
    target, prediction, of_day = labelled(month)
    known = np.isfinite(np.concatenate([day.labels for day in month.answers]))
    tandem = scores.score(metric, target, prediction, of_day)
    left_alone = scores.score(metric, target, frozen_scores[known], of_day)
    versions = sorted({version for day in month.answers for version in day.versions}, key=int)
    return {
        "month": f"{YEAR}-{month.number:02d}",
        "rows": len(target),
        "frozen": left_alone.as_document(),
        "tandem": tandem.as_document(),
        "drift": drift(month),
        "alarms": list(month.alarms),
        "events": [note.as_document() for note in month.notes],
        "versions": versions,
        "live_at_end": month.live,
        "note": why_frozen_wins(metric, left_alone, tandem, versions, first=first.name),
    }


def why_frozen_wins(
    metric: str, left_alone: scores.Score, tandem: scores.Score, versions: Sequence[str], *, first: str
) -> str | None:
    """Explain a month in which the model that nobody touched was better."""
    better = left_alone.value < tandem.value
    if metric in scores.LARGER_IS_BETTER:
        better = left_alone.value > tandem.value
    if not better or set(versions) == {"1"}:
        return None
    ours, theirs = tandem.interval, left_alone.interval
    overlap = ours is None or theirs is None or max(ours[0], theirs[0]) <= min(ours[1], theirs[1])
    sure = (
        "the intervals of both overlap, so the difference is within what single days do"
        if overlap
        else "the intervals of both do not overlap, so the difference is real"
    )
    return (
        f"The frozen model was better by {abs(tandem.value - left_alone.value) / left_alone.value:.1%} "
        f"({left_alone.value:.2f} against {tandem.value:.2f}): all it knows is older than {first}, and this month "
        f"resembles that, while version {', '.join(versions)} also learned from what came later; {sure}."
    )
