"""Endpoints: what is answered, what is refused, and what a failing model looks like."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .endpoints import ANSWERING, config_of, invoke, model_of
from .world import World, eventually


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"InferenceId": "i" * 65}, "length less than or equal to 64"),
        ({"TargetVariant": "not_a_name"}, "regular expression pattern"),
        ({"Body": b"x" * 6_291_457}, "6291457 bytes"),
        ({"TargetModel": "other.tar.gz"}, "does not support x-amzn-sagemaker-target-model"),
    ],
)
def test_an_invocation_that_aws_would_refuse_is_refused(
    world: World, deploy: Callable[[str], str], changes: dict[str, Any], message: str
) -> None:
    name = deploy(config_of(world, model_of(world)))
    with pytest.raises(ClientError, match=f"ValidationError.*{message}"):
        world.runtime.invoke_endpoint(**{"EndpointName": name, "Body": b"{}", **changes})


def test_an_exception_of_the_model_is_a_model_error_with_the_containers_status(
    world: World, deploy: Callable[[str], str]
) -> None:
    name = deploy(config_of(world, model_of(world)))
    with pytest.raises(ClientError) as caught:
        world.runtime.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=b"{}")
    response: Any = caught.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 500
    assert "Internal Server Error" in response["OriginalMessage"]
    assert "Received server error (500) from primary" in response["Error"]["Message"]
    log = world.platform.log_dir / "endpoints" / f"{name}.log"
    eventually(
        lambda: log.exists() and "KeyError: 'instances'" in log.read_text(), what="the traceback in the endpoint's log"
    )


def test_a_wsgi_response_of_the_script_may_refuse_the_request(world: World, deploy: Callable[[str], str]) -> None:
    refusing = """
def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept):
    def refuse(environ, start_response):
        start_response("400 Bad Request", [("Content-Type", "application/json")])
        return [b'{"error": "unknown field"}']
    return refuse
"""
    name = deploy(config_of(world, model_of(world, refusing)))
    with pytest.raises(ClientError) as caught:
        invoke(world, name, 1)
    response: Any = caught.value.response
    assert response["OriginalStatusCode"] == 400
    assert json.loads(response["OriginalMessage"]) == {"error": "unknown field"}
    assert "Received client error (400)" in response["Error"]["Message"]


def test_a_type_that_no_function_decodes_is_unsupported(world: World, deploy: Callable[[str], str]) -> None:
    name = deploy(config_of(world, model_of(world, "def model_fn(model_dir):\n    return None\n")))
    with pytest.raises(ClientError) as caught:
        invoke(world, name, 1)
    response: Any = caught.value.response
    assert response["OriginalStatusCode"] == 415


def test_a_container_that_dies_is_started_again(world: World, deploy: Callable[[str], str]) -> None:
    dying = ANSWERING.replace("def predict_fn", "import os\n\ndef predict_fn").replace(
        "    return {", "    if data['instances'] == [13]:\n        os._exit(1)\n    return {"
    )
    name = deploy(config_of(world, model_of(world, dying)))
    with pytest.raises(ClientError) as caught:
        invoke(world, name, 13)
    response: Any = caught.value.response
    assert response["OriginalStatusCode"] == 504
    assert invoke(world, name, 1)["Body"]["sum"] == 1


def test_case_matters_only_in_invocations(world: World, deploy: Callable[[str], str]) -> None:
    name = deploy(config_of(world, model_of(world)))
    assert world.sagemaker.describe_endpoint(EndpointName=name.upper())["EndpointName"] == name
    with pytest.raises(ClientError, match=r"ValidationError.*not found"):
        invoke(world, name.upper(), 1)


def test_an_unknown_endpoint_and_an_unknown_variant_are_named(world: World, deploy: Callable[[str], str]) -> None:
    with pytest.raises(ClientError, match=r"ValidationError.*Endpoint nowhere of account 000000000000 not found"):
        invoke(world, "nowhere", 1)
    name = deploy(config_of(world, model_of(world)))
    assert invoke(world, name, 1, TargetVariant="live")["InvokedProductionVariant"] == "live"
    with pytest.raises(ClientError, match="Variant other was not found"):
        invoke(world, name, 1, TargetVariant="other")
