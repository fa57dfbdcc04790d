"""What undoes an update of the endpoint: the alarms, who may see them, and what the deploying function is told."""

from typing import Any

import pytest

from stacks.settings import VARIANT

ENDPOINT = [{"Name": "EndpointName", "Value": "flights-production"}, {"Name": "VariantName", "Value": VARIANT}]
APPLICATION = [
    {"Name": "environment", "Value": "production"},
    {"Name": "project", "Value": "flights"},
    {"Name": "service", "Value": "application"},
]
NAMES = [f"flights-production-rollback-{kind}" for kind in ("errors", "latency", "application")]


@pytest.fixture(name="serving")
def _serving(production: Any) -> Any:
    return production["Serving"]


def only_statement(serving: Any, role: str, action: str) -> Any:
    """The one statement that lets a role do something."""
    (statement,) = (
        one
        for name, policy in serving.all("AWS::IAM::Policy").items()
        if name.startswith(role)
        for one in policy["PolicyDocument"]["Statement"]
        if one["Action"] == action
    )
    return statement


@pytest.mark.parametrize(
    ("kind", "metric", "threshold", "dimensions"),
    [
        ("Errors", "Invocation5XXErrors", 0.01, ENDPOINT),
        ("Latency", "ModelLatency", 1_000_000, ENDPOINT),
        ("Application", "PredictionErrors", 0.01, APPLICATION),
    ],
)
def test_an_alarm_watches_the_mean_of_a_minute_and_goes_on_after_two_bad_ones_of_three(
    serving: Any, kind: str, metric: str, threshold: float, dimensions: Any
) -> None:
    alarm = serving.one("AWS::CloudWatch::Alarm", f"Rollback{kind}")
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Period"]) == (metric, "Average", 60)
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"], alarm["Threshold"]) == (2, 3, threshold)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["Dimensions"] == dimensions
    assert alarm["TreatMissingData"] == "notBreaching", "an endpoint without traffic is no bad one"
    assert alarm["AlarmName"] in NAMES
    assert alarm["AlarmActions"]
    assert "docs/runbooks/rollback.md" in alarm["AlarmDescription"]


def test_the_deploying_function_knows_how_traffic_moves_and_which_alarms_watch(serving: Any) -> None:
    variables = serving.one("AWS::Lambda::Function", "DeployModel")["Environment"]["Variables"]
    assert variables["ROLLBACK_ALARMS"] == ",".join(NAMES)
    told = {name: value for name, value in variables.items() if name.startswith("ROLLOUT_")}
    assert told == {
        "ROLLOUT_STRATEGY": "canary",
        "ROLLOUT_STEP_PERCENT": "50",
        "ROLLOUT_BAKE_SECONDS": "300",
        "ROLLOUT_TERMINATION_WAIT_SECONDS": "120",
        "ROLLOUT_MAX_SECONDS": "3600",
    }


@pytest.mark.parametrize("role", ["EndpointRole", "DeployModelRole"])
def test_the_alarms_may_be_seen_by_name_and_no_others(serving: Any, role: str) -> None:
    statement = only_statement(serving, role, "cloudwatch:DescribeAlarms")
    alarms = {resource["Fn::GetAtt"][0] for resource in statement["Resource"]}
    assert len(alarms) == len(NAMES)
    assert all(name.startswith("Rollback") for name in alarms)


@pytest.mark.parametrize("role", ["ConfirmDeploymentRole", "DeployModelRole"])
def test_only_the_life_cycle_stage_of_this_environment_may_be_written(serving: Any, role: str) -> None:
    statement = only_statement(serving, role, "sagemaker:UpdateModelPackage")
    assert statement["Condition"] == {"StringEquals": {"sagemaker:ModelLifeCycle:stage": "production"}}
