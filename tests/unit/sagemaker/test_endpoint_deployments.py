"""Endpoints: creation, updates that keep serving, canaries, and what is rolled back."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .endpoints import ANSWERING, config_of, invoke, model_of, update
from .world import IMAGE, World, eventually, unique

_STATE = "SageMaker Endpoint State Change"
_PROGRESS = "SageMaker Endpoint Deployment State Change"


def test_an_endpoint_serves_its_model(world: World, deploy: Callable[[str], str]) -> None:
    config = config_of(world, model_of(world))
    name = deploy(config)
    described = world.sagemaker.describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == config
    assert described["ProductionVariants"][0]["DeployedImages"][0]["SpecifiedImage"] == IMAGE
    answer = invoke(world, name, 1, 2, 3)
    assert answer["Body"] == {"model": "first", "sum": 6}
    assert answer["InvokedProductionVariant"] == "live"
    assert answer["ContentType"] == "application/json"
    details = world.events_until(_STATE, about=name, last=lambda detail: detail["EndpointStatus"] == "IN_SERVICE")
    assert [detail["EndpointStatus"] for detail in details] == ["CREATING", "IN_SERVICE"]
    assert details[-1]["EndpointConfigName"] == config


def test_an_update_under_traffic_loses_no_request_and_answers_from_one_version_each(
    world: World, deploy: Callable[[str], str]
) -> None:
    name = deploy(config_of(world, model_of(world, label="old")))
    new = config_of(world, model_of(world, label="new"))
    updated = threading.Event()

    def ask() -> list[str]:
        answers = []
        while not updated.is_set():
            answers.append(invoke(world, name, 1)["Body"]["model"])
        answers.append(invoke(world, name, 1)["Body"]["model"])
        return answers

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        try:
            described = update(world, name, new)
        finally:
            updated.set()
        for answers in (job.result() for job in asking):
            assert answers == sorted(answers, reverse=True)  # old, old, …, new: never back again
            assert answers[-1] == "new"
    assert described["EndpointConfigName"] == new
    assert "FailureReason" not in described


def test_an_update_tells_where_it_is(world: World, deploy: Callable[[str], str]) -> None:
    name = deploy(config_of(world, model_of(world)))
    new = config_of(world, model_of(world))
    update(world, name, new)
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
    old = config_of(world, model_of(world))
    name = deploy(old)
    described = update(world, name, config_of(world, model_of(world, broken)))
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == old
    assert "did not pass the ping health check" in described["FailureReason"]
    assert invoke(world, name, 1)["Body"]["model"] == "first"
    statuses = [detail["EndpointStatus"] for detail in world.events(_STATE, about=name)]
    assert statuses[:4] == ["CREATING", "IN_SERVICE", "UPDATING", "ROLLING_BACK"]


def test_an_endpoint_whose_model_cannot_load_fails_and_can_only_be_deleted(
    world: World, deploy: Callable[[str], str]
) -> None:
    name = deploy(config_of(world, model_of(world, "raise RuntimeError('cannot load')")))
    described = world.sagemaker.describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] == "Failed"
    assert "variant live did not pass the ping health check" in described["FailureReason"]
    with pytest.raises(ClientError, match="ValidationException"):
        world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=described["EndpointConfigName"])
    with pytest.raises(ClientError, match=r"ValidationError.*not found"):
        invoke(world, name, 1)
    log = world.platform.log_dir / "endpoints" / f"{name}.log"
    eventually(lambda: log.exists() and "RuntimeError: cannot load" in log.read_text(), what="the traceback")


def test_an_endpoint_in_progress_cannot_be_changed(world: World, deploy: Callable[[str], str]) -> None:
    slow = "import time; time.sleep(1)\n" + ANSWERING
    name = deploy(config_of(world, model_of(world)))
    new = config_of(world, model_of(world, slow))
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
    name = deploy(config_of(world, model_of(world, label="old")))
    new = config_of(world, model_of(world, label="new"))
    world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=new, DeploymentConfig=_CANARY)
    seen = set()
    while world.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Updating":
        seen.add(invoke(world, name, 1)["Body"]["model"])
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
    old = config_of(world, model_of(world, label="old"))
    name = deploy(old)
    guarded = {**_CANARY, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}}
    described = update(world, name, config_of(world, model_of(world, label="new")), DeploymentConfig=guarded)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == old
    assert alarm in described["FailureReason"]
    assert {invoke(world, name, 1)["Body"]["model"] for _ in range(20)} == {"old"}


def test_a_model_that_fails_its_requests_is_rolled_back_by_its_own_metrics(
    world: World, deploy: Callable[[str], str]
) -> None:
    old = config_of(world, model_of(world, label="old"))
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
    failing = ANSWERING.replace("    return {", "    raise ValueError(data)\n    return {")
    routing = {**_CANARY["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"], "WaitIntervalInSeconds": 3600}
    guarded = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }
    world.sagemaker.update_endpoint(
        EndpointName=name, EndpointConfigName=config_of(world, model_of(world, failing)), DeploymentConfig=guarded
    )
    failures = 0
    while world.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Updating":
        try:
            invoke(world, name, 1)
        except ClientError:
            failures += 1
    described = world.endpoint_settled(name)
    assert failures > 0
    assert described["EndpointConfigName"] == old
    assert alarm in described["FailureReason"]
    assert {invoke(world, name, 1)["Body"]["model"] for _ in range(20)} == {"old"}


def test_guardrails_need_the_same_variant_names(world: World, deploy: Callable[[str], str]) -> None:
    name = deploy(config_of(world, model_of(world)))
    other = config_of(world, model_of(world), variant="other")
    with pytest.raises(ClientError, match="variant names must stay the same"):
        world.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=other, DeploymentConfig=_CANARY)


def test_traffic_follows_the_weights_of_the_variants(world: World, deploy: Callable[[str], str]) -> None:
    variants = [
        {
            "VariantName": label,
            "ModelName": model_of(world, label=label),
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": weight,
        }
        for label, weight in (("most", 3.0), ("some", 1.0), ("none", 0.0))
    ]
    config = unique("config")
    world.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
    name = deploy(config)
    answers = [invoke(world, name, 1) for _ in range(60)]
    assert all(answer["InvokedProductionVariant"] == answer["Body"]["model"] for answer in answers)
    counts = {label: sum(answer["Body"]["model"] == label for answer in answers) for label in ("most", "some", "none")}
    assert counts["none"] == 0
    assert counts["most"] > counts["some"] > 0
