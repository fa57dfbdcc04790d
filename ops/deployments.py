"""Deployments in the ledger: which version may take another one's place, and what becomes of a requested one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambdas.shared.endpoints import look_at
from lambdas.shared.records import Deployment, DeploymentStatus
from ops import registry
from ops.errors import OpsError
from ops.stage import Stage

_LOOK_SECONDS = 5.0
"""At most so long between two looks: the figure that people wait for is seconds."""
_PATIENCE_SECONDS = 300.0
"""A request that nobody has taken up by then, although the endpoint is free, is not on its way any more."""


@dataclass(frozen=True)
class Outcome:
    """What became of a requested deployment, and how long that took from the request on."""

    deployment: Deployment
    seconds: float

    @property
    def is_live(self) -> bool:
        """Whether the version serves."""
        return self.deployment.status is DeploymentStatus.LIVE

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "outcome": self.deployment.status.value,
            "detail": self.deployment.detail,
            "endpoint_config": self.deployment.endpoint_config,
            "rollout": self.deployment.rollout,
            "seconds": round(self.seconds, 1),
        }


def newest_sequence(stage: Stage) -> int:
    """Return the number of the deployment that was requested last; what is requested from now on has a higher one."""
    newest = stage.ledger.newest_deployment()
    return newest.sequence if newest else 0


def under_way(stage: Stage) -> Deployment | None:
    """Return the deployment whose outcome is not known yet."""
    newest = stage.ledger.newest_deployment()
    return newest if newest and newest.is_open else None


@dataclass(frozen=True)
class Candidates:
    """What could take the place of a version, judged as DeployModel judges it.

    Attributes:
        chosen: The one that was live most recently and may serve; None when there is none.
        passed_over: Versions that were live more recently but may not serve, each with the reason.
    """

    chosen: Deployment | None
    passed_over: dict[int, str]


def candidates(stage: Stage, *, instead_of: int) -> Candidates:
    """Find what was live before a version: newest first, until one may serve."""
    passed_over: dict[int, str] = {}
    proven = [each for each in stage.ledger.deployments() if each.is_proven and each.version != instead_of]
    for deployment in sorted(proven, key=lambda each: each.sequence, reverse=True):
        hindrance = registry.hindrance(stage, registry.look_up(stage, deployment.package_arn))
        if hindrance is None:
            return Candidates(deployment, passed_over)
        passed_over[deployment.version] = hindrance.what
    return Candidates(None, passed_over)


def follow(stage: Stage, version: int, *, after: int, told: Callable[[str], None]) -> Outcome:
    """Wait until the ledger says what became of the deployment of a version, requested just now.

    Args:
        stage: Where.
        version: The version.
        after: The newest sequence before the request: the deployment that is waited for has a higher one.
        told: Takes the progress, a line at a time.

    Raises:
        OpsError: Nobody has taken the request up.
    """
    began, said = time.monotonic(), ""
    try:
        while True:
            ours = [each for each in stage.ledger.deployments_of(version) if each.sequence > after]
            deployment = max(ours, key=lambda each: each.sequence, default=None)
            if deployment is not None and not deployment.is_open:
                return Outcome(deployment, time.monotonic() - began)
            words = _progress(stage, version, deployment, waited=time.monotonic() - began)
            if words != said:
                told(words)
            said = words
            time.sleep(min(stage.target.poll_seconds, _LOOK_SECONDS))
    except KeyboardInterrupt:
        told("the request goes on without this command; `python -m ops status` tells what became of it")
        raise


def _progress(stage: Stage, version: int, deployment: Deployment | None, *, waited: float) -> str:
    endpoint = look_at(stage.target.sagemaker, stage.endpoint)
    if deployment is not None:
        how = f": {deployment.rollout}" if deployment.rollout else ""
        return f"version {version} is being deployed{how}; the endpoint is {endpoint.status}"
    if not endpoint.is_in_progress and waited > _PATIENCE_SECONDS:
        raise OpsError(
            f"nothing took up the request for version {version} within {waited:.0f} s, and the endpoint is "
            f"{endpoint.status}: `python -m ops history` tells whether it was refused; else the request lies in the "
            "deployment queue or its dead-letter queue, and the log of DeployModel says why"
        )
    return f"version {version} was asked for; the endpoint is {endpoint.status}"


def outcome_words(stage: Stage, outcome: Outcome) -> str:
    """Say what became of a deployment, and what serves when it did not become live."""
    deployment = outcome.deployment
    if outcome.is_live:
        return f"version {deployment.version} is live, {outcome.seconds:.1f} s after it was asked for"
    why = f" ({deployment.detail})" if deployment.detail else ""
    ended = deployment.status.value.replace("_", " ")
    live = stage.ledger.live()
    serves = f"; version {live.version} is live" if live else ""
    took = f"after {outcome.seconds:.1f} s it is {ended}{why}"
    return f"version {deployment.version} did not become live: {took}{serves}"
