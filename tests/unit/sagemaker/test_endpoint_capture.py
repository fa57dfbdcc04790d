"""Endpoints: what data capture keeps and what CloudWatch counts."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .endpoints import config_of, invoke, model_of
from .world import BUCKET, World, eventually, json_lines, unique


def _captured(world: World, folder: str, name: str, *, records: int) -> list[dict[str, Any]]:
    def lines() -> list[dict[str, Any]]:
        keys = world.keys(f"{folder}/{name}/live/")
        found = [line for key in keys for line in json_lines(world.get(f"s3://{BUCKET}/{key}"))]
        return found if len(found) == records else []

    captured: list[dict[str, Any]] = eventually(lines, what=f"{records} captured records")
    return captured


def test_what_goes_in_and_out_is_captured_as_documented(world: World, deploy: Callable[[str], str]) -> None:
    folder = unique("capture")
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/{folder}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    name = deploy(config_of(world, model_of(world), DataCaptureConfig=capture))
    described = world.sagemaker.describe_endpoint(EndpointName=name)["DataCaptureConfig"]
    assert (described["CaptureStatus"], described["CurrentSamplingPercentage"]) == ("Started", 100)
    invoke(world, name, 1, 2, InferenceId="flight-1")
    (record,) = _captured(world, folder, name, records=1)
    sides = record["captureData"]
    assert sides["endpointInput"] == {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": '{"instances": [1, 2]}',
        "encoding": "JSON",
    }
    assert json.loads(sides["endpointOutput"]["data"])["sum"] == 3
    assert sides["endpointOutput"]["mode"] == "OUTPUT"
    assert record["eventMetadata"]["inferenceId"] == "flight-1"
    assert record["eventMetadata"]["inferenceTime"].endswith("Z")
    assert record["eventVersion"] == "0"
    (key,) = world.keys(f"{folder}/{name}/live/")
    assert key.endswith(".jsonl")
    assert len(key.split("/")) == 8  # folder, endpoint, variant, year, month, day, hour, file


def test_flushing_puts_every_answered_request_into_s3_at_once(world: World, deploy: Callable[[str], str]) -> None:
    folder = unique("capture")
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/{folder}",
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    name = deploy(config_of(world, model_of(world), DataCaptureConfig=capture))
    for number in range(1, 6):
        invoke(world, name, number)
        world.service.flush()
        keys = world.keys(f"{folder}/{name}/live/")
        assert sum(len(json_lines(world.get(f"s3://{BUCKET}/{key}"))) for key in keys) == number


def test_a_type_that_is_not_declared_is_captured_as_base64(world: World, deploy: Callable[[str], str]) -> None:
    folder = unique("capture")
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/{folder}",
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
    }
    name = deploy(config_of(world, model_of(world), DataCaptureConfig=capture))
    invoke(world, name, 5)
    (record,) = _captured(world, folder, name, records=1)
    side = record["captureData"]["endpointInput"]
    assert side["encoding"] == "BASE64"
    assert base64.b64decode(side["data"]) == b'{"instances": [5]}'


def test_invocations_and_errors_are_counted_in_cloudwatch(world: World, deploy: Callable[[str], str]) -> None:
    name = deploy(config_of(world, model_of(world)))
    for _ in range(3):
        invoke(world, name, 1)
    with pytest.raises(ClientError):
        world.runtime.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=b"{}")
    cloudwatch = world.platform.client("cloudwatch")
    now = world.platform.clock.now()

    def total(metric: str) -> float:
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "live"}],
            StartTime=now.timestamp() - 600,
            EndTime=now.timestamp() + 600,
            Period=60,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))

    eventually(lambda: total("Invocations") == 4, what="four invocations in CloudWatch")
    assert total("Invocation5XXErrors") == 1
    assert total("Invocation4XXErrors") == 0
    assert total("ModelLatency") > 0
