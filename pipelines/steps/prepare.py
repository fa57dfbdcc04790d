"""Step Prepare: the snapshot becomes one training set and one hold-out, in total order.

The labelled rows of the window are held in memory once, as Arrow columns (flights: 120 bytes a row): sorting needs
all of them.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.steps import columns, drops, split
from pipelines.steps import contract as contracts
from pipelines.steps.contract import Field
from pipelines.steps.failure import StepError
from pipelines.steps.paths import Paths
from pipelines.steps.profile import Profile, Profiler
from pipelines.steps.snapshot import Snapshot, SnapshotReader
from pipelines.steps.validate import SnapshotArguments

ROWS = "rows.parquet"
REPORT = "prepare.json"
_FORMAT = 1


@dataclass(frozen=True)
class PrepareArguments(SnapshotArguments):
    """What the step is started with."""

    holdout_days: int


@dataclass(frozen=True)
class PrepareReport:
    """What became of the snapshot's rows. ``unlabelled`` rows have no target (a cancelled flight) and are left out."""

    format: int
    snapshot_id: str
    objects: int
    rows: int
    unlabelled: int
    train: int
    holdout: int
    oldest: str
    cut: str
    newest: str


def run(arguments: PrepareArguments, paths: Paths, reader: SnapshotReader) -> None:
    """Read the snapshot, drop unlabelled rows with a count, sort, split and write both sets.

    Raises:
        StepError: when nothing is left to train or to judge on.
    """
    contract = contracts.load(arguments.project)
    snapshot = reader.manifest(arguments.snapshot_uri, snapshot_id=arguments.snapshot_id)
    fields = drops.drop_fields(contract, time_column=arguments.time_column)
    labelled, total = _labelled_rows(reader, snapshot, fields, target=contract.output.name)
    if not len(labelled):
        raise StepError(f"the snapshot holds {total} rows and none has a label in {contract.output.name!r}")
    rows = split.in_total_order(labelled, time_column=arguments.time_column)
    parts = split.by_time(rows, time_column=arguments.time_column, holdout_days=arguments.holdout_days)
    for name, part in (("train", parts.train), ("holdout", parts.holdout)):
        pq.write_table(part, paths.processing_output(name) / ROWS)
    report = PrepareReport(
        format=_FORMAT,
        snapshot_id=snapshot.id,
        objects=len(snapshot.objects),
        rows=total,
        unlabelled=total - len(labelled),
        train=len(parts.train),
        holdout=len(parts.holdout),
        oldest=_iso(rows.column(arguments.time_column)[0].as_py()),
        cut=_iso(parts.cut),
        newest=_iso(parts.newest),
    )
    document = json.dumps(asdict(report), indent=2, sort_keys=True) + "\n"
    folder = paths.processing_output("report")
    (folder / REPORT).write_text(document, "utf-8")
    _profile(parts.train, fields, label=contract.output.name).write(folder)
    print(f"{report.train} rows to train on, {report.holdout} held out, {report.unlabelled} without a label")  # noqa: T201  # the job's log


def _profile(rows: pa.Table, fields: tuple[Field, ...], *, label: str) -> Profile:
    """Profile the training rows: what later data is compared with while this model is the champion."""
    profiler = Profiler(fields, label=label)
    for batch in rows.to_batches(max_chunksize=drops.BATCH_ROWS):
        profiler.add(batch)
    return profiler.profile()


def read_rows(folder: Path) -> pa.Table:
    """Read a set that this step wrote.

    Raises:
        StepError: when it is not there.
    """
    path = folder / ROWS
    if not path.is_file():
        raise StepError(f"{path} does not exist: step Prepare writes it")
    return pq.read_table(path)


def _labelled_rows(
    reader: SnapshotReader, snapshot: Snapshot, fields: tuple[Field, ...], *, target: str
) -> tuple[pa.Table, int]:
    batches: list[pa.RecordBatch] = []
    total = 0
    for _, path in reader.files(snapshot):
        for batch in drops.read(path, fields):
            total += len(batch)
            batches.append(batch.filter(pc.is_valid(batch.column(target))))
    return pa.Table.from_batches(batches, schema=columns.schema(fields)), total


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
