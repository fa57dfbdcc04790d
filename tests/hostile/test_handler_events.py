"""Messages that no AWS service would send: each is refused alone, and none keeps the others from being served."""

import json
from pathlib import Path
from typing import Any

import hostile_json
import pytest
from pydantic import BaseModel, ValidationError

from lambdas.close_training.events import ClosingMessage
from lambdas.confirm_deployment.events import EndpointStateChange
from lambdas.deploy_model.events import DeploymentMessage, PackageStateChange
from lambdas.shared.events import parse_body
from lambdas.start_training.events import AlarmChange, AlarmStateChange, RetrainMessage

EXAMPLES = Path(__file__).parents[1] / "unit" / "lambdas" / "examples"
MOST_BYTES = 1 << 20
"""Of a message (page "Amazon SQS message quotas")."""
KEYS = (
    "source",
    "detail-type",
    "detail",
    "bucket",
    "name",
    "object",
    "key",
    "version-id",
    "state",
    "value",
    "timestamp",
)
STAGE = "flights-sandbox"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))


def alarm(**state: Any) -> str:
    event = example("alarm_state_change")
    event["detail"]["alarmName"] = f"{STAGE}-drift"
    event["detail"]["state"] |= state
    return json.dumps(event)


@pytest.mark.parametrize("model", [RetrainMessage, DeploymentMessage, ClosingMessage, EndpointStateChange])
@pytest.mark.parametrize("body", [hostile_json.DEEP, hostile_json.ENDLESS, '{"a":' * 90_000, "\ud800", "", "{" * 999])
def test_what_is_nested_or_written_to_break_a_parser_is_refused(model: type[BaseModel], body: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_body(body, model)


@pytest.mark.parametrize(
    "timestamp", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "1999-12-31T23:59:59Z", 10**18]
)
def test_an_alarm_at_a_moment_that_cannot_be_written_in_utc_is_refused_before_the_others_are_served(
    timestamp: object,
) -> None:
    with pytest.raises(ValidationError, match="timestamp"):
        parse_body(alarm(timestamp=timestamp), RetrainMessage)


def test_an_alarm_with_an_endless_reason_leaves_room_in_the_ledgers_item() -> None:
    message = parse_body(alarm(reason="x" * (MOST_BYTES - 2000)), RetrainMessage).root
    assert isinstance(message, AlarmStateChange)
    change = AlarmChange.of(message, stage=STAGE)
    assert change is not None
    assert len(change.reason) == 1023


@pytest.mark.parametrize("key", ["", "k" * 1025])
def test_a_key_that_s3_cannot_have_is_refused(key: str) -> None:
    event = example("object_created")
    event["detail"]["object"]["key"] = key
    with pytest.raises(ValidationError, match=r"object\.key"):
        parse_body(json.dumps(event), RetrainMessage)


@pytest.mark.parametrize("moment", [-1, 1e300, float("inf"), float("nan"), 253402300800000])
def test_an_endpoints_time_that_no_clock_shows_is_refused(moment: float) -> None:
    event = example("endpoint")
    event["detail"]["LastModifiedTime"] = moment
    with pytest.raises(ValidationError, match="LastModifiedTime"):
        parse_body(json.dumps(event), EndpointStateChange)


@pytest.mark.parametrize("version", [0, -1, 2**31, 10**60])
def test_a_version_that_no_registry_counts_to_is_refused(version: int) -> None:
    event = example("model_package")
    event["detail"]["ModelPackageVersion"] = version
    with pytest.raises(ValidationError, match="ModelPackageVersion"):
        parse_body(json.dumps(event), DeploymentMessage)
    detail = {
        "package_arn": f"arn:aws:sagemaker:us-east-1:000000000000:model-package/g/{version:011d}",
        "reason": "r",
        "requested_by": "b",
    }
    with pytest.raises(ValidationError, match="package_arn"):
        parse_body(
            json.dumps({"source": "tandem", "detail-type": "Deployment Requested", "detail": detail}), DeploymentMessage
        )


def test_the_documented_package_event_is_still_taken() -> None:
    assert isinstance(parse_body(json.dumps(example("model_package")), DeploymentMessage).root, PackageStateChange)
