"""How often the monitor calls unchanged traffic drifted: windows drawn from the very rows that a model was trained on.

January and February of the flights, split, trained on and measured as the training pipeline does. Every window is made
of rows of those months, so every limit that is exceeded is a false alarm. Windows of rows are drawn row by row, inputs
from the training rows and predictions from the held-out rows, which is what the baseline's predictions are of.

Real windows are whole days, and a week's flights share their weather. So windows of whole days are drawn day by day as
well: whatever is exceeded there are days that were unlike the two months, not a mistake of the statistic.
"""

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines import inputs
from pipelines.projects.flights import feed, model
from pipelines.steps import columns, contract, split
from pipelines.steps.drift import baseline, features
from pipelines.steps.drift.distances import ROBUST
from pipelines.steps.drift.features import Feature, Rule
from pipelines.steps.profiling import arrow_engine
from pipelines.steps.profiling.layout import Layout
from stacks.settings import Settings, load_project

WINDOWS = 100
SIZES = (500, 1000, 6000)
DAYS = (7, 28)
_PSI_LIMIT = 0.1
"""The customary limit for "some shift" (Siddiqi, "Credit Risk Scorecards")."""
_PROJECT = inputs.PROJECTS / feed.PROJECT / "project.toml"
_ROOT = Path(__file__).parents[1]

_HEADER = (
    "windows",
    "feature drift over the limit",
    "prediction drift over the limit",
    "promised, at most",
    "alarm on (N of M)",
    "robust L∞ above 0",
    "promised, at most",
    "PSI above 0.1",
    "features over the limit, in windows",
)

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Unchanged:
    """What windows are drawn from.

    Attributes:
        measured: the baseline.
        train: rows trained on.
        predictions: held-out predictions.
        train_days: day of each training row.
        held_out_days: day of each held-out row.
    """

    measured: baseline.Baseline
    train: pa.Table
    predictions: pa.Table
    train_days: Places
    held_out_days: Places


@dataclass(frozen=True)
class _Judged:
    """One window."""

    inputs: tuple[Feature, ...]
    prediction: Feature

    @property
    def is_drifted(self) -> bool:
        return any(each.drifted for each in self.inputs)

    @property
    def is_beyond_chance(self) -> bool:
        return any(each.why_not is None and (each.robust_linf or 0.0) > 0 for each in self.inputs)

    @property
    def is_psi_over(self) -> bool:
        return any(each.why_not is None and (each.psi or 0.0) > _PSI_LIMIT for each in self.inputs)


def run() -> list[dict[str, Any]]:
    """Return one figure per way of drawing."""
    settings = load_project(_PROJECT, root=_ROOT).environments[0]
    unchanged = _measure(settings)
    random = np.random.default_rng(2013)
    drawn = {f"{size:,} rows": _rows(unchanged, random, size) for size in SIZES}
    drawn |= {f"{days} whole days": _whole_days(unchanged, random, days) for days in DAYS}
    return [_figure(name, list(_judge(unchanged, places, settings)), settings) for name, places in drawn.items()]


def _measure(settings: Settings) -> _Unchanged:
    fields = contract.load(feed.PROJECT)
    rows = pa.concat_tables(feed.drops([1, 2]).values())
    rows = split.in_total_order(rows.filter(pc.is_valid(rows.column(fields.output.name))), time_column="time_hour")
    parts = split.by_time(rows, time_column="time_hour", holdout_days=settings.data.holdout_days)
    target = parts.train.column(fields.output.name).to_numpy().astype(np.float64)
    names = [field.name for field in fields.inputs]
    hyperparameters = {key: str(value) for key, value in settings.training.hyperparameters.items()}
    trained = model.train(parts.train.select(names), target, hyperparameters=hyperparameters, seed=1)
    held_out = baseline.HeldOut(
        target=parts.holdout.column(fields.output.name).to_numpy().astype(np.float64),
        prediction=trained.predict(parts.holdout.select(names)),
        intervals={},
    )
    subject = baseline.Subject(feed.PROJECT, settings.project.task, fields.output.name, snapshot_id="")
    return _Unchanged(
        measured=baseline.measure(parts.train, columns.labelled_fields(fields), held_out, subject),
        train=parts.train,
        predictions=baseline.prediction_rows(held_out.prediction),
        train_days=_days(parts.train),
        held_out_days=_days(parts.holdout),
    )


def _days(rows: pa.Table) -> Places:
    days: Places = rows.column("time_hour").cast(pa.int64()).to_numpy() // 86_400_000_000
    return days


def _rows(unchanged: _Unchanged, random: np.random.Generator, size: int) -> Iterator[tuple[Places, Places]]:
    for _ in range(WINDOWS):
        yield random.integers(0, len(unchanged.train), size), random.integers(0, len(unchanged.predictions), size)


