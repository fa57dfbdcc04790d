"""Where the report gets what no step hands it: the champion's profile and what the run was started with."""

import io
from dataclasses import fields
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from pipelines.steps.failure import StepError
from pipelines.steps.report import Run, reference

ARCHIVE = "s3://artifacts/runs/20130301T101500Z-1a2b3c4d/model/model.tar.gz"
PROFILE = {"Bucket": "artifacts", "Key": "runs/20130301T101500Z-1a2b3c4d/prepare/report/profile.json"}


@pytest.fixture
def s3() -> Any:
    return boto3.client("s3", region_name="us-east-1")


def test_the_profile_lies_beside_what_the_champions_run_left(tmp_path: Path, s3: Any) -> None:
    with Stubber(s3) as stub:
        stub.add_response("get_object", {"Body": StreamingBody(io.BytesIO(b"{}"), 2)}, PROFILE)
        reference.fetch(ARCHIVE, tmp_path / "profile.json", s3)
        stub.assert_no_pending_responses()
    assert (tmp_path / "profile.json").read_bytes() == b"{}"


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_a_champion_without_a_profile_stops_nothing_and_is_said_in_the_log(
    tmp_path: Path, s3: Any, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Stubber(s3) as stub:
        stub.add_client_error("get_object", code)
        reference.fetch(ARCHIVE, tmp_path / "profile.json", s3)
    assert not (tmp_path / "profile.json").exists()
    assert code in capsys.readouterr().out


def test_an_archive_from_elsewhere_is_not_searched_for_a_profile(tmp_path: Path, s3: Any) -> None:
    with Stubber(s3):
        reference.fetch("s3://elsewhere/model.tar.gz", tmp_path / "profile.json", s3)
    assert not (tmp_path / "profile.json").exists()


def test_a_run_is_read_from_the_jobs_environment() -> None:
    values = {f"TANDEM_{field.name.upper()}": f"-{field.name}" for field in fields(Run)}
    assert Run.from_environment(values).reason == "-reason"
    del values["TANDEM_REASON"]
    with pytest.raises(StepError, match="TANDEM_REASON"):
        Run.from_environment(values)
