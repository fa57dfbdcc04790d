"""Settles a requested deployment by what the endpoint serves.

Used by ConfirmDeployment, and by DeployModel before it requests the next one.
SageMaker rolls a failed update back by itself and then reports ``InService`` on the old configuration (page "Use
auto-rollback with canary deployments"), so the status alone proves nothing: the configuration is compared.
"""

from dataclasses import dataclass

from lambdas.shared import clock, ledger
from lambdas.shared.endpoints import FAILED, IN_SERVICE, Endpoint
from lambdas.shared.errors import ConflictError
from lambdas.shared.ledger import Ledger
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import Deployment, DeploymentStatus, LiveModel
from lambdas.shared.telemetry import count, logger

_HALF_UPDATED = "UpdateRollbackFailed"


@dataclass(frozen=True)
class Outcome:
    """What became of a deployment, and how we know."""

    status: DeploymentStatus
    detail: str | None = None


def judge(deployment: Deployment, endpoint: Endpoint) -> Outcome | None:
    """Compare what serves with what was asked (pure); ``None`` as long as nothing is certain."""
    if not deployment.is_open or endpoint.is_in_progress:
        return None
    if endpoint.status == IN_SERVICE and endpoint.serving == deployment.endpoint_config:
        return Outcome(DeploymentStatus.LIVE)
    if endpoint.modified_at == deployment.endpoint_modified_at:
        return None  # the update has not been accepted yet: this is still the endpoint from before the request
    if endpoint.status == IN_SERVICE:
        why = f": {endpoint.failure}" if endpoint.failure else ""
        return Outcome(DeploymentStatus.ROLLED_BACK, f"the endpoint is back on {endpoint.serving}{why}")
    if endpoint.status in {FAILED, _HALF_UPDATED}:
        why = endpoint.failure or "SageMaker gave no reason"
        return Outcome(DeploymentStatus.FAILED, f"the endpoint is {endpoint.status}: {why}")
    return None


class Confirmer:
    """Writes the outcome of deployments into the ledger and tells people."""

    def __init__(self, *, ledger: Ledger, notifier: Notifier) -> None:
        self._ledger = ledger
        self._notifier = notifier

    def settle(self, deployment: Deployment, endpoint: Endpoint) -> None:
        """Record the outcome if it is known; a deployment that was settled before is left alone.

        Raises:
            ConflictError: the ledger did not take it, and nobody else has settled it either.
        """
        outcome = judge(deployment, endpoint)
        if outcome is None:
            return
        confirmed_at = clock.now()
        settled = deployment.model_copy(
            update={"status": outcome.status, "confirmed_at": confirmed_at, "detail": outcome.detail}
        )
        # Told before it is recorded: a crash in between repeats the message, the other order could lose it.
        _tell(self._notifier, settled, endpoint)
        writes = [ledger.put_deployment(settled, seen=deployment)]
        if outcome.status is DeploymentStatus.LIVE:
            writes.append(
                ledger.put_live(
                    LiveModel(
                        version=settled.version,
                        package_arn=settled.package_arn,
                        endpoint_config=settled.endpoint_config,
                        since=confirmed_at,
                        by=settled.requested_by,
                        sequence=settled.sequence,
                        run_id=settled.run_id,
                    )
                )
            )
        try:
            self._ledger.commit(*writes)
        except ConflictError:
            # Also a transaction that only met another one on the same item is cancelled (page "TransactWriteItems").
            if self._is_open(deployment):
                raise
            logger.info("the deployment was settled by somebody else", deployment=settled.endpoint_config)
        else:
            count(f"Deployments{outcome.status.title().replace('_', '')}")

    def _is_open(self, deployment: Deployment) -> bool:
        newest = self._ledger.newest_deployment()
        return newest is not None and newest.is_open and newest.sequence == deployment.sequence


def _tell(notifier: Notifier, deployment: Deployment, endpoint: Endpoint) -> None:
    facts = {
        "endpoint": endpoint.name,
        "asked for": deployment.endpoint_config,
        "serves": endpoint.serving,
        "package": deployment.package_arn,
        "run": deployment.run_id,
        "requested by": deployment.requested_by,
        "before": f"version {deployment.previous_version}" if deployment.previous_version else None,
    }
    version = deployment.version
    match deployment.status:
        case DeploymentStatus.LIVE:
            headline, text = f"Version {version} is live", "The endpoint serves the requested configuration."
            action = "nothing."
        case DeploymentStatus.ROLLED_BACK:
            headline = f"Version {version} was rolled back"
            text = f"SageMaker undid the update; {deployment.detail}. The version is not deployed again by itself."
            action = "find out what the new version got wrong (alarms, endpoint log) and train or approve a better one."
        case _:
            headline = f"Deployment of version {version} failed"
            text = f"Nothing reliable serves now: {deployment.detail}."
            action = (
                "read the endpoint's log, remove the cause, then approve another version or ask for this one again. "
                "An endpoint in UpdateRollbackFailed has to be repaired by hand (page 'Rolling deployments')."
            )
    notifier.tell(headline, text=text, facts=facts, action=action)
