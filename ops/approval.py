"""What people decide about a version: approved it is deployed, rejected it is not, or not any longer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambdas.shared.records import Deployment, DeploymentStatus
from ops import deployments, registry
from ops.deployments import Candidates, Outcome
from ops.registry import APPROVED, REJECTED
from ops.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was decided about a version.

    Attributes:
        approval: Its approval status now.
        changed: False when it was so before.
        description: What the registry has on record: who and why.
        explanation: What follows from it, for people.
        still_serves: Whether a rejected version goes on answering requests, because nothing takes its place.
        outcome: What became of the deployment that takes a rejected live version's place, if somebody waited for it.
    """

    stage: Stage
    version: int
    package_arn: str
    approval: str
    changed: bool
    description: str | None
    explanation: str
    still_serves: bool = False
    outcome: Outcome | None = None

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        successor = self.outcome.deployment.version if self.outcome else None
        return {
            "project": self.stage.project,
            "environment": self.stage.environment,
            "version": self.version,
            "package_arn": self.package_arn,
            "approval": self.approval,
            "changed": self.changed,
            "description": self.description,
            "explanation": self.explanation,
            "still_serves": self.still_serves,
            "deployment": {"version": successor, **self.outcome.as_json()} if self.outcome else None,
        }


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """What a rejection would do.

    Attributes:
        is_live: Whether the version serves.
        replacement: What would take its place.
        deploying: The deployment under way, if any.
    """

    stage: Stage
    version: int
    package_arn: str
    is_live: bool
    replacement: Candidates
    deploying: Deployment | None
    after: int

    @property
    def successor(self) -> Deployment | None:
        """What takes the place of the version by itself when it is rejected now."""
        return self.replacement.chosen if self.is_live else None

    @property
    def consequence(self) -> str:
        """What happens then, in words."""
        version, deploying, before = self.version, self.deploying, self.replacement.chosen
        back = f"version {before.version}, which was live before, takes its place" if before else "nothing replaces it"
        if deploying is not None and deploying.version == version:
            return f"version {version} is being deployed, which cannot be interrupted: when it goes live, {back}"
        if not self.is_live:
            return f"version {version} does not serve: it will not be deployed"
        if deploying is not None:
            return f"version {version} is live; unless version {deploying.version}, being deployed, replaces it, {back}"
        if before is None:
            return f"version {version} is live and keeps answering requests: no version that was live before may serve"
        return f"version {version} is live: {back}"


def approve(stage: Stage, version: int, *, by: str, reason: str | None) -> Verdict:
    """Approve a version.

    Raises:
        OpsError: There is no such version.
    """
    package = registry.describe(stage, version)
    arn, changed = package["ModelPackageArn"], registry.approval(package) != APPROVED
    if changed:
        follows = _after_approval(stage, version)
        description: str | None = registry.decide(stage, arn, "Approved", by=by, reason=reason)
        explanation = f"version {version} is approved; {follows}"
    else:
        description = package.get("ApprovalDescription")
        explanation = f"version {version} was approved already, nothing changed; {_present(stage, version)}"
    return Verdict(
        stage=stage,
        version=version,
        package_arn=arn,
        approval=APPROVED,
        changed=changed,
        description=description,
        explanation=explanation,
    )


def plan_rejection(stage: Stage, version: int) -> Rejection | Verdict:
    """Find out what a rejection would do; nothing is changed. A version that is rejected already is an answer.

    Raises:
        OpsError: There is no such version.
    """
    package = registry.describe(stage, version)
    live, deploying = stage.ledger.live(), deployments.under_way(stage)
    is_live = live is not None and live.version == version
    if registry.approval(package) == REJECTED:
        serves = "; it still serves: `python -m ops rollback --to VERSION` replaces it" if is_live else ""
        return Verdict(
            stage=stage,
            version=version,
            package_arn=package["ModelPackageArn"],
            approval=REJECTED,
            changed=False,
            description=package.get("ApprovalDescription"),
            explanation=f"version {version} was rejected already, nothing changed{serves}",
            still_serves=is_live,
        )
    return Rejection(
        stage=stage,
        version=version,
        package_arn=package["ModelPackageArn"],
        is_live=is_live,
        replacement=deployments.candidates(stage, instead_of=version),
        deploying=deploying,
        after=deployments.newest_sequence(stage),
    )


def reject(rejection: Rejection, *, by: str, reason: str | None, wait: bool, told: Callable[[str], None]) -> Verdict:
    """Reject the version; when it was live, wait for what takes its place if told so."""
    stage, version, successor = rejection.stage, rejection.version, rejection.successor
    description = registry.decide(stage, rejection.package_arn, "Rejected", by=by, reason=reason)
    outcome = None
    if wait and successor is not None and rejection.deploying is None:
        told(f"version {version} is rejected; {rejection.consequence}")
        outcome = deployments.follow(stage, successor.version, after=rejection.after, told=told)
    follows = deployments.outcome_words(stage, outcome) if outcome else rejection.consequence
    return Verdict(
        stage=stage,
        version=version,
        package_arn=rejection.package_arn,
        approval=REJECTED,
        changed=True,
        description=description,
        explanation=f"version {version} is rejected; {follows}",
        still_serves=not outcome.is_live if outcome else rejection.is_live and successor is None,
        outcome=outcome,
    )


def _after_approval(stage: Stage, version: int) -> str:
    """Say what DeployModel makes of an approval: the same order of questions as there."""
    live = stage.ledger.live()
    if live is not None and live.version == version:
        return "it is live already"
    if live is not None and version < live.version:
        return f"it is older than the live version {live.version} and is not deployed by itself: {_by_name(version)}"
    tried = [each for each in stage.ledger.deployments_of(version) if not each.is_open]
    if tried:
        newest = max(tried, key=lambda each: each.sequence)
        ended = newest.status.value.replace("_", " ")
        before = "was live before" if newest.status is DeploymentStatus.LIVE else f"was deployed before and is {ended}"
        # After a failure, other settings make another configuration, which is tried.
        unless = ", unless the settings changed since" if newest.status is DeploymentStatus.FAILED else ""
        return f"it {before}, so it is not deployed by itself{unless}: {_by_name(version)}"
    return "its deployment starts by itself: `python -m ops status` follows it"


def _present(stage: Stage, version: int) -> str:
    live, deploying = stage.ledger.live(), deployments.under_way(stage)
    if live is not None and live.version == version:
        return "it is live"
    if deploying is not None and deploying.version == version:
        return "it is being deployed"
    return _by_name(version)


def _by_name(version: int) -> str:
    return f"`python -m ops rollback --to {version}` deploys it"
