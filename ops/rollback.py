"""Back to the version that was live before, or to any approved one by its name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambdas.shared.endpoints import look_at
from lambdas.shared.records import LiveModel
from ops import deployments, registry
from ops.deployments import Outcome
from ops.errors import NothingLiveError, OpsError
from ops.requests import ask_for_deployment
from ops.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is going to be asked for.

    Attributes:
        live: What the ledger holds for live; None when a named version is to be the first one.
        version: What is to serve instead.
        was_live: Whether that version has been live before.
        after: The newest deployment's sequence.
    """

    live: LiveModel | None
    version: int
    package_arn: str
    was_live: bool
    after: int

    @property
    def question(self) -> str:
        """What the operator is asked."""
        known = "was live before" if self.was_live else "has never been live and goes out like any new version"
        if self.live is None:
            return f"Nothing is live. Deploy version {self.version}?"
        if self.version == self.live.version:
            return f"The endpoint serves something else than version {self.version}. Deploy version {self.version}?"
        since = f"{self.live.since:%Y-%m-%d %H:%M} UTC"
        return f"Version {self.live.version} is live since {since}. Deploy version {self.version}, which {known}?"


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """A request for an earlier version, and what became of it; no outcome when nobody waited."""

    stage: Stage
    plan: Plan
    by: str
    reason: str
    message_id: str
    outcome: Outcome | None

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        ended = self.outcome.as_json() if self.outcome else {"outcome": "requested"}
        return {
            "project": self.stage.project,
            "environment": self.stage.environment,
            "from_version": self.plan.live.version if self.plan.live else None,
            "version": self.plan.version,
            "package_arn": self.plan.package_arn,
            "requested_by": self.by,
            "reason": self.reason,
            "message_id": self.message_id,
            **ended,
        }


def plan(stage: Stage, *, to: int | None) -> Plan:
    """Find out what a rollback would do; nothing is changed.

    Raises:
        NothingLiveError: Nothing is live, and no version is named.
        OpsError: There is nothing to go back to, or the named version cannot serve.
    """
    live = stage.ledger.live()
    if to is not None:
        return _to_named(stage, live, to)
    if live is None:
        raise NothingLiveError(
            f"nothing is live in {stage.name}, so there is nothing to go back from: `python -m ops status` says what "
            "is missing, --to VERSION deploys an approved version"
        )
    return _to_previous(stage, live)


def carry_out(
    stage: Stage, planned: Plan, *, by: str, reason: str | None, wait: bool, told: Callable[[str], None]
) -> Rollback:
    """Ask for the version; wait for the outcome if told so."""
    before = f"version {planned.live.version}" if planned.live else "nothing"
    reason = reason or f"rolled back from {before} to version {planned.version}"
    message_id = ask_for_deployment(stage, package_arn=planned.package_arn, reason=reason, by=by)
    outcome = deployments.follow(stage, planned.version, after=planned.after, told=told) if wait else None
    return Rollback(stage=stage, plan=planned, by=by, reason=reason, message_id=message_id, outcome=outcome)


def _to_previous(stage: Stage, live: LiveModel) -> Plan:
    deploying = deployments.under_way(stage)
    if deploying is not None:
        raise OpsError(
            f"version {deploying.version} is being deployed, and until its outcome is known nobody can say which "
            f"version came before: wait for it (`python -m ops status`), or name one: --to {live.version}"
        )
    found = deployments.candidates(stage, instead_of=live.version)
    if found.chosen is None:
        others = "; ".join(f"version {version} is {why}" for version, why in found.passed_over.items())
        why = f"no version that was live before may serve: {others}" if others else "no other version was ever live"
        raise OpsError(
            f"there is nothing to go back to from version {live.version}, {why}. Approve one (`python -m ops approve "
            "VERSION`), then name it: `python -m ops rollback --to VERSION`"
        )
    return Plan(
        live=live,
        version=found.chosen.version,
        package_arn=found.chosen.package_arn,
        was_live=True,
        after=deployments.newest_sequence(stage),
    )


def _to_named(stage: Stage, live: LiveModel | None, version: int) -> Plan:
    package = registry.describe(stage, version)
    hindrance = registry.hindrance(stage, package)
    if hindrance is not None:
        raise OpsError(f"version {version} cannot be deployed, it is {hindrance.what}: {hindrance.fix}")
    deploying = deployments.under_way(stage)
    if deploying is not None and deploying.version == version:
        raise OpsError(f"version {version} is being deployed already; `python -m ops status` tells how far it is")
    if live is not None and version == live.version and _serves(stage, live):
        raise OpsError(f"version {version} is live already, and the endpoint serves it: name another one with --to")
    return Plan(
        live=live,
        version=version,
        package_arn=package["ModelPackageArn"],
        was_live=any(each.is_proven for each in stage.ledger.deployments_of(version)),
        after=deployments.newest_sequence(stage),
    )


def _serves(stage: Stage, live: LiveModel) -> bool:
    """Whether the endpoint is what the ledger says; if somebody changed it, the live version may be deployed again."""
    return look_at(stage.target.sagemaker, stage.endpoint).serving == live.endpoint_config
