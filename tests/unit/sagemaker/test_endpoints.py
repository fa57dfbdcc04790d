"""Endpoints: creation, updates that keep serving, failures, invocations, capture and metrics."""

import base64
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import BUCKET, IMAGE, ROLE, World, eventually, json_lines, unique

_STATE = "SageMaker Endpoint State Change"
_PROGRESS = "SageMaker Endpoint Deployment State Change"

_ANSWERING = """
import json

def model_fn(model_dir):
    with open(model_dir + "/name.txt") as file:
        return file.read()

def input_fn(body, content_type):
    assert isinstance(body, str), type(body)
    return json.loads(body)

def predict_fn(data, model):
    return {"model": model, "sum": sum(data["instances"])}

def output_fn(prediction, accept):
    return json.dumps(prediction), accept
"""


def _archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _model(world: World, script: str = _ANSWERING, *, label: str = "first") -> str:
    name = unique("model")
    uri = world.put(f"models/{name}.tar.gz", _archive({"name.txt": label, "code/inference.py": script}))
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = {"Image": IMAGE, "ModelDataUrl": uri, "Environment": environment}
    world.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    return name


def _config(world: World, model: str, **changes: Any) -> str:
    name = unique("config")
    variant = {
        "VariantName": changes.pop("variant", "live"),
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    world.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **changes)
    return name


@pytest.fixture
def deploy(world: World) -> Iterator[Callable[[str], str]]:
    """Creates endpoints and deletes them at the end of the test."""
    names = []

    def create(config: str) -> str:
        name = unique("endpoint")
        names.append(name)
        world.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        world.endpoint_settled(name)
        return name

    yield create
    for name in names:
        world.endpoint_settled(name)
        world.sagemaker.delete_endpoint(EndpointName=name)
    eventually(lambda: all(_is_gone(world, name) for name in names), what=f"the deletion of {names}")


def _is_gone(world: World, name: str) -> bool:
    try:
        world.sagemaker.describe_endpoint(EndpointName=name)
    except ClientError:
        return True
    return False


def _invoke(world: World, name: str, *numbers: int, **changes: Any) -> dict[str, Any]:
    answer = world.runtime.invoke_endpoint(
        EndpointName=name,
        ContentType="application/json",
        Body=json.dumps({"instances": numbers}),
        **changes,
    )
    return {**answer, "Body": json.loads(answer["Body"].read())}


def _update(world: World, name: str, config: str, **changes: Any) -> dict[str, Any]:
    world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config, **changes)
    return world.endpoint_settled(name)


def test_an_endpoint_serves_its_model(world: World, deploy: Callable[[str], str]) -> None:
    config = _config(world, _model(world))
    name = deploy(config)
    described = world.sagemaker.describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == config
    assert described["ProductionVariants"][0]["DeployedImages"][0]["SpecifiedImage"] == IMAGE
    answer = _invoke(world, name, 1, 2, 3)
    assert answer["Body"] == {"model": "first", "sum": 6}
    assert answer["InvokedProductionVariant"] == "live"
    assert answer["ContentType"] == "application/json"
    details = world.events_until(_STATE, about=name, last=lambda detail: detail["EndpointStatus"] == "IN_SERVICE")
    assert [detail["EndpointStatus"] for detail in details] == ["CREATING", "IN_SERVICE"]
    assert details[-1]["EndpointConfigName"] == config


def test_an_update_under_traffic_loses_no_request_and_answers_from_one_version_each(
    world: World, deploy: Callable[[str], str]
) -> None:
    name = deploy(_config(world, _model(world, label="old")))
    new = _config(world, _model(world, label="new"))
    updated = threading.Event()

    def ask() -> list[str]:
        answers = []
        while not updated.is_set():
            answers.append(_invoke(world, name, 1)["Body"]["model"])
        answers.append(_invoke(world, name, 1)["Body"]["model"])
        return answers

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        try:
            described = _update(world, name, new)
        finally:
            updated.set()
        for answers in (job.result() for job in asking):
            assert answers == sorted(answers, reverse=True)  # old, old, …, new: never back again
            assert answers[-1] == "new"
    assert described["EndpointConfigName"] == new
    assert "FailureReason" not in described


