"""What the contract tests share: a real S3 with January and February in it, the code bundle, and one finished run."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from pipelines.projects.flights import feed

sys.path.insert(0, str(Path(__file__).parent / "support"))  # helpers by their own names: `tests` is no package

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # XGBoost in this process: sleep, as the jobs do

import emulator
import step_jobs


@pytest.fixture(scope="session")
def drops(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return feed.write([1, 2], tmp_path_factory.mktemp("drops"))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The environment that the platform gives to a job."""
    with emulator.serve(tmp_path_factory.mktemp("s3"), services="s3,sts,iam") as url:
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }


@pytest.fixture(scope="session")
def s3(platform: Mapping[str, str]) -> Any:
    client = boto3.client("s3", endpoint_url=platform["AWS_ENDPOINT_URL"], region_name="us-east-1")
    for bucket in (step_jobs.DATA_BUCKET, step_jobs.ARTIFACTS_BUCKET):
        client.create_bucket(Bucket=bucket)
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return step_jobs.write_bundle("flights", tmp_path_factory.mktemp("code") / "bundle.zip")


@pytest.fixture(scope="session")
def winter(s3: Any, drops: list[Path]) -> tuple[str, str]:
    """The snapshot of January and February: its URI and id."""
    for path in drops:
        s3.upload_file(str(path), step_jobs.DATA_BUCKET, f"data/{path.parent.name}/{path.name}")
    return step_jobs.take_snapshot(s3)


@pytest.fixture(scope="session")
def start(platform: Mapping[str, str], code: Path, tmp_path_factory: pytest.TempPathFactory) -> step_jobs.StartRun:
    """Begin a run on a snapshot; more of the environment can be given."""

    def begin(snapshot: tuple[str, str], **environment: str) -> step_jobs.Run:
        uri, snapshot_id = snapshot
        return step_jobs.Run(
            project="flights",
            folder=tmp_path_factory.mktemp("run"),
            code=code,
            parameters={"RunId": "run-1", "Reason": "a test", "SnapshotUri": uri, "SnapshotId": snapshot_id},
            environment={**platform, **environment},
        )

    return begin


@pytest.fixture(scope="session")
def finished(start: step_jobs.StartRun, winter: tuple[str, str]) -> step_jobs.Run:
    """One run on January and February with every step done."""
    return start(winter).succeed("Validate", "Prepare", "Train", "Evaluate")