def _whole_days(unchanged: _Unchanged, random: np.random.Generator, count: int) -> Iterator[tuple[Places, Places]]:
    for _ in range(WINDOWS):
        yield _of_days(unchanged.train_days, random, count), _of_days(unchanged.held_out_days, random, count)


def _of_days(days: Places, random: np.random.Generator, count: int) -> Places:
    chosen = random.choice(np.unique(days), count)
    return np.concatenate([np.flatnonzero(days == day) for day in chosen])


def _judge(unchanged: _Unchanged, drawn: Iterator[tuple[Places, Places]], settings: Settings) -> Iterator[_Judged]:
    before, limits = unchanged.measured, settings.monitoring
    target = before.subject.target
    bins = Layout(tuple(column for column in before.layout.columns if column.name != target))
    of_prediction = before.prediction_layout
    rule = Rule(limits.max_prediction_drift, limits.min_rows)
    for places, predicted in drawn:
        now = arrow_engine.profile_table(unchanged.train.take(places), bins)
        answers = arrow_engine.profile_table(unchanged.predictions.take(predicted), of_prediction)
        yield _Judged(
            inputs=tuple(
                features.compare(
                    column,
                    before.rows.columns[column.name],
                    now.columns[column.name],
                    Rule(limits.max_drift, limits.min_rows, column.name in limits.ignore),
                )
                for column in bins.columns
            ),
            prediction=features.compare(
                of_prediction.columns[0],
                before.predictions.columns[baseline.PREDICTION],
                answers.columns[baseline.PREDICTION],
                rule,
            ),
        )


def _figure(name: str, windows: Sequence[_Judged], settings: Settings) -> dict[str, Any]:
    limits = settings.monitoring
    rows = [window.prediction.current.known for window in windows]
    features_judged = sum(each.why_not is None for each in windows[0].inputs)
    before = windows[0].inputs[0].baseline
    promise = {"baseline": before.known + before.nulls, "current": min(rows), "features": features_judged}
    drifted = [window.is_drifted for window in windows]
    return {
        "name": name,
        "windows": len(windows),
        "features": features_judged,
        "feature_drift": sum(drifted),
        "prediction_drift": sum(window.prediction.drifted for window in windows),
        "promised_share": _promised(**promise, limit=limits.max_drift),
        "windows_in_alarm": _in_alarm(drifted, least=limits.alarm_windows, of=limits.alarm_of),
        "beyond_chance": sum(window.is_beyond_chance for window in windows),
        "promised_beyond_chance": _promised(**promise, limit=0.0),
        "psi_over_limit": sum(window.is_psi_over for window in windows),
        "features_over_limit": _over(windows),
        "largest_drift": round(
            max(each.robust_linf or 0.0 for window in windows for each in window.inputs if each.why_not is None), 4
        ),
    }


def _over(windows: Sequence[_Judged]) -> str:
    """Return in how many windows each feature is over the limit, the most frequent first."""
    found = Counter(each.name for window in windows for each in window.inputs if each.drifted)
    return ", ".join(f"{name} {count}" for name, count in found.most_common())


def _promised(*, baseline: int, current: int, features: int, limit: float) -> float:
    """Return the share of windows in which chance may exceed a limit, at most.

    Two samples of one distribution differ by more than x with a probability of 2 * exp(-2 * x**2 * n * m / (n + m)) at
    most (Kolmogorov and Smirnov); every feature has its own chance.
    """
    rows = baseline * current / (baseline + current)
    exceeded = 2 * math.exp(-2 * (limit * math.sqrt(rows) + ROBUST) ** 2)
    return float(f"{min(features * exceeded, 1.0):.2g}")


def _in_alarm(drifted: Sequence[bool], *, least: int, of: int) -> int:
    """Return in how many windows the alarm is on when they come one after the other."""
    return sum(sum(drifted[max(0, end - of) : end]) >= least for end in range(1, len(drifted) + 1))


def tell(figures: Sequence[Mapping[str, Any]]) -> str:
    """Return the result as a table for the documentation."""
    lines = [f"| {' | '.join(_HEADER)} |", "|---" * len(_HEADER) + "|"]
    for figure in figures:
        count = figure["windows"]
        cells = (
            f"{count} of {figure['name']}",
            *(f"{figure[name]} of {count}" for name in ("feature_drift", "prediction_drift")),
            f"{figure['promised_share']:.0e}" if figure["promised_share"] else "below 1e-300",
            *(f"{figure[name]} of {count}" for name in ("windows_in_alarm", "beyond_chance")),
            f"{figure['promised_beyond_chance']:.1%}".replace("%", " %"),
            f"{figure['psi_over_limit']} of {count}",
            figure["features_over_limit"],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