def test_an_update_tells_where_it_is(world: World, deploy: Callable[[str], str]) -> None:
    name = deploy(_config(world, _model(world)))
    new = _config(world, _model(world))
    _update(world, name, new)
    details = world.events_until(
        _STATE,
        about=name,
        last=lambda detail: detail["EndpointStatus"] == "IN_SERVICE" and detail["EndpointConfigName"] == new,
    )
    assert [detail["EndpointStatus"] for detail in details] == ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE"]
    progress = world.events(_PROGRESS, about=name)
    assert {detail["PendingDeploymentSummary"]["EndpointConfigName"] for detail in progress} == {new}


@pytest.mark.parametrize("broken", ["raise RuntimeError('cannot load')", "import a_module_that_the_image_lacks"])
def test_an_update_to_a_model_that_cannot_load_keeps_the_old_one_serving(
    world: World, deploy: Callable[[str], str], broken: str
) -> None:
    old = _config(world, _model(world))
    name = deploy(old)
    described = _update(world, name, _config(world, _model(world, broken)))
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == old
    assert "did not pass the ping health check" in described["FailureReason"]
    assert _invoke(world, name, 1)["Body"]["model"] == "first"
    statuses = [detail["EndpointStatus"] for detail in world.events(_STATE, about=name)]
    assert statuses[:4] == ["CREATING", "IN_SERVICE", "UPDATING", "ROLLING_BACK"]


def test_an_endpoint_whose_model_cannot_load_fails_and_can_only_be_deleted(
    world: World, deploy: Callable[[str], str]
) -> None:
    name = deploy(_config(world, _model(world, "raise RuntimeError('cannot load')")))
    described = world.sagemaker.describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] == "Failed"
    assert "variant live did not pass the ping health check" in described["FailureReason"]
    with pytest.raises(ClientError, match="ValidationException"):
        world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=described["EndpointConfigName"])
    with pytest.raises(ClientError, match=r"ValidationError.*not found"):
        _invoke(world, name, 1)
    log = world.platform.log_dir / "endpoints" / f"{name}.log"
    eventually(lambda: log.exists() and "RuntimeError: cannot load" in log.read_text(), what="the traceback")


def test_an_endpoint_in_progress_cannot_be_changed(world: World, deploy: Callable[[str], str]) -> None:
    slow = "import time; time.sleep(1)\n" + _ANSWERING
    name = deploy(_config(world, _model(world)))
    new = _config(world, _model(world, slow))
    world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=new)
    pending = world.sagemaker.describe_endpoint(EndpointName=name)
    assert pending["EndpointStatus"] == "Updating"
    assert pending["PendingDeploymentSummary"]["EndpointConfigName"] == new
    refusal = r"ValidationException.*Cannot update in-progress endpoint"
    with pytest.raises(ClientError, match=refusal):
        world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=new)
    with pytest.raises(ClientError, match=refusal):
        world.sagemaker.delete_endpoint(EndpointName=name)


_CANARY: dict[str, Any] = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            "WaitIntervalInSeconds": 600,
        },
        "TerminationWaitInSeconds": 60,
    }
}


def test_a_canary_shares_the_traffic_while_it_bakes_and_then_takes_it_all(
    world: World, deploy: Callable[[str], str]
) -> None:
    name = deploy(_config(world, _model(world, label="old")))
    new = _config(world, _model(world, label="new"))
    world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=new, DeploymentConfig=_CANARY)
    seen = set()
    while world.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Updating":
        seen.add(_invoke(world, name, 1)["Body"]["model"])
    assert seen == {"old", "new"}
    described = world.sagemaker.describe_endpoint(EndpointName=name)
    assert described["EndpointConfigName"] == new
    assert described["LastDeploymentConfig"] == _CANARY
    stages = [
        detail["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0]["Status"]
        for detail in world.events(_PROGRESS, about=name)
    ]
    assert stages == ["Creating", "ActivatingTraffic", "Baking", "ActivatingTraffic", "Baking", "Baking"]


def test_an_alarm_during_baking_rolls_back(world: World, deploy: Callable[[str], str]) -> None:
    alarm = unique("alarm")
    cloudwatch = world.platform.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        Namespace="Tests",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
    old = _config(world, _model(world, label="old"))
    name = deploy(old)
    guarded = {**_CANARY, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}}
    described = _update(world, name, _config(world, _model(world, label="new")), DeploymentConfig=guarded)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == old
    assert alarm in described["FailureReason"]
    assert {_invoke(world, name, 1)["Body"]["model"] for _ in range(20)} == {"old"}


