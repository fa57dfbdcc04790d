"""The champion: resolved in the registry when it is needed, and scored in a process of its own with its own code.

Whatever stands in the way is a :class:`ChampionError`: without a score of the champion there is no promotion.
AWS page: "DescribeModelPackage" (Amazon SageMaker API Reference).
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import pipelines
from pipelines.steps import artifact
from pipelines.steps.failure import StepError
from pipelines.steps.plugin import FloatArray

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

NONE = "none"
"""Stands for no champion, because SageMaker takes no empty parameter."""

_URI = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)")
_RUN_AGAIN = "then ask for a run again (docs/operating.md, asking for a training run)"
_LONGEST_REASON = 300


class ChampionError(StepError):
    """The champion cannot be scored; the message says why and what to do."""


@dataclass(frozen=True)
class Package:
    """A registered version.

    Attributes:
        arn: of the model package.
        version: its number in the group, ``None`` for a package without one.
        archive: S3 URI of its ``model.tar.gz``.
        etag: of the archive when it was registered, where SageMaker tells.
    """

    arn: str
    version: int | None
    archive: str
    etag: str | None


@dataclass(frozen=True)
class Champion:
    """A champion on disk.

    Attributes:
        package: where it comes from.
        folder: its unpacked archive.
        trained_until: time of the newest row that it was trained on.
    """

    package: Package
    folder: Path
    trained_until: datetime

    def score(self, rows: pa.Table, *, folder: Path) -> FloatArray:
        """Predict every row with the archive's own code.

        Args:
            rows: columns of the contract in their canonical types.
            folder: an empty folder to work in.

        Raises:
            ChampionError: when the process fails or answers something else than one number per row.
        """
        inputs, outputs = folder / "rows.parquet", folder / "scores.npy"
        pq.write_table(rows, inputs)
        finished = subprocess.run(
            [sys.executable, "-m", "pipelines.steps.score", str(self.folder), str(inputs), str(outputs)],
            cwd=self.folder / "code",
            env=_environment(os.environ, code=self.folder / "code"),
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            said = finished.stderr.strip().splitlines() or [f"exit code {finished.returncode}"]
            raise _unreadable(
                self.package,
                f"its own code cannot score the hold-out: {said[-1][:_LONGEST_REASON]}",
                "see the job's log",
                details=finished.stderr,
            )
        try:
            scores: FloatArray = np.load(outputs, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise _unreadable(self.package, f"its own code left no scores ({error})", "see the job's log") from error
        return scores


def fetch(arn: str, *, target: str, folder: Path, sagemaker: "SageMakerClient", s3: "S3Client") -> Champion:
    """Bring the champion's archive to disk.

    Args:
        arn: of its model package.
        target: what the challenger predicts.
        folder: an empty folder; the archive is unpacked below it.
        sagemaker: client that may describe the package.
        s3: client that may read the archive.

    Raises:
        ChampionError: when the package is gone or no longer approved, or its archive cannot be read.
    """
    package = _described(arn, sagemaker)
    archive, unpacked = folder / artifact.ARCHIVE, folder / "champion"
    _download(package, archive, s3)
    try:
        artifact.unpack(archive, unpacked)
        training = json.loads((unpacked / artifact.TRAINING).read_text("utf-8"))
        trained_until = datetime.fromisoformat(training["trained_until"]).astimezone(UTC)
    except (StepError, OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise _unreadable(
            package,
            f"its archive {package.archive} does not tell until when it was trained ({_named(error)})",
            "restore the object's version that was registered, or reject the version so that the one before it serves",
        ) from error
    if training.get("target") != target:
        raise _unreadable(
            package,
            f"it predicts {training.get('target')!r} and the challenger {target!r}",
            "another target is another project: deploy it as one, or reject the version",
        )
    return Champion(package=package, folder=unpacked, trained_until=trained_until)


def _described(arn: str, sagemaker: "SageMakerClient") -> Package:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # only where there is a champion

    try:
        described: Mapping[str, Any] = sagemaker.describe_model_package(ModelPackageName=arn)
    except (ClientError, BotoCoreError) as error:
        raise ChampionError(
            f"champion {arn} is live by the ledger and cannot be read in the model registry ({error}): "
            f"approve and deploy a version that exists, or restore the permission, {_RUN_AGAIN}"
        ) from error
    status = described.get("ModelApprovalStatus")
    containers = described.get("InferenceSpecification", {}).get("Containers", [])
    container = containers[0] if len(containers) == 1 else {}
    package = Package(
        arn=arn,
        version=described.get("ModelPackageVersion"),
        archive=container.get("ModelDataUrl", ""),
        etag=container.get("ModelDataETag"),
    )
    if status != "Approved":
        raise _unreadable(
            package,
            f"it is {status} and no longer Approved",
            "wait until the version that replaces it is live, or approve it again",
        )
    if not package.archive:
        raise _unreadable(
            package, f"it has {len(containers)} containers and no single archive", "deploy a version that Tandem made"
        )
    return package


def _download(package: Package, to: Path, s3: "S3Client") -> None:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # only where there is a champion

    where = _URI.fullmatch(package.archive)
    if where is None:
        raise _unreadable(package, f"its archive {package.archive!r} is no S3 URI", "deploy a version that Tandem made")
    remedy = "restore the object's version that was registered and the pipeline role's permission to read it"
    try:
        answer = s3.get_object(Bucket=where["bucket"], Key=where["key"])
        with to.open("wb") as file:
            shutil.copyfileobj(answer["Body"], file)
    except (ClientError, BotoCoreError, OSError) as error:
        raise _unreadable(package, f"its archive {package.archive} cannot be read ({error})", remedy) from error
    if package.etag and package.etag.strip('"') != answer["ETag"].strip('"'):
        raise _unreadable(package, f"its archive {package.archive} was overwritten after it was registered", remedy)


def _environment(present: Mapping[str, str], *, code: Path) -> dict[str, str]:
    """Return the environment of the champion's process: its code and the image's packages; neither our code nor AWS."""
    bundle = Path(pipelines.__file__ or "").parent.parent
    entries = [entry for entry in present.get("PYTHONPATH", "").split(os.pathsep) if entry and Path(entry) != bundle]
    kept = {name: value for name, value in present.items() if not name.startswith("AWS_") and name != "PYTHONPATH"}
    return kept | {"PYTHONPATH": os.pathsep.join([str(code), *entries]), "PYTHONDONTWRITEBYTECODE": "1"}


def _unreadable(package: Package, problem: str, remedy: str, *, details: str = "") -> ChampionError:
    name = package.arn if package.version is None else f"version {package.version} ({package.arn})"
    if details:
        print(details, file=sys.stderr)  # noqa: T201  # the job's log
    return ChampionError(f"champion {name} cannot be judged, because {problem}: {remedy}, {_RUN_AGAIN}")


def _named(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
