"""The model that nobody touches again: the first version, asked offline with the code of its own archive."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlparse

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.demo.cloud import Cloud, DemoError


def fetch(cloud: Cloud, *, to: Path) -> Path:
    """Bring the archive of the first version to disk; returns the unpacked folder."""
    sagemaker = cloud.client("sagemaker")
    group = cloud.outputs("Training")["ModelPackageGroupName"]
    newest_first = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    package = sagemaker.describe_model_package(ModelPackageName=newest_first[-1]["ModelPackageArn"])
    where = urlparse(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    to.mkdir(parents=True, exist_ok=True)
    archive = to / "model.tar.gz"
    cloud.client("s3").download_file(where.netloc, where.path.lstrip("/"), str(archive))
    with tarfile.open(archive, "r:gz") as tar:
        tar.extractall(to / "model", filter="data")
    return to / "model"


def score(model: Path, rows: pa.Table) -> npt.NDArray[np.float64]:
    """Predict rows as the archive's own code does (``python -m pipelines.steps.score``, the contract of an archive).

    Raises:
        DemoError: it could not.
    """
    model = model.resolve()  # the process runs elsewhere
    with TemporaryDirectory(prefix="frozen-") as name:
        folder = Path(name)
        pq.write_table(rows, folder / "rows.parquet")
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.steps.score", model, folder / "rows.parquet", folder / "scores.npy"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(model / "code")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DemoError(f"the first model could not be asked again: {done.stderr.strip()}")
        scores: npt.NDArray[np.float64] = np.load(folder / "scores.npy", allow_pickle=False)
        return scores