def test_a_model_that_fails_its_requests_is_rolled_back_by_its_own_metrics(
    world: World, deploy: Callable[[str], str]
) -> None:
    old = _config(world, _model(world, label="old"))
    name = deploy(old)
    alarm = unique("alarm")
    world.platform.client("cloudwatch").put_metric_alarm(
        AlarmName=alarm,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "live"}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0.02,
        ComparisonOperator="GreaterThanThreshold",
    )
    failing = _ANSWERING.replace("    return {", "    raise ValueError(data)\n    return {")
    routing = {**_CANARY["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"], "WaitIntervalInSeconds": 3600}
    guarded = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }
    world.sagemaker.update_endpoint(
        EndpointName=name, EndpointConfigName=_config(world, _model(world, failing)), DeploymentConfig=guarded
    )
    failures = 0
    while world.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Updating":
        try:
            _invoke(world, name, 1)
        except ClientError:
            failures += 1
    described = world.endpoint_settled(name)
    assert failures > 0
    assert described["EndpointConfigName"] == old
    assert alarm in described["FailureReason"]
    assert {_invoke(world, name, 1)["Body"]["model"] for _ in range(20)} == {"old"}


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
    name = deploy(_config(world, _model(world)))
    with pytest.raises(ClientError, match=f"ValidationError.*{message}"):
        world.runtime.invoke_endpoint(**{"EndpointName": name, "Body": b"{}", **changes})


def test_guardrails_need_the_same_variant_names(world: World, deploy: Callable[[str], str]) -> None:
    name = deploy(_config(world, _model(world)))
    other = _config(world, _model(world), variant="other")
    with pytest.raises(ClientError, match="variant names must stay the same"):
        world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=other, DeploymentConfig=_CANARY)


def test_an_exception_of_the_model_is_a_model_error_with_the_containers_status(
    world: World, deploy: Callable[[str], str]
) -> None:
    name = deploy(_config(world, _model(world)))
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
    name = deploy(_config(world, _model(world, refusing)))
    with pytest.raises(ClientError) as caught:
        _invoke(world, name, 1)
    response: Any = caught.value.response
    assert response["OriginalStatusCode"] == 400
    assert json.loads(response["OriginalMessage"]) == {"error": "unknown field"}
    assert "Received client error (400)" in response["Error"]["Message"]


def test_a_type_that_no_function_decodes_is_unsupported(world: World, deploy: Callable[[str], str]) -> None:
    name = deploy(_config(world, _model(world, "def model_fn(model_dir):\n    return None\n")))
    with pytest.raises(ClientError) as caught:
        _invoke(world, name, 1)
    response: Any = caught.value.response
    assert response["OriginalStatusCode"] == 415


def test_a_container_that_dies_is_started_again(world: World, deploy: Callable[[str], str]) -> None:
    dying = _ANSWERING.replace("def predict_fn", "import os\n\ndef predict_fn").replace(
        "    return {", "    if data['instances'] == [13]:\n        os._exit(1)\n    return {"
    )
    name = deploy(_config(world, _model(world, dying)))
    with pytest.raises(ClientError) as caught:
        _invoke(world, name, 13)
    response: Any = caught.value.response
    assert response["OriginalStatusCode"] == 504
    assert _invoke(world, name, 1)["Body"]["sum"] == 1


def test_traffic_follows_the_weights_of_the_variants(world: World, deploy: Callable[[str], str]) -> None:
    variants = [
        {
            "VariantName": label,
            "ModelName": _model(world, label=label),
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": weight,
        }
        for label, weight in (("most", 3.0), ("some", 1.0), ("none", 0.0))
    ]
    config = unique("config")
    world.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
    name = deploy(config)
    answers = [_invoke(world, name, 1) for _ in range(60)]
    assert all(answer["InvokedProductionVariant"] == answer["Body"]["model"] for answer in answers)
    counts = {label: sum(answer["Body"]["model"] == label for answer in answers) for label in ("most", "some", "none")}
    assert counts["none"] == 0
    assert counts["most"] > counts["some"] > 0


def test_case_matters_only_in_invocations(world: World, deploy: Callable[[str], str]) -> None:
    name = deploy(_config(world, _model(world)))
    assert world.sagemaker.describe_endpoint(EndpointName=name.upper())["EndpointName"] == name
    with pytest.raises(ClientError, match=r"ValidationError.*not found"):
        _invoke(world, name.upper(), 1)


