"""The steps, run as the compiled definition says, on real flights from a real S3."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import step_jobs
from step_jobs import StartRun

from lambdas.shared import compatibility


def test_a_run_ends_with_a_model_that_is_promoted(finished: step_jobs.Run) -> None:
    evaluation = finished.document("Evaluate", "evaluation", "evaluation.json")
    assert evaluation["gate"]["promote"] is True
    assert evaluation["gate"]["rule"] == "floor"
    assert evaluation["champion"] is None
    assert 11.5 < evaluation["metrics"]["rmse"] < 13.5
    assert evaluation["metrics"]["rmse"] < evaluation["naive"]["metrics"]["rmse"] * 0.9


def test_unlabelled_flights_are_left_out_and_counted(finished: step_jobs.Run, drops: list[Path]) -> None:
    rows = pa.concat_tables([pq.read_table(path) for path in drops])
    cancelled = rows.column("air_time").null_count
    report = finished.document("Prepare", "report", "prepare.json")
    assert cancelled > 0
    assert report["unlabelled"] == cancelled
    assert report["train"] + report["holdout"] == len(rows) - cancelled
    assert finished.document("Validate", "report", "validation.json")["unlabelled"] == cancelled


def test_no_row_of_the_newest_fourteen_days_is_trained_on(finished: step_jobs.Run) -> None:
    train = pq.read_table(finished.output("Prepare", "train", "rows.parquet")).column("time_hour")
    holdout = pq.read_table(finished.output("Prepare", "holdout", "rows.parquet")).column("time_hour")
    newest = pc.max(holdout).as_py()
    assert pc.max(train).as_py() < pc.min(holdout).as_py()
    assert (newest - pc.min(holdout).as_py()).days < 14
    assert (newest - pc.max(train).as_py()).days >= 14


def test_the_reported_metric_is_what_an_independent_computation_gives(finished: step_jobs.Run, tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    from pipelines.projects.flights import features  # noqa: PLC0415  # beside the library that it feeds

    with tarfile.open(finished.output("Evaluate", "model", "model.tar.gz")) as archive:
        archive.extract("model.ubj", tmp_path, filter="data")
    booster = xgboost.Booster(model_file=tmp_path / "model.ubj")
    holdout = pq.read_table(finished.output("Prepare", "holdout", "rows.parquet"))
    matrix = xgboost.DMatrix(features.build(holdout), feature_names=list(features.NAMES))
    error = booster.predict(matrix).astype("float64") - holdout.column("air_time").to_numpy()
    reported = finished.document("Evaluate", "evaluation", "evaluation.json")["metrics"]["rmse"]
    assert reported == pytest.approx(float(np.sqrt(np.mean(error**2))), rel=1e-12)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_process_gives_the_same_archive_on_any_number_of_threads(
    finished: step_jobs.Run, start: StartRun, winter: tuple[str, str], threads: str
) -> None:
    again = start(winter, OMP_NUM_THREADS=threads).succeed("Prepare", "Train", "Evaluate")
    assert _digest(again) == _digest(finished)


def test_the_archive_tells_nothing_of_when_and_where_it_was_made(finished: step_jobs.Run) -> None:
    with tarfile.open(finished.output("Evaluate", "model", "model.tar.gz")) as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.mode) for entry in entries} == {(0, 0, 0, "", 0o644)}
    names = {entry.name for entry in entries}
    assert {"model.ubj", "contract.json", "training.json", "code/inference.py"} <= names
    assert not any("__pycache__" in name for name in names)


def test_the_contract_of_the_archive_lies_beside_the_evaluation(finished: step_jobs.Run) -> None:
    with tarfile.open(finished.output("Evaluate", "model", "model.tar.gz")) as archive:
        packed = archive.extractfile("contract.json")
        assert packed is not None
        carried = json.load(packed)
    assert finished.document("Evaluate", "evaluation", "contract.json") == carried
    assert compatibility.incompatibilities(carried, carried) == []


def test_objects_overwritten_after_the_snapshot_do_not_change_the_run(
    finished: step_jobs.Run, start: StartRun, s3: Any, winter: tuple[str, str]
) -> None:
    for entry in s3.list_objects_v2(Bucket=step_jobs.DATA_BUCKET, Prefix="data/")["Contents"]:
        s3.put_object(Bucket=step_jobs.DATA_BUCKET, Key=entry["Key"], Body=b"overwritten")
        s3.delete_object(Bucket=step_jobs.DATA_BUCKET, Key=entry["Key"])
    again = start(winter).succeed("Prepare")
    for part in ("train", "holdout"):
        name = (part, "rows.parquet")
        assert again.output("Prepare", *name).read_bytes() == finished.output("Prepare", *name).read_bytes()


Damage = Callable[[pa.Table], pa.Table]


def _retyped(table: pa.Table) -> pa.Table:
    index = table.schema.get_field_index("distance")
    return table.set_column(index, "distance", table.column("distance").cast(pa.string()))


def _with(column: str, value: object) -> Damage:
    def damage(table: pa.Table) -> pa.Table:
        index = table.schema.get_field_index(column)
        values = [value, *table.column(column).to_pylist()[1:]]
        return table.set_column(index, column, pa.array(values, table.schema.field(index).type))

    return damage


@pytest.mark.parametrize(
    ("damage", "column", "words"),
    [
        (lambda table: table.drop_columns(["wind_speed"]), "wind_speed", "is missing"),
        (lambda table: table.drop_columns(["air_time"]), "air_time", "is missing"),
        (_retyped, "distance", "it must be a whole number"),
        (_with("humid", 140.0), "humid", "between 0 and 100"),
        (_with("origin", "SFO"), "origin", "one of EWR, JFK, LGA"),
        (_with("carrier", "united"), "carrier", "must be a text that matches"),
        (_with("dest", None), "dest", "is null in 1 rows"),
        (_with("temp", float("inf")), "temp", "between -60 and 130"),
    ],
    ids=["missing", "no-target", "type", "range", "category", "pattern", "null", "infinite"],
)
def test_a_drop_that_breaks_the_contract_is_refused_and_named(
    start: StartRun, s3: Any, drops: list[Path], damage: Damage, column: str, words: str, request: pytest.FixtureRequest
) -> None:
    buffer = io.BytesIO()
    pq.write_table(damage(pq.read_table(drops[0]).slice(0, 500)), buffer)
    run, key = _refused(start, s3, buffer.getvalue(), request.node.callspec.id)
    summary = run.document("Validate", "report", "validation.json")["summary"]
    assert summary.startswith(f"{key}: column '{column}' ")
    assert words in summary
    (entry,) = run.document("Validate", "report", "validation.json")["quarantined"]
    assert entry["key"] == key
    assert entry["problems"][0]["column"] == column


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"not parquet at all", "no readable Parquet file"), (b"", "no readable Parquet file"), (None, "holds no rows")],
    ids=["garbage", "zero-bytes", "no-rows"],
)
def test_a_drop_that_cannot_be_read_is_refused_and_named(
    start: StartRun, s3: Any, drops: list[Path], body: bytes | None, words: str, request: pytest.FixtureRequest
) -> None:
    if body is None:
        buffer = io.BytesIO()
        pq.write_table(pq.read_table(drops[0]).slice(0, 0), buffer)
        body = buffer.getvalue()
    run, key = _refused(start, s3, body, request.node.callspec.id)
    summary = run.document("Validate", "report", "validation.json")["summary"]
    assert summary.startswith(key)
    assert words in summary


def test_a_manifest_that_was_changed_is_refused(start: StartRun, winter: tuple[str, str]) -> None:
    run = start((winter[0], "0" * 64))
    assert run.step("Validate").returncode == 1
    assert "was changed" in (run.base("Validate") / "output" / "message").read_text()


def test_too_short_a_history_says_how_much_there_is(start: StartRun, s3: Any, drops: list[Path]) -> None:
    buffer = io.BytesIO()
    pq.write_table(pq.read_table(drops[0]).slice(0, 2000), buffer)
    s3.put_object(Bucket=step_jobs.DATA_BUCKET, Key="short/period=2013-01/a.parquet", Body=buffer.getvalue())
    run = start(step_jobs.take_snapshot(s3, prefix="short/"))
    assert run.step("Prepare").returncode == 1
    assert "leaves 0 rows to train on" in (run.base("Prepare") / "output" / "message").read_text()


def test_a_training_job_says_why_it_failed_where_sagemaker_reads_it(start: StartRun) -> None:
    run = start(("s3://artifacts/unused", "unused"))
    (run.output("Prepare", "train")).mkdir(parents=True)
    assert run.step("Train").returncode == 1
    assert "step Prepare writes it" in (run.base("Train") / "output" / "failure").read_text()


def test_a_model_of_another_library_version_is_not_served(finished: step_jobs.Run, start: StartRun) -> None:
    training = finished.base("Train") / "model" / "training.json"
    original = training.read_text()
    document = json.loads(original)
    document["libraries"]["xgboost"] = "3.0.5"
    run = start(("s3://artifacts/unused", "unused"))
    folder = run.base("model")
    folder.mkdir(parents=True)
    (folder / "training.json").write_text(json.dumps(document))
    from pipelines.steps import artifact, failure  # noqa: PLC0415  # only this test imports them in this process

    with pytest.raises(failure.StepError, match=r"trained with xgboost 3\.0\.5"):
        artifact.read(folder)


def _refused(start: StartRun, s3: Any, body: bytes, name: str) -> tuple[step_jobs.Run, str]:
    key = f"broken-{name}/period=2013-01/flights.parquet"
    s3.put_object(Bucket=step_jobs.DATA_BUCKET, Key=key, Body=body)
    run = start(step_jobs.take_snapshot(s3, prefix=f"broken-{name}/")).succeed("Validate")
    assert run.document("Validate", "report", "validation.json")["accepted"] is False
    return run, key


def _digest(run: step_jobs.Run) -> str:
    return hashlib.sha256(run.output("Evaluate", "model", "model.tar.gz").read_bytes()).hexdigest()
