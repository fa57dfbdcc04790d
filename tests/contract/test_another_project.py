"""A project nobody planned for, a classification without XGBoost, goes through the same steps by its folder alone."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import rain
import step_jobs

from pipelines import inputs


@pytest.fixture(scope="module")
def snapshot(s3: Any) -> tuple[str, str]:
    buffer = io.BytesIO()
    pq.write_table(rain.rows(), buffer)
    s3.put_object(Bucket=step_jobs.DATA_BUCKET, Key="rain/period=2020-01/a.parquet", Body=buffer.getvalue())
    return step_jobs.take_snapshot(s3, prefix="rain/")


def test_a_classification_is_validated_trained_judged_and_packed(
    snapshot: tuple[str, str], platform: Mapping[str, str], tmp_path: Path
) -> None:
    code = rain.write_bundle(tmp_path)
    jobs = {name: rain.Jobs(tmp_path / name, code, platform) for name in ("data", "train", "evaluate")}
    for job in jobs.values():
        job.base.mkdir()
    reading = ("--snapshot-uri", snapshot[0], "--snapshot-id", snapshot[1], "--time-column", "at")
    asked = ("--run-id", "20200401T000000Z-00000000", "--champion", "none", "--runs-uri", "s3://artifacts/runs")
    limits = inputs.read("flights").data_limits
    rain.succeeded(jobs["data"].step("validate", *reading, *asked, "--limits", limits))
    rain.succeeded(jobs["data"].step("prepare", *reading, "--holdout-days", "14"))
    outputs = jobs["data"].base / "processing" / "output"
    train, holdout = (pq.read_table(outputs / name / "rows.parquet") for name in ("train", "holdout"))
    model = jobs["train"].train(train)
    rain.succeeded(jobs["evaluate"].evaluate(model, train=train, holdout=holdout))
    evaluation = jobs["evaluate"].evaluation()
    assert evaluation["naive"]["metrics"]["auc"] == 0.5
    assert evaluation["metrics"]["auc"] > 0.75
    assert evaluation["gate"]["promote"] is True
    assert evaluation["gate"]["rule"] == "floor"
    assert (jobs["evaluate"].base / "processing" / "output" / "model" / "model.tar.gz").is_file()
