"""What a model is compared with while it serves, written by Evaluate for every challenger.

That is: its training rows, its predictions on rows it had not seen, and how good they were.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.steps import metrics
from pipelines.steps.contract import Field
from pipelines.steps.failure import StepError
from pipelines.steps.plugin import FloatArray
from pipelines.steps.profiling import arrow_engine, counts, layout
from pipelines.steps.profiling.counts import Profile
from pipelines.steps.profiling.layout import Layout

BASELINE = "baseline.json"
PREDICTION = "prediction"
_FORMAT = 1


@dataclass(frozen=True)
class Outcomes:
    """What became of the held-out predictions of one bin.

    Attributes:
        rows: how many.
        target: sum of their labels: of 0 and 1 it is the number of positive rows.
        losses: sum of each loss, by the metric that averages it.
    """

    rows: int
    target: float
    losses: Mapping[str, float]


@dataclass(frozen=True)
class Subject:
    """Whose baseline it is.

    Attributes:
        project: its name.
        task: ``regression`` or ``binary_classification``.
        target: column that is predicted.
        snapshot_id: of the data it was trained on.
    """

    project: str
    task: str
    target: str
    snapshot_id: str


@dataclass(frozen=True)
class Baseline:
    """One model's baseline.

    Attributes:
        subject: whose.
        layout: bins of inputs and target.
        rows: the training rows, by ``layout``.
        prediction_layout: bins of the predictions; its one column is called ``prediction``.
        predictions: on the held-out rows.
        outcomes: of the held-out predictions, by their bins.
        metrics: on the held-out rows.
        intervals: two-sided confidence intervals of the metrics, where there is one.
    """

    subject: Subject
    layout: Layout
    rows: Profile
    prediction_layout: Layout
    predictions: Profile
    outcomes: tuple[Outcomes, ...]
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]

    def as_text(self) -> str:
        """Return it as one line of JSON."""
        document = {
            "format": _FORMAT,
            "subject": asdict(self.subject),
            "layout": self.layout.as_document(),
            "rows": self.rows.as_document(),
            "prediction_layout": self.prediction_layout.as_document(),
            "predictions": self.predictions.as_document(),
            "outcomes": [asdict(each) for each in self.outcomes],
            "metrics": dict(self.metrics),
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def write(self, folder: Path) -> None:
        """Write ``baseline.json``."""
        (folder / BASELINE).write_text(self.as_text() + "\n", "utf-8")


@dataclass(frozen=True)
class HeldOut:
    """The held-out rows with the predictions of the model.

    Attributes:
        target: the labels.
        prediction: one number a row.
        intervals: of the metrics.
    """

    target: FloatArray
    prediction: FloatArray
    intervals: Mapping[str, tuple[float, float]]


def measure(train: pa.Table, fields: Iterable[Field], held_out: HeldOut, subject: Subject) -> Baseline:
    """Count training rows and held-out predictions.

    Args:
        train: the rows trained on, in canonical types.
        fields: inputs and target.
        held_out: what the model predicted on rows it had not seen.
        subject: whose baseline it is.
    """
    bins = layout.of_rows(train, fields)
    predictions = prediction_rows(held_out.prediction)
    prediction_bins = layout.of_rows(predictions, [Field(PREDICTION, "number")])
    return Baseline(
        subject=subject,
        layout=bins,
        rows=arrow_engine.profile_table(train, bins),
        prediction_layout=prediction_bins,
        predictions=arrow_engine.profile_table(predictions, prediction_bins),
        outcomes=_outcomes(subject.task, held_out, prediction_bins.columns[0].edges),
        metrics=metrics.compute(subject.task, held_out.target, held_out.prediction),
        intervals=held_out.intervals,
    )


def prediction_rows(prediction: FloatArray) -> pa.Table:
    """Return predictions as rows of the prediction layout."""
    return pa.table({PREDICTION: pa.array(prediction, pa.float64())})


def parse(text: str | bytes) -> Baseline:
    """Read what :meth:`Baseline.write` wrote.

    Raises:
        StepError: when it is no baseline, or one of another format.
    """
    try:
        document = json.loads(text)
        found = document.pop("format")
        if found != _FORMAT:
            raise StepError(f"{BASELINE} has format {found}; this code reads format {_FORMAT}")
        made = Baseline(
            **{
                **document,
                "subject": Subject(**document["subject"]),
                "layout": layout.parse(document["layout"]),
                "rows": counts.parse(document["rows"]),
                "prediction_layout": layout.parse(document["prediction_layout"]),
                "predictions": counts.parse(document["predictions"]),
                "outcomes": tuple(Outcomes(**each) for each in document["outcomes"]),
                "intervals": {name: tuple(bounds) for name, bounds in document["intervals"].items()},
            }
        )
        made.as_text()  # what cannot be written was not read from what was: a number that is none, a list of metrics
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StepError(f"{BASELINE} is no baseline: {type(error).__name__} {error}") from error
    return made


def _outcomes(task: str, held_out: HeldOut, edges: tuple[float, ...]) -> tuple[Outcomes, ...]:
    losses = {name: loss(held_out.target, held_out.prediction) for name, loss in metrics.LOSSES[task].items()}
    # A bin holds its upper edge, as in the kernel.
    bin_of_row = np.searchsorted(np.array(edges), held_out.prediction, side="left")

    def summed(values: FloatArray) -> list[float]:
        return [float(each) for each in np.bincount(bin_of_row, weights=values, minlength=len(edges) + 1)]

    rows = np.bincount(bin_of_row, minlength=len(edges) + 1)
    sums = {name: summed(values) for name, values in losses.items()}
    targets = summed(held_out.target)
    return tuple(
        Outcomes(rows=int(rows[number]), target=targets[number], losses={name: sums[name][number] for name in sums})
        for number in range(len(rows))
    )
