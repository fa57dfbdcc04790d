"""Lambdas see what AWS would give them, and nothing of this machine."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.clients import client
from sandbox.lambda_runtime import LayerVersion, publish_layers
from sandbox.server import Sandbox

SEES = """
import os, sys
def handler(event, context):
    return {"variables": dict(os.environ), "path": sys.path, "loaded": sorted(sys.modules)}
"""
COUNTS = """
import itertools, time
numbers = itertools.count(1)
def handler(event, context):
    number = next(numbers)
    if event != "go":
        print("about to", event)
    if event == "raise":
        raise RuntimeError("on purpose")
    if event == "sleep":
        time.sleep(60)
    return number
"""
IMPORTS = """
import importlib
def handler(event, context):
    return [importlib.import_module(name).__name__ for name in event]
"""
LAYER = LayerVersion(account="017000801446", name="AWSLambdaPowertoolsPythonV3-python313-x86_64", version=3)
LAYER_ARN = f"arn:aws:lambda:us-east-1:{LAYER.account}:layer:{LAYER.name}:{LAYER.version}"

CreateFunction = Callable[..., str]


def _invoke(sandbox: Sandbox, name: str, payload: Any = None) -> Any:
    answer = sandbox.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload).encode())
    content = json.loads(answer["Payload"].read())
    return {"failed": content} if "FunctionError" in answer else content


def test_a_lambda_finds_the_runtimes_sdk_and_no_package_of_this_machine(
    sandbox: Sandbox, create_function: CreateFunction
) -> None:
    name = create_function(sandbox, name="imports", source=IMPORTS)
    runtime = ["boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"]
    assert _invoke(sandbox, name, runtime) == runtime
    for package in ("pandas", "pydantic", "ministack", "sandbox", "yaml", "aws_cdk"):
        assert f"No module named '{package}'" in str(_invoke(sandbox, name, [package])), package


def test_what_starts_a_lambda_is_there_before_the_first_one_so_that_two_may_start_at_once(tmp_path: Path) -> None:
    with Sandbox(tmp_path / "state") as fresh:
        launcher = fresh.directory.path / "runtime" / "lambda-python"
        assert os.access(launcher, os.X_OK)


def test_a_lambda_that_cannot_be_imported_says_why_in_its_log_file_and_in_cloudwatch(
    sandbox: Sandbox, create_function: CreateFunction
) -> None:
    name = create_function(sandbox, name="needs-pandas", source="import pandas\ndef handler(event, context): ...\n")
    assert "No module named 'pandas'" in _invoke(sandbox, name)["failed"]["errorMessage"]
    assert "No module named 'pandas'" in (sandbox.directory.logs / "lambda" / f"{name}.log").read_text()
    logs = sandbox.client("logs")
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert any("No module named 'pandas'" in event["message"] for event in events)


def test_a_lambda_has_awss_variables_and_its_own_and_none_of_the_servers(
    sandbox: Sandbox, create_function: CreateFunction
) -> None:
    # `SERVICES` is a variable of the server too: a function's own value must win.
    name = create_function(
        sandbox, name="sees", source=SEES, Environment={"Variables": {"TABLE": "ledger", "SERVICES": "mine"}}
    )
    variables = _invoke(sandbox, name)["variables"]
    assert (variables["TABLE"], variables["SERVICES"]) == ("ledger", "mine")
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "us-east-1"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert variables["AWS_ENDPOINT_URL"] == sandbox.endpoint_url
    assert variables.keys().isdisjoint({"GATEWAY_PORT", "MINISTACK_HOST", "HOME", "VIRTUAL_ENV", "PYTHONPATH"})


def test_a_public_layer_gives_its_packages_to_the_functions_that_name_it(
    sandbox: Sandbox, create_function: CreateFunction
) -> None:
    publish_layers(
        [LAYER],
        parent=sandbox.directory.path / "runtime",
        client=lambda account: client(sandbox.endpoint_url, "lambda", account=account),
        runtimes=("python3.13",),
    )
    name = create_function(sandbox, name="layered", source=IMPORTS, Layers=[LAYER_ARN])
    layered = ["aws_lambda_powertools", "pydantic", "aws_xray_sdk.core", "boto3"]
    assert _invoke(sandbox, name, layered) == layered
    assert "No module named 'numpy'" in str(_invoke(sandbox, name, ["numpy"]))


def test_publishing_a_layer_again_changes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    layer = LayerVersion(account=LAYER.account, name="AWSLambdaPowertoolsPythonV3-python312-arm64", version=2)

    def owner(account: str) -> Any:
        return client(sandbox.endpoint_url, "lambda", account=account)

    for _ in range(2):
        publish_layers([layer], parent=tmp_path, client=owner, runtimes=("python3.12",))
    versions = owner(layer.account).list_layer_versions(LayerName=layer.name)["LayerVersions"]
    assert sorted(version["Version"] for version in versions) == [1, 2]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_a_lambda_prints_is_kept_in_its_file_with_the_request(
    sandbox: Sandbox, create_function: CreateFunction, stream: str
) -> None:
    source = f"import sys\ndef handler(event, context):\n    print('said on {stream}', file=sys.{stream})\n"
    name = create_function(sandbox, name=f"prints-{stream}", source=source)
    sandbox.client("lambda").invoke(FunctionName=name)
    start, said, end = (sandbox.directory.logs / "lambda" / f"{name}.log").read_text().splitlines()
    assert said == f"said on {stream}"
    assert "START RequestId: " in start
    assert "END RequestId: " in end


def test_a_function_that_raises_keeps_its_process_and_one_that_takes_too_long_does_not(
    sandbox: Sandbox, create_function: CreateFunction
) -> None:
    name = create_function(sandbox, name="counts", source=COUNTS)
    client = sandbox.client("lambda")
    client.update_function_configuration(FunctionName=name, Timeout=1)
    assert _invoke(sandbox, name, "go") == 1
    assert "on purpose" in json.dumps(_invoke(sandbox, name, "raise"))
    assert _invoke(sandbox, name, "go") == 3
    assert "Task timed out after 1.00 seconds" in json.dumps(_invoke(sandbox, name, "sleep"))
    assert _invoke(sandbox, name, "go") == 1
    log = (sandbox.directory.logs / "lambda" / f"{name}.log").read_text()
    assert log.index("about to raise") < log.index("on purpose") < log.index("about to sleep")
