"""The operations on endpoints."""

from collections.abc import Callable
from typing import Any

from sandbox.sagemaker.endpoints import views
from sandbox.sagemaker.endpoints.deployment import Deployer
from sandbox.sagemaker.endpoints.fleet import FleetFactory
from sandbox.sagemaker.endpoints.records import Endpoint, EndpointConfig, Model, Pending, VariantStatus
from sandbox.sagemaker.endpoints.traffic import Traffic
from sandbox.sagemaker.events import Events
from sandbox.sagemaker.listing import listed
from sandbox.sagemaker.logs import LogShipper
from sandbox.sagemaker.names import arn
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.dispatch import Answer, Operation, Request
from sandbox.sagemaker.protocol.errors import validation
from sandbox.sagemaker.settings import Settings
from sandbox.sagemaker.table import Table
from sandbox.sagemaker.tags import Tags


class Endpoints:
    """The endpoints; `configs` and `models` find what an endpoint is made of, by name."""

    def __init__(
        self,
        platform: Platform,
        settings: Settings,
        *,
        tags: Tags,
        events: Events,
        logs: LogShipper,
        configs: Callable[[str], EndpointConfig],
        models: Callable[[str], Model],
    ) -> None:
        self._platform = platform
        self._tags = tags
        self._events = events
        self._configs = configs
        self._table: Table[Endpoint] = Table(any_case=True)
        self._traffic: dict[str, Traffic] = {}
        factory = FleetFactory(platform, models=models, logs=logs, health_check_timeout=settings.health_check_timeout)
        self._deployer = Deployer(
            platform,
            table=self._table,
            factory=factory,
            tell=self._tell,
            tell_progress=self._tell_progress,
            drain_timeout=settings.drain_timeout,
        )

    def operations(self) -> dict[str, Operation]:
        """The operations by their AWS names."""
        return {
            "CreateEndpoint": self._create,
            "UpdateEndpoint": self._update,
            "DescribeEndpoint": self._describe,
            "ListEndpoints": self._list,
            "DeleteEndpoint": self._delete,
        }

    def find(self, name: str) -> tuple[Endpoint, Traffic] | None:
        """The endpoint and its traffic, for an invocation; None when there is no such endpoint."""
        with self._table.lock:
            endpoint = self._table.get(name)
            # AWS's page "CreateEndpoint": any case names the endpoint, but an invocation must name it exactly.
            return None if endpoint is None or endpoint.name != name else (endpoint, self._traffic[name])

    def close(self) -> None:
        """Stop all fleets."""
        self._deployer.close()
        for traffic in list(self._traffic.values()):
            fleet = traffic.switch(None)
            if fleet is not None:
                fleet.drain_and_stop(1.0)

    def _existing(self, request: Request) -> Endpoint:
        name = request["EndpointName"]
        endpoint = self._table.get(name)
        if endpoint is None:
            raise validation(f'Could not find endpoint "{arn(self._platform, "endpoint", name)}".')
        return endpoint

    def _create(self, request: Request) -> Answer:
        name, now = request["EndpointName"], self._platform.clock.now()
        endpoint = Endpoint(
            name=name,
            arn=arn(self._platform, "endpoint", name),
            config=self._configs(request["EndpointConfigName"]),
            created=now,
            modified=now,
        )
        with self._table.lock:
            if not self._table.add(name, endpoint):
                raise validation(f'Cannot create already existing endpoint "{endpoint.arn}".')
            self._traffic[name] = Traffic()
        self._tags.create(endpoint.arn, request.get("Tags"))
        self._tell(endpoint)
        self._deployer.create(endpoint, self._traffic[name])
        return {"EndpointArn": endpoint.arn}

    def _update(self, request: Request) -> Answer:
        with self._table.lock:
            endpoint = self._existing(request)
            if endpoint.status == "Failed":
                raise validation(f'Cannot update endpoint "{endpoint.arn}" that failed; delete it.')
            if endpoint.status != "InService":
                raise validation(f'Cannot update in-progress endpoint "{endpoint.arn}".')
            config, now = self._configs(request["EndpointConfigName"]), self._platform.clock.now()
            self._check_guardrails(endpoint, config, request)
            deployment = request.get("DeploymentConfig")
            if deployment is None and request.get("RetainDeploymentConfig"):
                deployment = endpoint.deployment
            stage = VariantStatus(status="Creating", message="Launching instance(s).", started=now)
            endpoint = self._table.change(
                endpoint.name,
                status="Updating",
                failure_reason=None,
                modified=now,
                pending=Pending(config=config, started=now, status=stage),
            )
        self._tell(endpoint)
        self._deployer.update(endpoint, self._traffic[endpoint.name], config, deployment=deployment)
        return {"EndpointArn": endpoint.arn}

    @staticmethod
    def _check_guardrails(endpoint: Endpoint, config: EndpointConfig, request: Request) -> None:
        """Guardrails compare a variant with itself (AWS's page "Deployment guardrails": prerequisites)."""
        if not request.get("DeploymentConfig"):
            return
        before = {variant["VariantName"] for variant in endpoint.config.variants}
        after = {variant["VariantName"] for variant in config.variants}
        if before != after:
            raise validation(
                "With a DeploymentConfig the variant names must stay the same: "
                f"{sorted(before)} would become {sorted(after)}."
            )

    def _describe(self, request: Request) -> Answer:
        with self._table.lock:
            endpoint = self._existing(request)
            return views.describe(endpoint, images=self._traffic[endpoint.name].images())

    def _list(self, request: Request) -> Answer:
        rows = [views.row(endpoint, number) for number, endpoint in enumerate(self._table.all())]
        page, token = listed(rows, request, descending=True)
        return {"Endpoints": page, "NextToken": token}

    def _delete(self, request: Request) -> Answer:
        with self._table.lock:
            endpoint = self._existing(request)
            if endpoint.status not in ("InService", "Failed"):
                raise validation(f'Cannot update in-progress endpoint "{endpoint.arn}".')
            endpoint = self._table.change(endpoint.name, status="Deleting", modified=self._platform.clock.now())
        self._tell(endpoint)
        self._deployer.delete(endpoint, self._traffic[endpoint.name], then=lambda: self._forget(endpoint))
        return {}

    def _forget(self, endpoint: Endpoint) -> None:
        with self._table.lock:
            self._table.remove(endpoint.name)
            self._traffic.pop(endpoint.name)
        self._tags.forget(endpoint.arn)

    def _tell(self, endpoint: Endpoint) -> None:
        self._emit("SageMaker Endpoint State Change", endpoint, leave_out="PendingDeploymentSummary")

    def _tell_progress(self, endpoint: Endpoint) -> None:
        self._emit("SageMaker Endpoint Deployment State Change", endpoint)

    def _emit(self, detail_type: str, endpoint: Endpoint, *, leave_out: str = "") -> None:
        detail: dict[str, Any] = dict(views.event_detail(endpoint, tags=self._tags.of(endpoint.arn)))
        detail.pop(leave_out, None)
        self._events.emit(detail_type, detail=detail, resources=[endpoint.arn])
