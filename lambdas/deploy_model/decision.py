"""What to do with a request for deployment: a pure function of registry, ledger and endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lambdas.deploy_model.events import Request
from lambdas.shared import clock
from lambdas.shared.compatibility import in_words
from lambdas.shared.contracts import Pairing
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
    fallback: Deployment | None = None
    """When a rejected version serves: the newest deployment before it that was live and is still approved."""
    pairing: Pairing | None = None
    """The version beside the application; read once the version would be deployed, if an application is on record."""

    @property
    def is_proven(self) -> bool:
        """Whether exactly this configuration has been live before."""
        return any(each.is_proven and each.endpoint_config == self.config for each in self.earlier)


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
    because_of: str = ""
    """What else it was decided on: a refusal is told once for each."""
    gives_up: Deployment | None = None
    """The deployment of this version that was requested already, and that SageMaker never got to know."""


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
class GoBack:
    """The version that serves was rejected: what was live before takes its place."""

    to: Deployment


@dataclass(frozen=True)
class GiveUp:
    """The version was rejected before SageMaker got to know of its deployment."""

    deployment: Deployment


@dataclass(frozen=True)
class Clear:
    """The endpoint could not be created and serves nobody; SageMaker only lets it be deleted."""


Plan = Nothing | Refuse | Wait | Deploy | Resume | GoBack | GiveUp | Clear


def decide(situation: Situation) -> Plan:
    """Decide what becomes of a request; never lets a late, duplicate or superseded one touch what serves."""
    return (
        _by_package(situation)
        or _by_approval(situation)
        or _by_contract(situation)
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
    match situation.approval:
        case "Approved":
            return None
        case "Rejected":
            return _by_rejection(situation)
        case _:
            return _not_approved(situation)


def _not_approved(situation: Situation) -> Plan:
    """Nothing comes of it; a person who asked for it has to know."""
    request, approval = situation.request, situation.approval
    if not request.asked:
        return Nothing(f"version {request.version} is {approval} and does not serve")
    if request.in_place_of is not None:
        return Wait(f"version {request.version} is {approval} since it was chosen: another one has to be found")
    return Refuse(
        "not_approved",
        f"Version {request.version} was not deployed",
        f"version {request.version} is {approval}, and only an approved version may serve",
        f"approve it (python -m ops approve {request.version}), then ask for it again.",
        because_of=request.id,
    )


def _by_rejection(situation: Situation) -> Plan:
    """A rejected version leaves the endpoint for the one before it."""
    version, live, newest = situation.request.version, situation.live, situation.newest
    if newest is not None and newest.is_open and newest.version == version:
        if situation.endpoint.is_in_progress or not _is_abandoned(newest):
            return Wait(f"version {version} was rejected while it is being deployed, which cannot be interrupted")
        return GiveUp(newest)
    if live is None or live.version != version:
        return _not_approved(situation)
    if situation.fallback is not None:
        return GoBack(situation.fallback)
    return Refuse(
        "rejected_in_use",
        f"Version {version} was rejected while it serves",
        f"model package version {version} was rejected in the registry, but no version that was live before is still "
        "approved; it keeps answering requests",
        "approve another version, or ask for one with python -m ops rollback --to VERSION.",
    )


def _by_contract(situation: Situation) -> Plan | None:
    """Whether the application that was delivered can work with the version, whoever asks for it."""
    request, pairing, newest = situation.request, situation.pairing, situation.newest
    if pairing is None or not pairing.objections:
        return None
    application, version = pairing.application, request.version
    reason = (
        f"version {version} and the application of commit {application.commit} do not speak the same contract: "
        f"{in_words(pairing.objections)}"
    )
    asked_by = request.id if request.asked else ""
    if request.in_place_of is not None:
        reason = f"version {request.in_place_of} was rejected and keeps answering requests, because {reason}"
        asked_by = f"{request.in_place_of}-{situation.live.sequence if situation.live else 0}"
    requested = newest is not None and newest.is_open and newest.endpoint_config == situation.config
    return Refuse(
        "incompatible",
        f"Version {version} cannot serve the application",
        reason,
        "do what the reason names on one of the two sides (docs/contract.md). Once an application that speaks the "
        f"version's contract is delivered: python -m ops rollback --to {version}.",
        because_of="-".join(part for part in (str(application.revision), asked_by) if part),
        gives_up=newest if requested else None,
    )


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
            "nothing, if it was overtaken; to go back to it on purpose: python -m ops rollback --to "
            f"{request.version}.",
        )
    for deployment in situation.earlier:
        may_retry = deployment.status is DeploymentStatus.FAILED and deployment.endpoint_config != situation.config
        if not deployment.is_open and not may_retry:
            return Refuse(
                "tried_before",
                f"Version {request.version} was not deployed again",
                f"version {request.version} was tried before and is {deployment.status}"
                + (f" ({deployment.detail})" if deployment.detail else ""),
                "nothing, if this was a late event; to try it once more: python -m ops rollback --to "
                f"{request.version}.",
            )
    return None


def _by_endpoint(situation: Situation) -> Plan:
    endpoint, newest = situation.endpoint, situation.newest
    if endpoint.is_in_progress:
        return Wait(f"the endpoint is {endpoint.status}")
    if newest is not None and newest.is_open:
        if not _is_abandoned(newest):
            return Wait(f"version {newest.version} was requested and is not started yet")
        return Deploy(abandoned=newest)
    if endpoint.status == FAILED:
        return Clear()
    if endpoint.status in {ABSENT, IN_SERVICE}:
        return Deploy()
    return Wait(f"the endpoint is {endpoint.status}, which only a person can repair")


def _is_abandoned(deployment: Deployment) -> bool:
    return deployment.requested_at + _ABANDONED_AFTER <= clock.now()
