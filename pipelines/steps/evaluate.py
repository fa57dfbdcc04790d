"""Step Evaluate: scores the challenger on the hold-out, decides, and packs the archive that would be served."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from pipelines.steps import artifact, gate, metrics
from pipelines.steps.paths import Paths
from pipelines.steps.plugin import FloatArray
from pipelines.steps.prepare import read_rows

EVALUATION = "evaluation.json"
_FORMAT = 1


@dataclass(frozen=True)
class EvaluateArguments:
    """What the step is started with."""

    project: str
    task: str
    target: str
    metric: str
    direction: str
    min_improvement_over_naive: float


def run(arguments: EvaluateArguments, paths: Paths) -> None:
    """Write ``evaluation.json`` and the normalised ``model.tar.gz``.

    What is packed is what was scored: the archive of the training job is unpacked, loaded, scored and packed again.

    Raises:
        StepError: when an input is missing, the settings contradict each other, or a metric cannot be computed.
    """
    floor = gate.parse_floor(
        task=arguments.task,
        metric=arguments.metric,
        direction=arguments.direction,
        min_improvement=arguments.min_improvement_over_naive,
    )
    train = read_rows(paths.processing_input("train"))
    holdout = read_rows(paths.processing_input("holdout"))
    target = _column(holdout, arguments.target)
    with TemporaryDirectory(prefix="model-") as name:
        folder = Path(name)
        artifact.unpack(paths.processing_input("model") / artifact.ARCHIVE, folder)
        challenger = artifact.read(folder)
        rows = holdout.select([field.name for field in challenger.contract.inputs])
        scores = metrics.compute(arguments.task, target, challenger.model.predict(rows))
        artifact.pack(folder, paths.processing_output("model") / artifact.ARCHIVE)
    constant = float(np.mean(_column(train, arguments.target)))
    naive = metrics.compute(arguments.task, target, np.full(len(target), constant))
    verdict = gate.against_naive(scores[floor.metric], naive[floor.metric], floor)
    document = {
        "format": _FORMAT,
        "project": arguments.project,
        "task": arguments.task,
        "snapshot_id": challenger.training.snapshot_id,
        "rows": {"train": len(train), "holdout": len(holdout)},
        "metrics": scores,
        "naive": {"predictor": "mean of the training rows", "value": constant, "metrics": naive},
        "champion": None,
        "gate": asdict(verdict),
    }
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    (paths.processing_output("evaluation") / EVALUATION).write_text(text, "utf-8")
    print(f"{'promote' if verdict.promote else 'keep out'}: {verdict.reason}")  # noqa: T201  # the job's log


def _column(rows: pa.Table, name: str) -> FloatArray:
    values: FloatArray = rows.column(name).to_numpy().astype("float64")
    return values
