"""From a data drop to a served prediction through the deployed rules, and the ways on which nothing must go live."""

import io
import json
from datetime import timedelta
from math import sqrt
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deployed_loop import FirstModel, Loop

from lambdas.shared.records import RunStatus

pytestmark = pytest.mark.loop

HOLDOUT_DAYS = 14
BATCH = 500


def test_a_burst_of_drops_becomes_one_run_that_goes_live(loop: Loop, first_model: FirstModel) -> None:
    assert first_model.run.status is RunStatus.PROMOTED
    assert first_model.run.trigger == "data"
    assert len(_snapshot(loop, first_model.run.snapshot_uri)["objects"]) == len(["2013-01", "2013-02"])
    assert [run.run_id for run in loop.runs() if "2013-02" in run.reason] in ([], [first_model.run.run_id])
    assert first_model.live.version == first_model.run.version
    assert first_model.live.endpoint_config == loop.serving_config()


def test_the_endpoint_answers_with_minutes(loop: Loop, first_model: FirstModel) -> None:
    rows = pq.ParquetFile(loop.drops["2013-03"]).read().slice(0, 3).to_pylist()

    answer = json.loads(loop.ask(json.dumps({"instances": [_fields(row) for row in rows]}, default=str)))

    assert len(answer["predictions"]) == 3
    assert all(10 < minutes < 800 for minutes in answer["predictions"])
    assert first_model.live.version == 1


@pytest.mark.usefixtures("first_model")
def test_the_endpoint_refuses_a_request_without_a_field_and_names_it(loop: Loop) -> None:
    row = _fields(pq.ParquetFile(loop.drops["2013-03"]).read().slice(0, 1).to_pylist()[0])
    del row["distance"]
    client = loop.client("sagemaker-runtime")

    with pytest.raises(client.exceptions.ModelError) as refused:
        loop.ask(json.dumps({"instances": [row]}, default=str))

    assert refused.value.response["OriginalStatusCode"] == 400
    assert "distance" in refused.value.response["OriginalMessage"]


def test_the_registered_error_is_what_an_independent_recomputation_gives(loop: Loop, first_model: FirstModel) -> None:
    """Reads the snapshot with other code than the steps, cuts the hold-out, and asks the live endpoint."""
    rows = [row for row in _snapshot_rows(loop, first_model.run.snapshot_uri) if row["air_time"] is not None]
    newest = max(row["time_hour"] for row in rows)
    holdout = [row for row in rows if row["time_hour"] > newest - timedelta(days=HOLDOUT_DAYS)]
    predictions: list[float] = []
    for start in range(0, len(holdout), BATCH):
        body = json.dumps({"instances": [_fields(row) for row in holdout[start : start + BATCH]]}, default=str)
        predictions += json.loads(loop.ask(body))["predictions"]

    squares = [(p - row["air_time"]) ** 2 for p, row in zip(predictions, holdout, strict=True)]
    rmse = sqrt(sum(squares) / len(squares))

    assert rmse == pytest.approx(first_model.run.metrics["rmse"], rel=1e-6)
    assert 12.0 < rmse < 13.0, "the range of a time-ordered split on January and February"


def test_the_model_package_says_where_it_comes_from(loop: Loop, first_model: FirstModel) -> None:
    package = loop.client("sagemaker").describe_model_package(ModelPackageName=first_model.live.package_arn)

    metadata = package["CustomerMetadataProperties"]
    assert metadata["run_id"] == first_model.run.run_id
    assert metadata["snapshot_id"] == first_model.run.snapshot_id
    assert package["ModelApprovalStatus"] == "Approved"


def test_a_repeated_event_about_known_data_starts_nothing_and_says_so(loop: Loop, first_model: FirstModel) -> None:
    runs, decisions = len(loop.runs()), len(loop.items("DECISION"))
    repeated = {
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": loop.outputs["DataBucketName"]},
            "object": {"key": "data/period=2013-01/flights.parquet", "size": 1, "version-id": "repeated"},
        },
    }

    loop.request(json.dumps(repeated))
    decision = loop.wait_for(
        "the decision to do nothing",
        lambda: loop.items("DECISION")[-1] if len(loop.items("DECISION")) > decisions else None,
    )

    assert decision["outcome"] == "nothing_new"
    assert len(loop.runs()) == runs
    assert loop.serving_config() == first_model.live.endpoint_config


def test_a_corrupt_drop_is_rejected_by_name_and_changes_nothing_live(loop: Loop, first_model: FirstModel) -> None:
    key = loop.drop("2013-03", b"PAR1 this is no Parquet file PAR1", name="corrupt.parquet")
    try:
        run = loop.wait_for_end_of(key)
    finally:
        loop.remove(key)

    assert run.status is RunStatus.REJECTED_DATA
    assert str(run.failure).startswith(f"{key}: is no readable Parquet file")
    assert loop.serving_config() == first_model.live.endpoint_config


def test_a_drop_with_a_missing_column_is_rejected_and_the_column_named(loop: Loop, first_model: FirstModel) -> None:
    body = io.BytesIO()
    pq.write_table(pq.ParquetFile(loop.drops["2013-03"]).read().drop_columns(["distance"]), body)
    key = loop.drop("2013-03", body.getvalue(), name="narrow.parquet")
    try:
        run = loop.wait_for_end_of(key)
    finally:
        loop.remove(key)

    assert run.status is RunStatus.REJECTED_DATA
    assert str(run.failure).startswith(f"{key}: column 'distance' is missing")
    validation = _validation(loop, run.run_id)
    assert [entry["key"] for entry in validation["quarantined"]] == [key]
    assert validation["baseline"]["run_id"] == first_model.run.run_id, "the champion's profile, found at run time"
    assert validation["baseline"]["rows"] > 0
    assert loop.serving_config() == first_model.live.endpoint_config


def _validation(loop: Loop, run_id: str) -> dict[str, Any]:
    key = f"runs/{run_id}/validate/validation.json"
    found: dict[str, Any] = json.loads(
        loop.client("s3").get_object(Bucket=loop.outputs["ArtifactsBucketName"], Key=key)["Body"].read()
    )
    return found


def _fields(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "air_time"}


def _snapshot(loop: Loop, uri: str) -> dict[str, Any]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    manifest: dict[str, Any] = json.loads(loop.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    return manifest


def _snapshot_rows(loop: Loop, uri: str) -> list[dict[str, Any]]:
    s3 = loop.client("s3")
    manifest = _snapshot(loop, uri)
    bodies = [
        s3.get_object(Bucket=manifest["bucket"], Key=each["key"], VersionId=each["version_id"])["Body"].read()
        for each in manifest["objects"]
    ]
    return pa.concat_tables([pq.read_table(io.BytesIO(body)) for body in bodies]).to_pylist()
