"""Every project goes through the same steps with real data, by what its folder holds."""

import hashlib
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import step_jobs

from pipelines import compiled, inputs
from stacks.settings.types import METRICS

FLOORS = {"late": {"auc": 0.65}, "flights": {"rmse": 13.5}}
"""What the projects that come with Tandem reach on the second half of February at least; another one needs no entry."""


@pytest.fixture(scope="module", params=compiled.projects())
def run(
    request: pytest.FixtureRequest, platform: Mapping[str, str], s3: Any, tmp_path_factory: pytest.TempPathFactory
) -> step_jobs.Run:
    project: str = request.param
    feed = importlib.import_module(f"pipelines.projects.{project}.feed")
    for path in feed.write([1, 2], tmp_path_factory.mktemp("drops")):
        s3.upload_file(str(path), step_jobs.DATA_BUCKET, f"every-{project}/{path.parent.name}/{path.name}")
    uri, snapshot_id = step_jobs.take_snapshot(s3, prefix=f"every-{project}/")
    folder = tmp_path_factory.mktemp("run")
    return step_jobs.Run(
        project=project,
        folder=folder,
        code=step_jobs.write_bundle(project, folder / "bundle.zip"),
        parameters={
            "RunId": "20130301T101500Z-0a1b2c3d",
            "Reason": "a test",
            "SnapshotUri": uri,
            "SnapshotId": snapshot_id,
        },
        environment=platform,
    ).succeed("Validate", "Prepare", "Train", "Evaluate")


def test_its_data_is_accepted_and_its_model_promoted(run: step_jobs.Run) -> None:
    validation = run.document("Validate", "report", "validation.json")
    evaluation = run.document("Evaluate", "evaluation", "evaluation.json")
    assert validation["accepted"] is True
    assert validation["time_of_run"] == "2013-03-01T10:15:00Z"
    assert validation["baseline"]["reason"] == "there is no champion yet"
    assert (evaluation["project"], evaluation["gate"]["promote"]) == (run.project, True)
    for name, floor in FLOORS.get(run.project, {}).items():
        sign = 1 if METRICS[name].direction == "maximize" else -1
        assert sign * evaluation["metrics"][name] > sign * floor


def test_its_training_rows_are_profiled(run: step_jobs.Run) -> None:
    time_column = inputs.read(run.project).time_column
    profile = run.document("Prepare", "report", "profile.json")
    report = run.document("Prepare", "report", "prepare.json")
    assert profile["rows"] == report["train"]
    assert profile["columns"][profile["label"]]["nulls"] == 0
    assert profile["columns"][time_column]["maximum"] <= report["cut"]


def test_another_process_on_another_number_of_threads_packs_the_same_archive(
    run: step_jobs.Run, tmp_path: Path
) -> None:
    again = step_jobs.Run(
        project=run.project,
        folder=tmp_path,
        code=run.code,
        parameters=run.parameters,
        environment={**run.environment, "OMP_NUM_THREADS": "1"},
    ).succeed("Prepare", "Train", "Evaluate")
    assert _digest(again) == _digest(run)


def _digest(run: step_jobs.Run) -> str:
    return hashlib.sha256(run.output("Evaluate", "model", "model.tar.gz").read_bytes()).hexdigest()
