"""How an update of the endpoint is carried out: the deployment guardrails of SageMaker.

AWS pages: "Deployment guardrails", "Use canary traffic shifting", "Use linear traffic shifting", "Auto-Rollback
Configuration and Monitoring"; API reference "DeploymentConfig".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdas.deploy_model.environment import DeployModelEnvironment

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sagemaker.literals import TrafficRoutingConfigTypeType
    from mypy_boto3_sagemaker.type_defs import DeploymentConfigUnionTypeDef, TrafficRoutingConfigTypeDef

_TYPES: "dict[str, TrafficRoutingConfigTypeType]" = {
    "canary": "CANARY",
    "linear": "LINEAR",
    "all_at_once": "ALL_AT_ONCE",
}


@dataclass(frozen=True)
class Rollout:
    """The guardrails of one update, for SageMaker and in words."""

    config: "DeploymentConfigUnionTypeDef"
    words: str


def forward(environment: DeployModelEnvironment, *, ringing: Sequence[str]) -> Rollout:
    """Move to a version that has to prove itself.

    Alarms that are on already say nothing about the new version, and SageMaker would turn back at once: so a live
    version that fails could never be replaced. They are left out.
    """
    watching = [name for name in environment.alarm_names if name not in ringing]
    config = _config(environment, routing=_routing(environment))
    if watching:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in watching]}
    return Rollout(config, _words(environment, watching=watching, ringing=ringing))


def back(environment: DeployModelEnvironment) -> Rollout:
    """Return to a configuration that was live before: at once, and unwatched.

    Fleets report under the same name, so the alarms of the version that is left would stop its removal.
    """
    routing: TrafficRoutingConfigTypeDef = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    config = _config(environment, routing=routing)
    config["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] = 0
    return Rollout(config, "all at once, unwatched: this configuration was live before")


def ringing_alarms(cloudwatch: "CloudWatchClient", names: Sequence[str]) -> tuple[str, ...]:
    """Return which of the alarms are on."""
    if not names:
        return ()
    answer = cloudwatch.describe_alarms(AlarmNames=list(names), AlarmTypes=["MetricAlarm"], StateValue="ALARM")
    return tuple(sorted(alarm["AlarmName"] for alarm in answer["MetricAlarms"]))


def _config(
    environment: DeployModelEnvironment, *, routing: "TrafficRoutingConfigTypeDef"
) -> "DeploymentConfigUnionTypeDef":
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": environment.rollout_termination_wait_seconds,
            "MaximumExecutionTimeoutInSeconds": environment.rollout_max_seconds,
        }
    }


def _routing(environment: DeployModelEnvironment) -> "TrafficRoutingConfigTypeDef":
    routing: TrafficRoutingConfigTypeDef = {
        "Type": _TYPES[environment.rollout_strategy],
        "WaitIntervalInSeconds": environment.rollout_bake_seconds,
    }
    match environment.rollout_strategy:
        case "canary":
            routing["CanarySize"] = {"Type": "CAPACITY_PERCENT", "Value": environment.rollout_step_percent}
        case "linear":
            routing["LinearStepSize"] = {"Type": "CAPACITY_PERCENT", "Value": environment.rollout_step_percent}
        case "all_at_once":
            pass
    return routing


def _words(environment: DeployModelEnvironment, *, watching: Sequence[str], ringing: Sequence[str]) -> str:
    match environment.rollout_strategy:
        case "canary":
            how = f"canary of {environment.rollout_step_percent} %"
        case "linear":
            how = f"in steps of {environment.rollout_step_percent} %"
        case "all_at_once":
            how = "all at once"
    watched = f"watched by {', '.join(watching)}" if watching else "unwatched"
    left_out = f"; {', '.join(ringing)} left out, on before it began" if ringing else ""
    return f"{how}, {environment.rollout_bake_seconds} s a step, {watched}{left_out}"
