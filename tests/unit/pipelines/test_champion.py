"""The champion in the registry: whatever stands in the way of its score says so, and what to do."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from pipelines.steps import champion
from pipelines.steps.champion import ChampionError

ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/flights/7"
URI = "s3://artifacts/runs/r/model/model.tar.gz"
TRAINING = {"target": "air_time", "trained_until": "2013-02-14T04:00:00+00:00"}
SCORE = """
import sys
from pathlib import Path
import numpy as np
import pyarrow.parquet as pq

folder, rows, scores = sys.argv[1:]
"""


def archive(training: object = TRAINING) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        if training is not None:
            content = json.dumps(training).encode()
            entry = tarfile.TarInfo("training.json")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def described(**changes: Any) -> dict[str, Any]:
    container = {"Image": "xgboost", "ModelDataUrl": URI} | changes.pop("container", {})
    return {
        "ModelPackageArn": ARN,
        "ModelPackageName": "7",
        "ModelPackageVersion": 7,
        "ModelApprovalStatus": "Approved",
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "CreationTime": 0,
        "InferenceSpecification": {"Containers": [container]},
    } | changes


def fetch(
    folder: Path,
    *,
    package: Mapping[str, Any] | None = None,
    body: bytes | None = None,
    etag: str = '"abc"',
    refused: str = "",
) -> champion.Champion:
    """Fetch through clients that answer once: every shape is checked against AWS's model."""
    sagemaker, s3 = (boto3.client(name, region_name="us-east-1") for name in ("sagemaker", "s3"))
    body = archive() if body is None else body
    with Stubber(sagemaker) as registry, Stubber(s3) as bucket:
        if refused == "registry":
            registry.add_client_error("describe_model_package", "AccessDeniedException", "not allowed")
        else:
            registry.add_response("describe_model_package", dict(package or described()), {"ModelPackageName": ARN})
        if refused == "archive":
            bucket.add_client_error("get_object", "NoSuchKey", "The specified key does not exist.")
        else:
            answer = {"Body": StreamingBody(io.BytesIO(body), len(body)), "ETag": etag, "ContentLength": len(body)}
            bucket.add_response("get_object", answer, {"Bucket": "artifacts", "Key": "runs/r/model/model.tar.gz"})
        return champion.fetch(ARN, target="air_time", folder=folder, sagemaker=sagemaker, s3=s3)


def test_a_champion_is_fetched_with_its_version_and_the_time_it_was_trained_until(tmp_path: Path) -> None:
    found = fetch(tmp_path, package=described(container={"ModelDataETag": "abc"}))
    assert (found.package.version, found.package.archive) == (7, URI)
    assert found.trained_until.isoformat() == TRAINING["trained_until"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"refused": "registry"}, "cannot be read in the model registry"),
        ({"refused": "archive"}, "its archive s3://artifacts/runs/r/model/model.tar.gz cannot be read"),
        ({"package": described(ModelApprovalStatus="Rejected")}, "it is Rejected and no longer Approved"),
        ({"package": described(ModelApprovalStatus="PendingManualApproval")}, "it is PendingManualApproval"),
        ({"package": described(InferenceSpecification={"Containers": [{}, {}]})}, "it has 2 containers"),
        ({"package": described(container={"ModelDataUrl": "https://elsewhere/x"})}, "is no S3 URI"),
        ({"package": described(container={"ModelDataETag": '"old"'})}, "was overwritten after it was registered"),
        ({"body": b"no archive"}, "is no readable model archive"),
        ({"body": archive(None)}, "does not tell until when it was trained"),
        ({"body": archive({"target": "air_time"})}, "'trained_until' is missing"),
        ({"body": archive({**TRAINING, "trained_until": "yesterday"})}, "does not tell until when it was trained"),
        ({"body": archive([])}, "does not tell until when it was trained"),
        (
            {"body": archive({**TRAINING, "target": "dep_delay"})},
            "it predicts 'dep_delay' and the challenger 'air_time'",
        ),
    ],
)
def test_a_champion_that_cannot_be_fetched_is_named_with_what_to_do(
    tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ChampionError) as caught:
        fetch(tmp_path, **given)
    assert words in str(caught.value)
    assert ARN in str(caught.value)
    assert "then ask for a run again" in str(caught.value)


def with_code(folder: Path, code: str) -> champion.Champion:
    """A champion whose archive holds this code as its scorer."""
    package = folder / "champion" / "code" / "pipelines" / "steps"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "score.py").write_text(SCORE + code)
    fetched = fetch(folder)
    return champion.Champion(fetched.package, folder / "champion", fetched.trained_until)


def score(folder: Path, code: str) -> Any:
    found = with_code(folder, code)
    (folder / "work").mkdir()
    return found.score(pa.table({"x": [1.0, 2.0, 3.0]}), folder=folder / "work")


def test_the_archives_own_code_scores_and_sees_neither_ours_nor_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(Path(__file__).resolve().parents[3])
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    code = (
        "import os, pipelines\n"
        "assert not [name for name in os.environ if name.startswith('AWS_')]\n"
        "assert len(list(pipelines.__path__)) == 1 and 'champion' in pipelines.__file__\n"
        f"assert {root!r} not in sys.path\n"
        "np.save(scores, pq.read_table(rows).column('x').to_numpy() * 2)\n"
    )
    assert score(tmp_path, code).tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ValueError('column y is missing')", "ValueError: column y is missing"),
        ("sys.exit(3)", "exit code 3"),
        ("pass", "left no scores"),
        ("Path(scores).write_bytes(b'garbage')", "left no scores"),
        ("np.save(scores, np.array([object()]), allow_pickle=True)", "left no scores"),
    ],
)
def test_code_that_cannot_score_is_an_error_that_says_so(tmp_path: Path, code: str, words: str) -> None:
    with pytest.raises(ChampionError, match=words):
        score(tmp_path, code)


def test_scores_of_another_length_reach_the_caller_who_refuses_them(tmp_path: Path) -> None:
    assert score(tmp_path, "np.save(scores, np.zeros(2))").shape == (2,)
