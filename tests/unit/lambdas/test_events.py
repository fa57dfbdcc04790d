"""Parsing: AWS's documented examples are understood, and nothing that is no event does any harm."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lambdas.close_training.events import ClosingMessage, ExecutionStatusChange, WatchDue
from lambdas.confirm_deployment.events import EndpointStateChange
from lambdas.deploy_model.events import DeploymentMessage, PackageStateChange
from lambdas.deploy_model.events import Request as DeploymentRequest
from lambdas.shared.errors import UnexpectedEventError
from lambdas.shared.events import parse_body
from lambdas.start_training.events import AlarmChange, AlarmStateChange, ObjectCreated, Request, RetrainMessage
from tests.unit.lambdas.support.stage import NAME, Message, Stage

EXAMPLES = Path(__file__).parent / "examples"
MODELS: list[type[BaseModel]] = [RetrainMessage, ClosingMessage, DeploymentMessage, EndpointStateChange]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["source", "detail-type", "detail", "bucket", "object", "key", "reason", "alarmName", "state"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


def example(name: str) -> str:
    return (EXAMPLES / f"{name}.json").read_text()


def test_the_documented_s3_event_is_understood() -> None:
    message = parse_body(example("object_created"), RetrainMessage).root
    assert isinstance(message, ObjectCreated)
    request = Request.of(message, message_id="m")
    assert request.object_version == ("example-key", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")
    assert request.requires_new_data


def test_the_documented_alarm_event_is_understood_and_is_none_of_ours() -> None:
    message = parse_body(example("alarm_state_change"), RetrainMessage).root
    assert isinstance(message, AlarmStateChange)
    assert (message.detail.name, message.detail.state.value) == ("ServerCpuTooHigh", "ALARM")
    assert message.detail.state.timestamp == datetime(2019, 10, 2, 17, 4, 40, 989000, tzinfo=UTC)
    with pytest.raises(UnexpectedEventError, match="flights-sandbox-drift"):
        AlarmChange.of(message, stage="flights-sandbox")


@pytest.mark.parametrize(
    ("stage", "kind"), [("ServerCpu", "drift"), ("server", "prediction-drift"), ("a-b", "quality"), ("a", "model-age")]
)
def test_an_alarm_of_the_stage_is_known_by_its_kind(stage: str, kind: str) -> None:
    body = json.loads(example("alarm_state_change"))
    body["detail"]["alarmName"] = f"{stage}-{kind}"
    message = parse_body(json.dumps(body), RetrainMessage).root
    assert isinstance(message, AlarmStateChange)
    change = AlarmChange.of(message, stage=stage)
    assert change is not None
    assert (change.kind, change.on) == (kind, True)
    assert "99.50160229693434" in change.reason


def test_an_alarm_without_a_time_zone_cannot_be_put_in_order() -> None:
    body = example("alarm_state_change").replace("17:04:40.989+0000", "17:04:40.989")
    with pytest.raises(ValidationError, match="timezone"):
        parse_body(body, RetrainMessage)


def test_the_documented_pipeline_event_is_understood() -> None:
    change = parse_body(example("pipeline_execution"), ClosingMessage).root
    assert isinstance(change, ExecutionStatusChange)
    assert change.detail.execution_arn.endswith(":pipeline/myPipeline-123/execution/p4jn9xou8a8s")


def test_the_time_of_a_look_at_the_run_in_flight_is_the_one_that_the_scheduler_writes() -> None:
    body = {"source": "tandem", "detail-type": "Training Watch Due", "detail": {"at": "2027-03-22T18:59:43Z"}}
    due = parse_body(json.dumps(body), ClosingMessage).root
    assert isinstance(due, WatchDue)
    assert due.detail.at == datetime(2027, 3, 22, 18, 59, 43, tzinfo=UTC)


def test_the_documented_package_event_is_understood_and_is_about_the_life_cycle() -> None:
    message = parse_body(example("model_package"), DeploymentMessage).root
    assert isinstance(message, PackageStateChange)
    request = DeploymentRequest.of(message, message_id="m")
    assert (request.group, request.version) == ("versionedmp-p-idy6c3e1fiqj", 2)
    assert not message.is_about_approval


def test_the_documented_endpoint_event_is_understood() -> None:
    assert parse_body(example("endpoint"), EndpointStateChange).detail.endpoint_name == "MyEndpoint"


def test_a_request_for_a_version_names_group_and_version_by_its_package(stage: Stage) -> None:
    message = parse_body(json.dumps(stage.deployment_request(12).body), DeploymentMessage).root
    request = DeploymentRequest.of(message, message_id="m")
    assert (request.group, request.version, request.asked) == (NAME, 12, True)


@pytest.mark.parametrize("model", MODELS)
@settings(deadline=None)
@given(body=JSON | st.fixed_dictionaries({"detail-type": st.text(), "source": st.text(), "detail": JSON}))
def test_what_is_no_event_is_refused_with_a_reason(model: type[BaseModel], body: Any) -> None:
    with pytest.raises(ValidationError):
        parse_body(json.dumps(body), model)


@settings(deadline=None)
@given(st.text())
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_body(f"{{{text}", RetrainMessage)


def test_a_body_that_is_nested_too_deeply_fails_alone(stage: Stage) -> None:
    deep = Message("[" * 100_000 + "]" * 100_000, "deep")
    answer = stage.start_training(stage.drop("2013-01"), deep)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "deep"}]}
    assert len(stage.sagemaker.executions) == 1


def test_a_message_delivered_twice_in_one_batch_is_one_request(stage: Stage) -> None:
    stage.drop("2013-01")
    request = stage.retrain()
    stage.start_training(request, request)
    assert len(stage.sagemaker.executions) == 1
    assert not stage.ledger.training().dirty
