"""The first model, made again by `ops reproduce` after its data was overwritten; and what it says of tampering.

The deployment is shared: what these tests change is put back, version by version.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from deployed_loop import DATA, FirstModel, Loop

pytestmark = pytest.mark.loop

INPUTS_LOST = 5
_COPIED = ("InferenceSpecification", "ModelPackageGroupName")


@contextmanager
def no_training_on_new_data(loop: Loop) -> Iterator[None]:
    """Switch the rule off that hears of new objects: what is put and taken away here asks for no run."""
    events = loop.client("events")
    (name,) = [
        rule["Name"] for rule in events.list_rules()["Rules"] if "Object Created" in rule.get("EventPattern", "")
    ]
    events.disable_rule(Name=name)
    try:
        yield
    finally:
        events.enable_rule(Name=name)


@contextmanager
def later_versions(loop: Loop, *keys: str) -> Iterator[None]:
    """Overwrite objects (or add them) with other content; afterwards the former versions are current again."""
    s3, bucket = loop.client("s3"), loop.outputs["DataBucketName"]
    put = {key: s3.put_object(Bucket=bucket, Key=key, Body=loop.drops["2013-03"].read_bytes()) for key in keys}
    try:
        yield
    finally:
        for key, answer in put.items():
            s3.delete_object(Bucket=bucket, Key=key, VersionId=answer["VersionId"])


def test_the_first_model_comes_out_bit_for_bit_whatever_became_of_its_data(loop: Loop, first_model: FirstModel) -> None:
    overwritten = f"{DATA}period=2013-01/flights.parquet"
    later = [f"{DATA}period=2013-{month:02d}/flights.parquet" for month in range(3, 9)]
    before, current = _traces(loop), _current(loop, overwritten)

    with no_training_on_new_data(loop), later_versions(loop, overwritten, *later):
        code, answer = loop.reproduce(first_model.live.version)

    assert code == 0, answer["differences"]
    assert answer["identical"]
    assert answer["registered"]["sha256"] == answer["reproduced"]["sha256"]
    assert "model.ubj" in answer["registered"]["files"]
    assert answer["registered"]["files"] == answer["reproduced"]["files"]
    assert answer["metrics"]["rmse"] == first_model.run.metrics["rmse"]
    assert _current(loop, overwritten) == current, "the test leaves the data as it found it"
    assert _traces(loop) == before, "no run, execution, version or deployment came of it"
    assert not _a_rule_hears_of(loop, answer["replay"]["execution_arn"])
    assert _a_rule_hears_of(loop, str(first_model.run.execution_arn))


def test_a_deleted_object_version_of_the_snapshot_is_named_and_nothing_is_replayed(
    loop: Loop, first_model: FirstModel
) -> None:
    """On a copy of the version whose snapshot holds one object more: a deleted version never comes back."""
    s3, bucket, key = loop.client("s3"), loop.outputs["DataBucketName"], "set-aside/flights.parquet"
    stored = s3.put_object(Bucket=bucket, Key=key, Body=b"to be deleted")
    extra = {"key": key, "version_id": stored["VersionId"], "etag": stored["ETag"].strip('"'), "size": 13}
    with _copy_with(loop, first_model, {**extra, "period": "2013-02"}) as version:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=stored["VersionId"])

        code, answer = loop.reproduce(version)

    assert code == INPUTS_LOST
    assert not answer["identical"]
    assert answer["problems"] == [
        {
            "loss": "missing",
            "uri": f"s3://{bucket}/{key}",
            "version_id": stored["VersionId"],
            "detail": f"s3://{bucket}/{key} version {stored['VersionId']} does not exist any more",
        }
    ]
    assert answer["replay"]["execution_arn"] is None


@contextmanager
def _copy_with(loop: Loop, first_model: FirstModel, extra: dict[str, Any]) -> Iterator[int]:
    """Register a version like the first one, pending, whose snapshot also holds ``extra``."""
    s3, sagemaker, artifacts = loop.client("s3"), loop.client("sagemaker"), loop.outputs["ArtifactsBucketName"]
    manifest = json.loads(
        s3.get_object(Bucket=artifacts, Key=f"snapshots/{first_model.run.snapshot_id}.json")["Body"].read()
    )
    manifest["objects"].append(extra)
    body = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    snapshot_id = hashlib.sha256(body).hexdigest()
    s3.put_object(Bucket=artifacts, Key=f"snapshots/{snapshot_id}.json", Body=body)
    original = sagemaker.describe_model_package(ModelPackageName=first_model.live.package_arn)
    record = original["CustomerMetadataProperties"] | {
        "snapshot_id": snapshot_id,
        "snapshot_uri": f"s3://{artifacts}/snapshots/{snapshot_id}.json",
    }
    package = sagemaker.create_model_package(
        **{name: original[name] for name in _COPIED},
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties=record,
    )["ModelPackageArn"]
    try:
        yield int(package.rpartition("/")[2])
    finally:
        sagemaker.delete_model_package(ModelPackageName=package)


def _current(loop: Loop, key: str) -> str:
    found = loop.client("s3").head_object(Bucket=loop.outputs["DataBucketName"], Key=key)
    return str(found["VersionId"])


def _traces(loop: Loop) -> dict[str, Any]:
    """What a run or a deployment would leave."""
    packages = loop.client("sagemaker").list_model_packages(ModelPackageGroupName=loop.outputs["ModelPackageGroupName"])
    pipelines = loop.client("sagemaker").list_pipelines()["PipelineSummaries"]
    return {
        "runs": [run.run_id for run in loop.runs()],
        "executions": loop.executions(),
        "packages": len(packages["ModelPackageSummaryList"]),
        "deployments": loop.items("DEPLOYMENT"),
        "pipelines": [pipeline["PipelineName"] for pipeline in pipelines],
        "serving": loop.serving_config(),
    }


def _a_rule_hears_of(loop: Loop, execution_arn: str) -> bool:
    """Whether one of the deployed rules for ends of executions (training, monitoring) matches the end of this one."""
    events = loop.client("events")
    patterns = [
        rule["EventPattern"]
        for rule in events.list_rules()["Rules"]
        if "Pipeline Execution Status Change" in rule.get("EventPattern", "")
    ]
    event = {
        "id": "1",
        "account": loop.sandbox.account,
        "region": loop.sandbox.region,
        "time": "2013-03-01T10:15:00Z",
        "source": "aws.sagemaker",
        "detail-type": "SageMaker Model Building Pipeline Execution Status Change",
        "resources": [execution_arn],
        "detail": {
            "pipelineArn": execution_arn.partition("/execution/")[0],
            "pipelineExecutionArn": execution_arn,
            "currentPipelineExecutionStatus": "Succeeded",
        },
    }
    assert patterns
    return any(
        events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"] for pattern in patterns
    )
