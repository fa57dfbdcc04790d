"""A project nobody planned for, a classification without XGBoost, goes through the same steps by its folder alone."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import step_jobs

from pipelines import bundle

CONTRACT = {
    "name": "rain",
    "version": "1",
    "inputs": [{"name": "cloud", "type": "number", "minimum": 0, "maximum": 1}, {"name": "at", "type": "timestamp"}],
    "output": {"name": "rains", "type": "boolean"},
}
MODEL = """
import json
import numpy as np

LIBRARIES = ()

class Shares:
    def __init__(self, shares):
        self.shares = shares

    def predict(self, rows):
        return np.array(self.shares)[bins(rows)]

    def save(self, folder):
        (folder / "shares.json").write_text(json.dumps(self.shares))

def bins(rows):
    return np.minimum((rows.column("cloud").to_numpy() * 10).astype(int), 9)

def train(rows, target, *, hyperparameters, seed):
    return Shares([float(target[bins(rows) == number].mean()) for number in range(10)])

def load(folder):
    return Shares(json.loads((folder / "shares.json").read_text()))
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    projects = tmp_path_factory.mktemp("projects")
    (projects / "rain").mkdir()
    (projects / "rain" / "__init__.py").touch()
    (projects / "rain" / "model.py").write_text(MODEL)
    (projects / "rain" / "contract.json").write_text(json.dumps(CONTRACT))
    path = projects / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, source in bundle.files("rain", projects=projects):
            archive.write(source, name)
    return path


@pytest.fixture(scope="module")
def snapshot(s3: Any) -> tuple[str, str]:
    random = np.random.default_rng(3)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    cloud = random.uniform(size=2000)
    rows = pa.table(
        {
            "cloud": cloud,
            "at": pa.array([start + timedelta(hours=hour) for hour in range(2000)], pa.timestamp("ms", tz="UTC")),
            "rains": random.uniform(size=2000) < cloud,
        }
    )
    buffer = io.BytesIO()
    pq.write_table(rows, buffer)
    s3.put_object(Bucket=step_jobs.DATA_BUCKET, Key="rain/period=2020-01/a.parquet", Body=buffer.getvalue())
    return step_jobs.take_snapshot(s3, prefix="rain/")


def test_a_classification_is_validated_trained_judged_and_packed(
    code: Path, snapshot: tuple[str, str], platform: Mapping[str, str], tmp_path: Path
) -> None:
    def step(name: str, *arguments: str) -> None:
        finished = subprocess.run(
            [sys.executable, "-m", "pipelines.steps", name, "--project", "rain", "--target", "rains", *arguments],
            cwd=tmp_path,
            env={**platform, "PYTHONPATH": str(code), "SAGEMAKER_BASE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr

    (tmp_path / "input" / "config").mkdir(parents=True)
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text('{"seed": "1"}')
    outputs, given = tmp_path / "processing" / "output", tmp_path / "processing" / "input"
    reading = ("--snapshot-uri", snapshot[0], "--snapshot-id", snapshot[1], "--time-column", "at")
    step("validate", *reading)
    step("prepare", *reading, "--holdout-days", "14")
    (tmp_path / "input" / "data").mkdir()
    (outputs / "train").rename(tmp_path / "input" / "data" / "train")
    step("train", "--snapshot-id", snapshot[1])
    given.mkdir()
    (tmp_path / "input" / "data" / "train").rename(given / "train")
    (outputs / "holdout").rename(given / "holdout")
    _pack_as_the_platform(tmp_path / "model", given / "model")
    judging = ("--task", "binary_classification", "--metric", "auc", "--direction", "maximize")
    step("evaluate", *judging, "--min-improvement-over-naive", "0.2")
    evaluation = json.loads((outputs / "evaluation" / "evaluation.json").read_text())
    assert evaluation["naive"]["metrics"]["auc"] == 0.5
    assert evaluation["metrics"]["auc"] > 0.75
    assert evaluation["gate"]["promote"] is True
    assert (outputs / "model" / "model.tar.gz").is_file()


def _pack_as_the_platform(folder: Path, to: Path) -> None:
    import tarfile  # noqa: PLC0415  # only here

    to.mkdir()
    with tarfile.open(to / "model.tar.gz", "w:gz") as archive:
        archive.add(folder, arcname=".")