def test_an_unknown_endpoint_and_an_unknown_variant_are_named(world: World, deploy: Callable[[str], str]) -> None:
    with pytest.raises(ClientError, match=r"ValidationError.*Endpoint nowhere of account 000000000000 not found"):
        _invoke(world, "nowhere", 1)
    name = deploy(_config(world, _model(world)))
    assert _invoke(world, name, 1, TargetVariant="live")["InvokedProductionVariant"] == "live"
    with pytest.raises(ClientError, match="Variant other was not found"):
        _invoke(world, name, 1, TargetVariant="other")


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
    name = deploy(_config(world, _model(world), DataCaptureConfig=capture))
    described = world.sagemaker.describe_endpoint(EndpointName=name)["DataCaptureConfig"]
    assert (described["CaptureStatus"], described["CurrentSamplingPercentage"]) == ("Started", 100)
    _invoke(world, name, 1, 2, InferenceId="flight-1")
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
    name = deploy(_config(world, _model(world), DataCaptureConfig=capture))
    for number in range(1, 6):
        _invoke(world, name, number)
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
    name = deploy(_config(world, _model(world), DataCaptureConfig=capture))
    _invoke(world, name, 5)
    (record,) = _captured(world, folder, name, records=1)
    side = record["captureData"]["endpointInput"]
    assert side["encoding"] == "BASE64"
    assert base64.b64decode(side["data"]) == b'{"instances": [5]}'


def test_invocations_and_errors_are_counted_in_cloudwatch(world: World, deploy: Callable[[str], str]) -> None:
    name = deploy(_config(world, _model(world)))
    for _ in range(3):
        _invoke(world, name, 1)
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


def test_a_model_is_made_of_an_approved_package(world: World, deploy: Callable[[str], str]) -> None:
    group = unique("group")
    world.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    uri = world.put(f"models/{group}.tar.gz", _archive({"name.txt": "packaged", "code/inference.py": _ANSWERING}))
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    package = world.sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": uri, "Environment": environment}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    request = {"ModelName": unique("model"), "PrimaryContainer": {"ModelPackageName": package}}
    with pytest.raises(ClientError, match="ModelApprovalStatus is PendingManualApproval"):
        world.sagemaker.create_model(ExecutionRoleArn=ROLE, **request)
    world.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    world.sagemaker.create_model(ExecutionRoleArn=ROLE, **request)
    name = deploy(_config(world, str(request["ModelName"])))
    assert _invoke(world, name, 2)["Body"] == {"model": "packaged", "sum": 2}


def test_a_models_own_environment_reaches_its_server_beside_the_packages(
    world: World, deploy: Callable[[str], str]
) -> None:
    tells = "import os\n" + _ANSWERING.replace(
        '"model": model', '"model": [os.environ["FROM_PACKAGE"], os.environ["FROM_BOTH"], os.environ["FROM_MODEL"]]'
    )
    group = unique("group")
    world.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    uri = world.put(f"models/{group}.tar.gz", _archive({"name.txt": "x", "code/inference.py": tells}))
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    given = {**environment, "FROM_PACKAGE": "package", "FROM_BOTH": "package"}
    package = world.sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": uri, "Environment": given}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    model, own = unique("model"), {"FROM_BOTH": "model", "FROM_MODEL": "model"}
    world.sagemaker.create_model(
        ModelName=model,
        PrimaryContainer={"ModelPackageName": package, "Environment": own},
        ExecutionRoleArn=ROLE,
    )
    described = world.sagemaker.describe_model(ModelName=model)["PrimaryContainer"]
    assert described == {"ModelPackageName": package, "Environment": own}
    name = deploy(_config(world, model))
    assert _invoke(world, name, 1)["Body"]["model"] == ["package", "model", "model"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda sm: sm.describe_endpoint(EndpointName="none"), 'Could not find endpoint "arn:.*:endpoint/none"'),
        (lambda sm: sm.describe_endpoint_config(EndpointConfigName="none"), "Could not find endpoint configuration"),
        (lambda sm: sm.describe_model(ModelName="none"), "Could not find model"),
        (
            lambda sm: sm.create_endpoint(EndpointName="new", EndpointConfigName="none"),
            "Could not find endpoint configuration",
        ),
        (
            lambda sm: sm.create_model(
                ModelName="new",
                PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/none.tar.gz"},
                ExecutionRoleArn=ROLE,
            ),
            "Could not access model data",
        ),
    ],
)
def test_what_does_not_exist_is_named_as_aws_names_it(
    world: World, call: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(ClientError, match=f"ValidationException.*{message}"):
        call(world.sagemaker)


def test_names_are_given_once(world: World, deploy: Callable[[str], str]) -> None:
    model = _model(world)
    config = _config(world, model)
    name = deploy(config)
    variant = {"VariantName": "v", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        world.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        world.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
