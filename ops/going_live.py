"""What becomes of a version that a training run promoted: live, or the reason why it is not."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lambdas.shared.records import Decision, Deployment, DeploymentStatus, Run
from ops import registry
from ops.stage import Stage

_RECENT = 50
"""Decisions that are looked at: a refusal of a version that was registered a moment ago is among them."""
_DEPLOYER = "deploy-model"
"""The handler whose decisions are about deployments."""
_LOOK_SECONDS = 5.0
_PENDING = "PendingManualApproval"


class Ending(StrEnum):
    """How it ended."""

    LIVE = "live"
    NOT_LIVE = "not_live"
    WAITS_FOR_APPROVAL = "waits_for_approval"


@dataclass(frozen=True, kw_only=True)
class Landing:
    """What became of a promoted version.

    Attributes:
        ending: Whether it serves.
        outcome: The deployment's status, what was decided instead of a deployment, or ``not_within_the_limit``.
        detail: Why, in words.
    """

    ending: Ending
    outcome: str
    detail: str | None
    deployment: Deployment | None = None

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "ending": self.ending.value,
            "outcome": self.outcome,
            "detail": self.detail,
            "endpoint_config": self.deployment.endpoint_config if self.deployment else None,
        }


def follow(
    stage: Stage, run: Run, *, within_minutes: float, through_approval: bool, told: Callable[[str], None]
) -> Landing:
    """Wait until it is known whether the version of a promoted run serves.

    What SageMaker did is read from the ledger, as ConfirmDeployment compared it: SageMaker says InService after a
    rollback, too.

    Args:
        stage: Where.
        run: The run; it promoted a version.
        within_minutes: For the deployment, from now or from the approval on; longer than this is an answer, too.
        through_approval: Wait for the person who has to approve the version; without it, that ends the waiting.
        told: Takes the progress, a line at a time.
    """
    began, said = time.monotonic(), ""
    while True:
        # The registry first: a version that is approved and deployed in between is seen as deployed.
        approval = _approval(stage, run)
        landing = _known(stage, run, approval)
        if landing is not None:
            return landing
        if approval == _PENDING:
            words = f"version {run.version} waits for approval: `python -m ops approve {run.version}`"
            if not through_approval:
                return Landing(ending=Ending.WAITS_FOR_APPROVAL, outcome=Ending.WAITS_FOR_APPROVAL.value, detail=words)
            began = time.monotonic()
        else:
            words = _progress(stage, run)
            if time.monotonic() - began >= 60 * within_minutes:
                return _too_late(words, within_minutes)
        if words != said:
            told(words)
        said = words
        time.sleep(min(stage.target.poll_seconds, _LOOK_SECONDS))


def _approval(stage: Stage, run: Run) -> str | None:
    """Return what the registry says; None when the version was deleted from it."""
    package = registry.look_up(stage, run.package_arn) if run.package_arn else None
    return registry.approval(package) if package else None


def _known(stage: Stage, run: Run, approval: str | None) -> Landing | None:
    deployment = _newest(stage, run)
    if deployment is not None:
        return None if deployment.is_open else _settled(deployment)
    refusal = _refusal(stage, run)
    if refusal is not None:
        return Landing(ending=Ending.NOT_LIVE, outcome=refusal.outcome, detail=refusal.reason)
    if approval == registry.REJECTED:
        detail = f"version {run.version} was rejected in the registry before it was deployed"
        return Landing(ending=Ending.NOT_LIVE, outcome="rejected", detail=detail)
    if approval is None:
        detail = f"version {run.version} is not in the registry any more"
        return Landing(ending=Ending.NOT_LIVE, outcome="deleted", detail=detail)
    return None


def _too_late(words: str, minutes: float) -> Landing:
    detail = (
        f"{words}, and nothing else is known after {minutes:g} minutes: `python -m ops status` tells what serves; a "
        "request that nobody takes up lies in the deployment queue or its dead-letter queue, and the log of "
        "DeployModel says why"
    )
    return Landing(ending=Ending.NOT_LIVE, outcome="not_within_the_limit", detail=detail)


def _settled(deployment: Deployment) -> Landing:
    is_live = deployment.status is DeploymentStatus.LIVE
    return Landing(
        ending=Ending.LIVE if is_live else Ending.NOT_LIVE,
        outcome=deployment.status.value,
        detail=deployment.detail,
        deployment=deployment,
    )


def _newest(stage: Stage, run: Run) -> Deployment | None:
    deployments = stage.ledger.deployments_of(run.version) if run.version is not None else []
    return max(deployments, key=lambda each: each.sequence, default=None)


def _refusal(stage: Stage, run: Run) -> Decision | None:
    """Return why DeployModel did not deploy it: an incompatible contract, a newer version that is live, ..."""
    about = (each for each in stage.ledger.decisions(limit=_RECENT) if each.handler == _DEPLOYER)
    return next((each for each in about if each.subject == run.package_arn), None)


def _progress(stage: Stage, run: Run) -> str:
    deployment = _newest(stage, run)
    if deployment is None:
        return f"version {run.version} is promoted; its deployment starts by itself"
    how = f": {deployment.rollout}" if deployment.rollout else ""
    return f"version {run.version} is being deployed{how}"
