"""Names and content of what a version is deployed as."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas.deploy_model.environment import DeployModelEnvironment
from lambdas.deploy_model.target import Target, target_of

NAME_PATTERN = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def target(version: int = 7, **changes: Any) -> Target:
    settings = {
        "project": "flights",
        "environment": "production",
        "ledger_table": "ledger",
        "notification_topic_arn": "arn:aws:sns:eu-central-1:111122223333:topic",
        "endpoint_name": "flights-production",
        "execution_role_arn": "arn:aws:iam::111122223333:role/execution",
        "model_package_group": "flights-production",
        "variant_name": "live",
        "instance_type": "ml.m5.large",
        "instance_count": 1,
        "capture_percent": 100,
        "capture_uri": "s3://artifacts/capture",
        "network_isolation": "false",
        "kms_key_arn": "",
        "rollout_strategy": "canary",
        "rollout_step_percent": 50,
        "rollout_bake_seconds": 300,
        "rollout_termination_wait_seconds": 120,
        "rollout_max_seconds": 3600,
        "rollback_alarms": "errors,latency",
    }
    created = changes.pop("created", datetime(2013, 3, 1, tzinfo=UTC))
    variables = changes.pop("variables", {"SAGEMAKER_PROGRAM": "inference.py"})
    package: Any = {
        "ModelPackageArn": f"arn:aws:sagemaker:eu-central-1:111122223333:model-package/flights-production/{version}",
        "ModelPackageVersion": version,
        "CreationTime": created,
        "InferenceSpecification": {"Containers": [{"Image": "image", "Environment": variables}]},
    }
    return target_of(package, DeployModelEnvironment.model_validate(settings | changes))


def test_the_same_version_and_settings_are_the_same_names() -> None:
    assert target() == target()


@pytest.mark.parametrize(
    "change",
    [
        {"instance_type": "ml.m5.xlarge"},
        {"instance_count": 2},
        {"capture_percent": 10},
        {"capture_uri": "s3://other/capture"},
        {"variant_name": "other"},
        {"kms_key_arn": "arn:aws:kms:eu-central-1:111122223333:key/1"},
    ],
)
def test_other_settings_are_another_configuration_of_the_same_model(change: dict[str, Any]) -> None:
    assert target(**change).config_name != target().config_name
    assert target(**change).model["ModelName"] == target().model["ModelName"]


@pytest.mark.parametrize(
    "change",
    [
        {"version": 8},
        {"created": datetime(2014, 3, 1, tzinfo=UTC)},
        {"execution_role_arn": "arn:aws:iam::111122223333:role/other"},
        {"variables": {"SAGEMAKER_PROGRAM": "other.py"}},
        {"subnet_ids": "subnet-1,subnet-2", "security_group_ids": "sg-1"},
        {"network_isolation": "true"},
    ],
)
def test_another_package_or_role_is_another_model(change: dict[str, Any]) -> None:
    assert target(**change).model["ModelName"] != target().model["ModelName"]


def test_the_container_knows_which_version_it_serves_and_keeps_the_variables_of_the_package() -> None:
    (container,) = target(7).model["Containers"]
    assert container["Environment"] == {"SAGEMAKER_PROGRAM": "inference.py", "TANDEM_MODEL_VERSION": "7"}


def test_a_package_without_variables_of_its_own_gets_the_version_only() -> None:
    (container,) = target(7, variables={}).model["Containers"]
    assert container["Environment"] == {"TANDEM_MODEL_VERSION": "7"}


@pytest.mark.parametrize("version", [1, 999_999_999])
@pytest.mark.parametrize(("project", "environment"), [("f", "a"), ("p" * 24, "e" * 16)])
def test_names_fit_what_sagemaker_allows_and_show_the_version(project: str, environment: str, version: int) -> None:
    made = target(version, project=project, environment=environment)
    for name in (made.config_name, made.model["ModelName"]):
        assert NAME_PATTERN.fullmatch(name)
        assert f"-v{version}-" in name


def test_in_a_network_of_its_own_a_model_says_where_it_runs() -> None:
    made = target(subnet_ids="subnet-1,subnet-2", security_group_ids="sg-1")
    other = target(subnet_ids="subnet-1,subnet-3", security_group_ids="sg-1")

    assert made.model["VpcConfig"] == {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    assert other.model["ModelName"] != made.model["ModelName"]
    assert other.config_name != made.config_name
    assert "VpcConfig" not in target().model


def test_a_container_without_a_network_is_asked_for_and_builds_with_what_it_has() -> None:
    isolated, open_ = target(network_isolation="true").model, target().model

    assert (isolated["EnableNetworkIsolation"], open_["EnableNetworkIsolation"]) == (True, False)
    (inside,), (outside,) = isolated["Containers"], open_["Containers"]
    assert inside["Environment"] == outside["Environment"] | {"PIP_NO_BUILD_ISOLATION": "false"}


def test_a_package_decides_itself_how_its_container_builds() -> None:
    (container,) = target(network_isolation="true", variables={"PIP_NO_BUILD_ISOLATION": "1"}).model["Containers"]

    assert container["Environment"]["PIP_NO_BUILD_ISOLATION"] == "1"


@pytest.mark.parametrize("half", [{"subnet_ids": "subnet-1"}, {"security_group_ids": "sg-1"}])
def test_half_a_network_is_refused(half: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="ids together with SUBNET_IDS"):
        target(**half)


def test_without_a_key_of_ours_the_keys_of_aws_are_used() -> None:
    made = target()
    assert "KmsKeyId" not in made.config
    assert "KmsKeyId" not in made.config["DataCaptureConfig"]
