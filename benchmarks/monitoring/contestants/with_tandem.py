"""Tandem: the monitoring job's own functions on the engine ``arrow``."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401  # pyarrow loads it when it first meets a numpy array; here it counts as an import
import pyarrow as pa
import pyarrow.parquet as pq
from contest import SAMPLED_ROWS, Answer, Job

from pipelines.steps.contract import Field
from pipelines.steps.drift import features
from pipelines.steps.drift.baseline import BASELINE, PREDICTION, Baseline, Subject, parse
from pipelines.steps.monitor import collect
from pipelines.steps.monitor.store import Store
from pipelines.steps.monitor.windows import Window
from pipelines.steps.profiling import arrow_engine, counts, layout
from pipelines.steps.profiling.counts import Profile
from pipelines.steps.profiling.layout import Layout

_RULE = features.Rule(limit=0.1, min_rows=500)
_DAY = Window(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 1, 1, tzinfo=UTC) + timedelta(days=1))


def solve(job: Job) -> Answer:
    """Count both sides and compare them; for ``current``, the reference's side is the baseline.json of a model."""
    pa.set_cpu_count(job.threads)
    folder = Path(job.state)
    if job.task == "current":
        baseline = parse((folder / BASELINE).read_bytes())
    else:
        baseline = _baseline(job)
        baseline.write(folder)
    now = _captured(job, baseline) if job.source == "capture" else _stored(job, baseline.layout)
    found = [
        features.compare(column, baseline.rows.columns[column.name], now.columns[column.name], _RULE)
        for column in baseline.layout.columns
    ]
    return Answer(
        rows=now.rows,
        distances={feature.name: feature.js or 0.0 for feature in found},
        drifted=[feature.name for feature in found if feature.drifted],
        exact=True,
    )


def _baseline(job: Job) -> Baseline:
    bins = _layout(job)
    predictions = layout.of_rows(pa.table({PREDICTION: [0.0, 300.0]}), [Field(PREDICTION, "number")])
    return Baseline(
        subject=Subject(project="benchmark", task="regression", target="target", snapshot_id=""),
        layout=bins,
        rows=arrow_engine.profile_parquet(job.reference_files(), bins),
        prediction_layout=predictions,
        predictions=counts.empty(predictions),
        outcomes=(),
        metrics={},
        intervals={},
    )


def _layout(job: Job) -> Layout:
    fields = [Field(name, "integer" if kind == "integer" else "number") for name, kind in job.numbers.items()]
    fields += [Field(name, "string") for name in job.texts]
    with pq.ParquetFile(job.reference_files()[0]) as file:
        sample = next(file.iter_batches(SAMPLED_ROWS))
    return layout.of_rows(pa.Table.from_batches([sample]), fields)


def _stored(job: Job, bins: Layout) -> Profile:
    return arrow_engine.profile_parquet(job.current_files(), bins)


def _captured(job: Job, baseline: Baseline) -> Profile:
    reference = collect.Reference(baseline, version="7")
    names = [str(file.relative_to(job.current)) for file in job.current_files()]
    part = collect.collect(_DAY, _Folder.of(job.current), reference, names=names)
    if part.counts.problems:
        raise ValueError(f"capture has problems: {part.counts.problems}")
    return part.counts.inputs


@dataclass(frozen=True)
class _Folder(Store):
    """A folder instead of a bucket."""

    @classmethod
    def of(cls, folder: str) -> "_Folder":
        client: Any = None
        return cls(client, folder)

    def read(self, name: str) -> bytes:
        return (Path(self.bucket) / name).read_bytes()
