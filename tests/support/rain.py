"""Project ``rain``: a small classification without XGBoost that nobody planned for, and its steps as jobs."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import bundle
from pipelines.steps.report import Run

START = datetime(2020, 1, 1, tzinfo=UTC)
HOURS = 2000
CUT_HOUR = HOURS - 14 * 24
"""Rows before this hour are trained on by default, the fourteen days after it are held out."""

CONTRACT: Mapping[str, Any] = {
    "name": "rain",
    "version": "1",
    "inputs": [{"name": "cloud", "type": "number", "minimum": 0, "maximum": 1}, {"name": "at", "type": "timestamp"}],
    "output": {"name": "rains", "type": "boolean"},
}
BINS = "np.minimum((rows.column('cloud').to_numpy() * 10).astype(int), 9)"
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
    return BINS

def train(rows, target, *, hyperparameters, seed):
    return Shares([float(target[bins(rows) == number].mean()) for number in range(10)])

def load(folder):
    return Shares(json.loads((folder / "shares.json").read_text()))
"""


def rows(*, hours: range = range(HOURS)) -> pa.Table:
    """Hourly weather: the cloudier, the more often it rains."""
    random = np.random.default_rng(3)
    cloud = random.uniform(size=HOURS)
    rains = random.uniform(size=HOURS) < cloud
    table = pa.table(
        {
            "cloud": cloud,
            "at": pa.array([START + timedelta(hours=hour) for hour in range(HOURS)], pa.timestamp("us", tz="UTC")),
            "rains": rains,
        }
    )
    return table.slice(hours.start, len(hours))


def write_bundle(folder: Path, *, bins: str = BINS, contract: Mapping[str, Any] = CONTRACT) -> Path:
    """Zip the steps with the project; ``bins`` is its one feature."""
    project = folder / "projects" / "rain"
    project.mkdir(parents=True)
    (project / "__init__.py").touch()
    (project / "model.py").write_text(MODEL.replace("BINS", bins))
    (project / "contract.json").write_text(json.dumps(contract))
    path = folder / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, source in bundle.files("rain", projects=project.parent):
            archive.write(source, name)
    return path


@dataclass(frozen=True)
class Jobs:
    """Runs steps of the project in one tree of a container.

    Attributes:
        base: stands for ``/opt/ml``.
        code: the bundle.
        environment: what the platform adds.
        project: name, target and time column of another project than this one.
        hyperparameters: what its training wants.
    """

    base: Path
    code: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    project: tuple[str, str, str] = ("rain", "rains", "at")
    hyperparameters: Mapping[str, str] = field(default_factory=dict)

    def step(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one step."""
        project, target, _ = self.project
        command = [sys.executable, "-m", "pipelines.steps", name, "--project", project, "--target", target]
        return subprocess.run(
            [*command, *arguments],
            cwd=self.base,
            env={
                "PATH": os.environ["PATH"],
                **{f"TANDEM_{about.name.upper()}": project for about in fields(Run)},
                **self.environment,
                "PYTHONPATH": str(self.code),
                "SAGEMAKER_BASE_DIR": str(self.base),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def train(self, table: pa.Table) -> Path:
        """Train on a table; returns the model's folder."""
        channel = self.base / "input" / "data" / "train"
        channel.mkdir(parents=True)
        pq.write_table(table, channel / "rows.parquet")
        (self.base / "input" / "config").mkdir(parents=True)
        (self.base / "input" / "config" / "hyperparameters.json").write_text(
            json.dumps({"seed": "1", **self.hyperparameters})
        )
        succeeded(self.step("train", "--snapshot-id", "s", "--time-column", self.project[2]))
        return self.base / "model"

    def evaluate(
        self, model: Path, *, train: pa.Table, holdout: pa.Table, champion: str = "none", **changes: str
    ) -> subprocess.CompletedProcess[str]:
        """Judge a model folder; ``changes`` are arguments with underscores."""
        given = self.base / "processing" / "input"
        for name, table in (("train", train), ("holdout", holdout)):
            (given / name).mkdir(parents=True)
            pq.write_table(table, given / name / "rows.parquet")
        (given / "model").mkdir()
        with tarfile.open(given / "model" / "model.tar.gz", "w:gz") as archive:  # as the platform packs it
            archive.add(model, arcname=".")
        arguments = {
            "task": "binary_classification",
            "metric": "auc",
            "direction": "maximize",
            "time_column": self.project[2],
            "champion": champion,
            "margin": "0.01",
            "alpha": "0.01",
            "min_improvement_over_naive": "0.2",
            "unit": "day",
            "min_clusters": "7",
            "guards": "log_loss:0.5",
            "slices": "none",
        } | changes
        words = [word for key, value in arguments.items() for word in (f"--{key.replace('_', '-')}", value)]
        return self.step("evaluate", *words)

    def evaluation(self) -> Any:
        """What the judge left."""
        return json.loads((self.base / "processing" / "output" / "evaluation" / "evaluation.json").read_text())

    def message(self) -> str:
        """Why the step failed, where SageMaker reads it."""
        return (self.base / "output" / "message").read_text()


def succeeded(finished: subprocess.CompletedProcess[str]) -> None:
    assert finished.returncode == 0, finished.stderr
