"""Settles the newest deployment by what the endpoint serves, and notices changes that nobody asked Tandem for."""

import hashlib

from lambdas.confirm_deployment.environment import ConfirmDeploymentEnvironment
from lambdas.confirm_deployment.events import EndpointStateChange
from lambdas.confirm_deployment.tidying import Tidier
from lambdas.shared import clients, clock, ledger
from lambdas.shared.confirmation import Confirmer
from lambdas.shared.endpoints import Endpoint, look_at
from lambdas.shared.errors import ConflictError, NotYetError, UnexpectedEventError
from lambdas.shared.ledger import Ledger
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import Decision, LiveModel
from lambdas.shared.registry_stages import RegistryStages
from lambdas.shared.telemetry import count, logger

HANDLER = "confirm-deployment"


class DeploymentConfirmer:
    """Compares endpoint and ledger."""

    def __init__(self, environment: ConfirmDeploymentEnvironment) -> None:
        self._environment = environment
        self._sagemaker = clients.sagemaker()
        self._ledger = Ledger(clients.dynamodb(), table=environment.ledger_table)
        self._notifier = Notifier(clients.sns(), topic_arn=environment.notification_topic_arn, stage=environment.stage)
        self._confirmer = Confirmer(ledger=self._ledger, notifier=self._notifier)
        self._registry = RegistryStages(self._sagemaker, self._ledger, stage=environment.environment)
        self._tidier = Tidier(self._sagemaker, self._ledger, keep=environment.keep_deployments)

    def confirm(self, change: EndpointStateChange) -> None:
        """Look at the endpoint and record what it shows.

        Raises:
            NotYetError: an outcome was announced, but SageMaker still shows work in progress.
            UnexpectedEventError: the event is about another endpoint.
            ConflictError: the ledger did not take the outcome; the message is delivered again.
        """
        endpoint_name = change.detail.endpoint_name
        # Events spell the name as it was typed at creation; endpoint names are not case sensitive.
        if endpoint_name.lower() != self._environment.endpoint_name.lower():
            raise UnexpectedEventError(
                f"endpoint {endpoint_name!r} is not {self._environment.endpoint_name!r}: the rule is wrong"
            )
        # The ledger first: a deployment requested after this look at the ledger is not judged by an older endpoint.
        newest = self._ledger.newest_deployment()
        endpoint = look_at(self._sagemaker, self._environment.endpoint_name)
        if change.is_ahead_of(endpoint):
            raise NotYetError(f"endpoint {endpoint.name} is {endpoint.status}: waiting for another delivery")
        if endpoint.is_in_progress:
            logger.info("nothing to confirm yet", status=endpoint.status)
            return
        if newest is not None and newest.is_open:
            self._confirmer.settle(newest, endpoint)
        else:
            self._compare_with_live(endpoint)
        # Also when the outcome was on record already: whoever recorded it may not have come so far.
        self._registry.agree(self._ledger.live())
        self._tidier.tidy(endpoint)

    def _compare_with_live(self, endpoint: Endpoint) -> None:
        live = self._ledger.live()
        if live is None or endpoint.serving == live.endpoint_config:
            return
        serving = endpoint.serving or "nothing"
        decision = Decision(
            at=live.since,
            identity=hashlib.sha256(f"{serving} {endpoint.modified_at}".encode()).hexdigest()[:16],
            handler=HANDLER,
            outcome="changed_by_hand",
            reason=f"the endpoint serves {serving}, the ledger says {live.endpoint_config}",
            subject=endpoint.name,
        )
        if self._ledger.has_decision(decision):
            return
        self._tell(endpoint, live, serving=serving)
        count("EndpointChangedByHand")
        try:
            self._ledger.commit(ledger.put_decision(decision))
        except ConflictError:
            logger.info("recorded by somebody else", at=clock.iso(decision.at))

    def _tell(self, endpoint: Endpoint, live: LiveModel, *, serving: str) -> None:
        self._notifier.tell(
            "The endpoint was changed by hand",
            text="What serves is not what Tandem deployed last.",
            facts={
                "endpoint": endpoint.name,
                "serves": serving,
                "deployed by Tandem": live.endpoint_config,
                "version in the ledger": live.version,
            },
            action="find out who changed it; to restore it: python -m ops rollback --to VERSION.",
        )
