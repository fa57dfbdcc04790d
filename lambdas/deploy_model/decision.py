"""What to do with a request for deployment: a pure function of registry, ledger and endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lambdas.deploy_model.events import Request
from lambdas.shared import clock
from lambdas.shared.endpoints import ABSENT, FAILED, IN_SERVICE, Endpoint
from lambdas.shared.records import Deployment, DeploymentStatus, LiveModel

# Longer than any invocation lasts: a requested deployment that was not started by then is nobody's any more.
_ABANDONED_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Situation:
    """Everything the decision looks at."""

    request: Request
    package_status: str
    approval: str
    """The package's approval status now (the event may be late)."""
    config: str
    """Name of the endpoint configuration that this deployment would use."""
    endpoint: Endpoint
    live: LiveModel | None
    newest: Deployment | None
    """The deployment that was requested last."""
    earlier: Sequence[Deployment]
    """Deployments of the same version."""
    handled: bool = False
    """Whether a person's request with this id was taken up before."""


@dataclass(frozen=True)
class Nothing:
    """Nothing to do."""

    reason: str


@dataclass(frozen=True)
class Refuse:
    """Not done on purpose; recorded, and people are told."""

    kind: str
    headline: str
    reason: str
    action: str


@dataclass(frozen=True)
class Wait:
    """Not possible now; the message comes back later."""

    reason: str


@dataclass(frozen=True)
class Deploy:
    """Request the deployment, then create or update the endpoint. ``abandoned`` gives way to it."""

    abandoned: Deployment | None = None


@dataclass(frozen=True)
class Resume:
    """The deployment is requested, but SageMaker never got to know."""

    deployment: Deployment


@dataclass(frozen=True)
class Clear:
    """The endpoint could not be created and serves nobody; SageMaker only lets it be deleted."""


Plan = Nothing | Refuse | Wait | Deploy | Resume | Clear


def decide(situation: Situation) -> Plan:
    """Decide what becomes of a request; never lets a late, duplicate or superseded one touch what serves."""
    return (
        _by_package(situation)
        or _by_approval(situation)
        or _by_own_progress(situation)
        or _by_history(situation)
        or _by_endpoint(situation)
    )


def _by_package(situation: Situation) -> Plan | None:
    version, status = situation.request.version, situation.package_status
    if status == "Completed":
        return None
    if status in {"Pending", "InProgress"}:
        return Wait(f"model package version {version} is {status}")
    return Refuse(
        "package_unusable",
        f"Version {version} cannot be deployed",
        f"model package version {version} is {status}",
        "register the model again.",
    )


def _by_approval(situation: Situation) -> Plan | None:
    version, live, newest = situation.request.version, situation.live, situation.newest
    if situation.approval == "Approved":
        return None
    if situation.approval != "Rejected":
        return Nothing(f"version {version} is {situation.approval}")
    serves = live is not None and live.version == version
    if serves or (newest is not None and newest.is_open and newest.version == version):
        return Refuse(
            "rejected_in_use",
            f"Version {version} was rejected while it {'serves' if serves else 'is being deployed'}",
            f"model package version {version} was rejected in the registry, but nothing else was put in its place; "
            "it keeps answering requests",
            "decide whether to go back: approve a newer version, or send a Deployment Requested message for an "
            "earlier approved one.",
        )
    return Nothing(f"version {version} is rejected and does not serve")


def _by_own_progress(situation: Situation) -> Plan | None:
    """Whether this very deployment is under way already."""
    newest, endpoint, config = situation.newest, situation.endpoint, situation.config
    if newest is not None and newest.is_open and newest.endpoint_config == config:
        if endpoint.is_on(config) and endpoint.status != FAILED:
            return Nothing(f"version {newest.version} is being deployed already")
        if endpoint.is_in_progress:
            return Wait(f"the endpoint is {endpoint.status}")
        return Resume(newest)
    if situation.handled:
        return Nothing("this request was served before")
    if endpoint.status == IN_SERVICE and endpoint.serving == config:
        return Nothing(f"version {situation.request.version} serves already")
    return None


def _by_history(situation: Situation) -> Plan | None:
    request, live = situation.request, situation.live
    if request.asked:
        return None
    if live is not None and request.version == live.version:
        return Nothing(f"version {request.version} is live already; settings reach the endpoint with the next version")
    if live is not None and request.version < live.version:
        return Refuse(
            "superseded",
            f"Version {request.version} was not deployed",
            f"version {request.version} is older than the live version {live.version}",
            "nothing, if it was overtaken; to go back to it on purpose, send a Deployment Requested message for it.",
        )
    for deployment in situation.earlier:
        may_retry = deployment.status is DeploymentStatus.FAILED and deployment.endpoint_config != situation.config
        if not deployment.is_open and not may_retry:
            return Refuse(
                "tried_before",
                f"Version {request.version} was not deployed again",
                f"version {request.version} was tried before and is {deployment.status}"
                + (f" ({deployment.detail})" if deployment.detail else ""),
                "nothing, if this was a late event; to try it once more, send a Deployment Requested message for it.",
            )
    return None


def _by_endpoint(situation: Situation) -> Plan:
    endpoint, newest = situation.endpoint, situation.newest
    if endpoint.is_in_progress:
        return Wait(f"the endpoint is {endpoint.status}")
    if newest is not None and newest.is_open:
        if newest.requested_at + _ABANDONED_AFTER > clock.now():
            return Wait(f"version {newest.version} was requested and is not started yet")
        return Deploy(abandoned=newest)
    if endpoint.status == FAILED:
        return Clear()
    if endpoint.status in {ABSENT, IN_SERVICE}:
        return Deploy()
    return Wait(f"the endpoint is {endpoint.status}, which only a person can repair")
