"""Deployment guardrails: how an update moves the traffic, how long it watches and what makes it turn back.

AWS's pages "Deployment guardrails", "Blue/Green Deployments" and "Auto-Rollback Configuration and Monitoring".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ALL = 1.0


@dataclass(frozen=True)
class Shift:
    """A step of the traffic: this share (0 to 1) on the new fleet, watched for so many seconds of sandbox time."""

    share: float
    bake: float
    capacity: str


@dataclass(frozen=True)
class Guardrails:
    """What the DeploymentConfig of an update asks for; durations in seconds of sandbox time."""

    shifts: Sequence[Shift]
    termination_wait: float
    maximum_time: float | None
    alarms: Sequence[str]


def guardrails(deployment: Mapping[str, Any] | None, *, instances: int) -> Guardrails:
    """Read a DeploymentConfig; without one, all traffic moves at once and nothing is watched."""
    deployment = deployment or {}
    alarms = [alarm["AlarmName"] for alarm in deployment.get("AutoRollbackConfiguration", {}).get("Alarms", ())]
    rolling = deployment.get("RollingUpdatePolicy")
    if rolling is not None:
        step = _share(rolling["MaximumBatchSize"], instances=instances)
        return Guardrails(
            shifts=list(_steps(step, bake=float(rolling["WaitIntervalInSeconds"]))),
            termination_wait=0.0,
            maximum_time=rolling.get("MaximumExecutionTimeoutInSeconds"),
            alarms=alarms,
        )
    policy = deployment.get("BlueGreenUpdatePolicy", {})
    routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0})
    return Guardrails(
        shifts=list(_shifts(routing, instances=instances)),
        termination_wait=float(policy.get("TerminationWaitInSeconds", 0)),
        maximum_time=policy.get("MaximumExecutionTimeoutInSeconds"),
        alarms=alarms,
    )


def _shifts(routing: Mapping[str, Any], *, instances: int) -> Iterator[Shift]:
    bake = float(routing["WaitIntervalInSeconds"])
    match routing["Type"]:
        case "CANARY":
            yield Shift(share=_share(routing.get("CanarySize"), instances=instances), bake=bake, capacity="canary")
            yield Shift(share=_ALL, bake=bake, capacity="full")
        case "LINEAR":
            yield from _steps(_share(routing.get("LinearStepSize"), instances=instances), bake=bake)
        case _:
            yield Shift(share=_ALL, bake=bake, capacity="full")


def _steps(step: float, *, bake: float) -> Iterator[Shift]:
    share = step
    while share < _ALL:
        yield Shift(share=share, bake=bake, capacity="step")
        share = round(share + step, 6)
    yield Shift(share=_ALL, bake=bake, capacity="full")


def _share(size: Mapping[str, Any] | None, *, instances: int) -> float:
    """A CapacitySize as a share of the traffic; one instance when none is given."""
    if size is None:
        return min(_ALL, 1 / instances)
    if size["Type"] == "INSTANCE_COUNT":
        return min(_ALL, float(size["Value"]) / instances)
    return min(_ALL, float(size["Value"]) / 100)
