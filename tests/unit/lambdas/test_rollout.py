"""How an update moves traffic, and which alarms watch it."""

from typing import Any

import pytest

from tests.unit.lambdas.support.deployments import approve, newest, put_live
from tests.unit.lambdas.support.stage import NAME, Stage


def update(stage: Stage) -> dict[str, Any]:
    """Deploy version 2 over version 1 and return what SageMaker was told."""
    put_live(stage, 1)
    approve(stage, 2)
    config: dict[str, Any] = stage.gate.made("UpdateEndpoint")[-1]["DeploymentConfig"]
    return config


def test_a_canary_is_baked_and_watched(stage: Stage) -> None:
    assert update(stage) == {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 300,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            },
            "TerminationWaitInSeconds": 120,
            "MaximumExecutionTimeoutInSeconds": 3600,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in stage.alarms]},
    }
    assert newest(stage).rollout == f"canary of 50 %, 300 s a step, watched by {', '.join(stage.alarms)}"


@pytest.mark.parametrize(
    ("strategy", "routing"),
    [
        ("linear", {"Type": "LINEAR", "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50}}),
        ("all_at_once", {"Type": "ALL_AT_ONCE"}),
    ],
)
def test_the_other_strategies(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, strategy: str, routing: dict[str, Any]
) -> None:
    monkeypatch.setenv("ROLLOUT_STRATEGY", strategy)
    told = update(stage)["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert told == routing | {"WaitIntervalInSeconds": 300}


def test_the_first_version_creates_the_endpoint_without_guardrails(stage: Stage) -> None:
    approve(stage, 1)
    (created,) = stage.gate.made("CreateEndpoint")
    assert "DeploymentConfig" not in created
    assert newest(stage).rollout is None


def test_an_alarm_that_is_on_already_cannot_stop_the_version_that_may_be_the_remedy(stage: Stage) -> None:
    put_live(stage, 1)
    errors, latency = stage.alarms
    stage.ring(errors)
    stage.ring(latency, "OK")
    approve(stage, 2)

    (update,) = stage.gate.made("UpdateEndpoint")
    assert update["DeploymentConfig"]["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": latency}]}
    assert (newest(stage).rollout or "").endswith(f"watched by {latency}; {errors} left out, on before it began")


def test_with_every_alarm_on_nothing_watches_and_the_ledger_says_so(stage: Stage) -> None:
    put_live(stage, 1)
    for alarm in stage.alarms:
        stage.ring(alarm)
    approve(stage, 2)

    (update,) = stage.gate.made("UpdateEndpoint")
    assert "AutoRollbackConfiguration" not in update["DeploymentConfig"]
    assert "unwatched" in (newest(stage).rollout or "")


def test_a_deployment_that_is_resumed_looks_at_the_alarms_again(stage: Stage) -> None:
    put_live(stage, 1)
    stage.sagemaker.register(NAME, 2)
    event = stage.package_event(2)
    stage.gate.arm_operation("UpdateEndpoint")
    stage.deploy(event)
    stage.gate.disarm()
    stage.ring(stage.alarms[0])
    stage.deploy(event)
    assert "left out" in (newest(stage).rollout or "")
