"""Runs step Validate in this process on drops that lie in a folder, as `period=.../file.parquet`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.steps import contract as contracts
from pipelines.steps import drops, validate
from pipelines.steps.paths import Paths
from pipelines.steps.profile import Profile, Profiler
from pipelines.steps.quality import baseline
from pipelines.steps.quality.limits import Limits
from pipelines.steps.snapshot import Snapshot, SnapshotObject

RUN_ID = "20140301T101500Z-0a1b2c3d"


@dataclass(frozen=True)
class LocalReader:
    """Stands for the snapshot of some files."""

    files_of_snapshot: Sequence[Path]

    def manifest(self, uri: str, *, snapshot_id: str) -> Snapshot:
        assert uri
        objects = tuple(
            SnapshotObject(
                key=f"data/{path.parent.name}/{path.name}",
                version_id="v1",
                etag="e",
                size=path.stat().st_size,
                period=path.parent.name.removeprefix("period="),
            )
            for path in self.files_of_snapshot
        )
        return Snapshot(id=snapshot_id, bucket="data", objects=objects)

    def files(self, snapshot: Snapshot) -> Iterator[tuple[SnapshotObject, Path]]:
        return zip(snapshot.objects, self.files_of_snapshot, strict=True)


def profile_of(project: str, files: Sequence[Path], *, time_column: str) -> Profile:
    """Profile the labelled rows of some drops, as step Prepare does."""
    contract = contracts.load(project)
    fields = drops.drop_fields(contract, time_column=time_column)
    profiler = Profiler(fields, label=contract.output.name)
    for path in files:
        for batch in drops.read(path, fields):
            profiler.add(batch.filter(pc.is_valid(batch.column(contract.output.name))))
    return profiler.profile()


@dataclass(frozen=True)
class Validation:
    """Step Validate of one project.

    Attributes:
        champion: profile of the champion's training rows, if there is one.
    """

    project: str
    time_column: str
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    champion: Profile | None = None

    def run(self, files: Sequence[Path], *, run_id: str = RUN_ID, limits: Limits | None = None) -> Any:
        """Return ``validation.json``."""
        found = baseline.Baseline(profile=self.champion, run_id="champion")
        self.monkeypatch.setattr(baseline, "find", lambda *_, **__: found)
        arguments = validate.ValidateArguments(
            project=self.project,
            snapshot_uri="s3://artifacts/snapshots/s.json",
            snapshot_id="s",
            target=contracts.load(self.project).output.name,
            time_column=self.time_column,
            run_id=run_id,
            champion="none",
            runs_uri="s3://artifacts/runs",
            limits=limits or Limits(),
        )
        paths = Paths(self.folder)
        validate.run(arguments, paths, LocalReader(files))  # type: ignore[arg-type]  # has what the step uses
        return json.loads((paths.processing_output("report") / validate.REPORT).read_text())


def replaced(table: pa.Table, column: str, values: Any) -> pa.Table:
    """Return the table with one column of other values, in its own type."""
    index = table.schema.get_field_index(column)
    return table.set_column(index, column, pa.array(values, table.schema.field(index).type))
