"""Brings configurations into service: the first one, and each that follows, under its guardrails."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sandbox.sagemaker.endpoints.fleet import Fleet, FleetFactory
from sandbox.sagemaker.endpoints.guardrails import Guardrails, guardrails
from sandbox.sagemaker.endpoints.model_server import ServerError
from sandbox.sagemaker.endpoints.records import Endpoint, EndpointConfig, Pending, VariantStatus
from sandbox.sagemaker.endpoints.traffic import Traffic
from sandbox.sagemaker.names import reason
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.errors import AwsError
from sandbox.sagemaker.table import Table
from sandbox.watching import ringing, watch

_log = logging.getLogger(__name__)
_INTERNAL = "InternalServerError: We encountered an internal error.  Please try again."


class _RollbackError(Exception):
    """The deployment must be undone; the message is the FailureReason."""


class _ClosingError(Exception):
    """The service is being stopped."""


class Deployer:
    """Runs the deployments of all endpoints, each in a thread of its own.

    `tell` is called with an endpoint whenever its status has changed, `tell_progress` when a deployment has moved on.
    """

    def __init__(
        self,
        platform: Platform,
        *,
        table: Table[Endpoint],
        factory: FleetFactory,
        tell: Callable[[Endpoint], None],
        tell_progress: Callable[[Endpoint], None],
        drain_timeout: float,
    ) -> None:
        self._platform = platform
        self._table = table
        self._factory = factory
        self._tell = tell
        self._tell_progress = tell_progress
        self._drain_timeout = drain_timeout
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def create(self, endpoint: Endpoint, traffic: Traffic) -> None:
        """Start the first fleet."""
        self._in_thread(endpoint.name, lambda: self._create(endpoint, traffic))

    def update(
        self, endpoint: Endpoint, traffic: Traffic, config: EndpointConfig, *, deployment: Mapping[str, Any] | None
    ) -> None:
        """Replace the serving configuration, or keep it when the new one fails."""
        self._in_thread(endpoint.name, lambda: self._update(endpoint, traffic, config, deployment=deployment))

    def delete(self, endpoint: Endpoint, traffic: Traffic, *, then: Callable[[], None]) -> None:
        """Stop the fleet, then call `then`."""

        def work() -> None:
            fleet = traffic.switch(None)
            if fleet is not None:
                fleet.drain_and_stop(self._drain_timeout)
            then()

        self._in_thread(endpoint.name, work)

    def close(self) -> None:
        """Abandon the deployments under way."""
        self._closing.set()
        self._factory.abandon()
        for thread in self._threads:
            thread.join(timeout=10)

    def _in_thread(self, name: str, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except _ClosingError:
                _log.info("the deployment of endpoint %s ends with the sandbox", name)
            except Exception:  # noqa: BLE001 - the last frame of the thread: the endpoint must not stay in progress
                _log.exception("the deployment of endpoint %s broke inside the sandbox", name)
                self._settle(name, status="Failed", failure_reason=_INTERNAL)

        thread = threading.Thread(target=guarded, name=f"endpoint-{name}", daemon=True)
        self._threads = [*(running for running in self._threads if running.is_alive()), thread]
        thread.start()

    def _settle(self, name: str, *, status: str, failure_reason: str | None = None, **changes: Any) -> None:
        endpoint = self._table.change(
            name,
            status=status,
            failure_reason=reason(failure_reason),
            pending=None,
            modified=self._platform.clock.now(),
            **changes,
        )
        self._tell(endpoint)

    def _create(self, endpoint: Endpoint, traffic: Traffic) -> None:
        try:
            fleet = self._launch(endpoint.name, endpoint.config)
        except _RollbackError as error:
            self._settle(endpoint.name, status="Failed", failure_reason=str(error))
            return
        traffic.switch(fleet)
        self._settle(endpoint.name, status="InService")

    def _launch(self, name: str, config: EndpointConfig) -> Fleet:
        try:
            fleet = self._factory.launch(name, config)
        except ServerError as error:
            if self._closing.is_set():
                raise _ClosingError from error
            raise _RollbackError(str(error)) from error
        except AwsError as error:
            raise _RollbackError(error.message) from error
        if self._closing.is_set():
            fleet.drain_and_stop(0.0)
            raise _ClosingError
        return fleet

    def _update(
        self, endpoint: Endpoint, traffic: Traffic, config: EndpointConfig, *, deployment: Mapping[str, Any] | None
    ) -> None:
        instances = sum(variant.get("InitialInstanceCount", 1) for variant in config.variants)
        rails = guardrails(deployment, instances=instances)
        self._progress(endpoint.name, "Creating", f"Launching {instances} instance(s).")
        fleet: Fleet | None = None
        try:
            fleet = self._launch(endpoint.name, config)
            self._shift(endpoint.name, traffic, fleet, rails=rails)
        except _RollbackError as error:
            self._roll_back(endpoint.name, traffic, fleet, why=str(error))
            return
        except _ClosingError:
            if fleet is not None:
                fleet.drain_and_stop(0.0)
            raise
        before = traffic.switch(fleet)
        self._table.change(endpoint.name, config=config)
        if before is not None:
            before.drain_and_stop(self._drain_timeout)
        self._settle(endpoint.name, status="InService", deployment=deployment)

    def _roll_back(self, name: str, traffic: Traffic, fleet: Fleet | None, *, why: str) -> None:
        """Serve with the old fleet alone; AWS then says InService again, with the old configuration."""
        traffic.unsplit()
        rolling_back = self._table.change(name, status="RollingBack", modified=self._platform.clock.now())
        self._tell(rolling_back)
        if fleet is not None:
            fleet.drain_and_stop(self._drain_timeout)
        self._settle(name, status="InService", failure_reason=why)

    def _shift(self, name: str, traffic: Traffic, fleet: Fleet, *, rails: Guardrails) -> None:
        started = self._platform.clock.now()
        role = next(iter(fleet.servers.values())).model.role_arn

        def check() -> None:
            seconds = (self._platform.clock.now() - started).total_seconds()
            if rails.maximum_time is not None and seconds > rails.maximum_time:
                raise _RollbackError(
                    f"The deployment exceeded its MaximumExecutionTimeoutInSeconds of {rails.maximum_time}."
                )
            self._check_alarms(rails, role_arn=role)

        for shift in rails.shifts:
            where = f"{shift.capacity} capacity of {round(shift.share * 100)} percent"
            self._progress(name, "ActivatingTraffic", f"Activating traffic on {where}.", share=shift.share)
            traffic.split(fleet, shift.share)
            if shift.bake:
                message = (
                    f"Baking for {shift.bake:.0f} seconds (WaitIntervalInSeconds) with traffic enabled on {where}."
                )
                self._progress(name, "Baking", message, share=shift.share)
            self._wait(shift.bake, check)
        if rails.termination_wait:
            message = (
                f"Baking for {rails.termination_wait:.0f} seconds (TerminationWaitInSeconds) with traffic enabled on "
                "full capacity."
            )
            self._progress(name, "Baking", message, share=1.0)
            self._wait(rails.termination_wait, check)

    def _check_alarms(self, rails: Guardrails, *, role_arn: str) -> None:
        if found := ringing(self._platform.client("cloudwatch", role_arn=role_arn), rails.alarms):
            raise _RollbackError(f"Deployment was rolled back: these alarms are in ALARM state: {', '.join(found)}.")

    def _wait(self, seconds: float, check: Callable[[], None]) -> None:
        if not watch(self._platform.clock, seconds, check=check, closing=self._closing):
            raise _ClosingError

    def _progress(self, name: str, status: str, message: str, *, share: float = 0.0) -> None:
        with self._table.lock:
            endpoint = self._table.get(name)
            if endpoint is None or endpoint.pending is None:
                return
            stage = VariantStatus(status=status, message=message, started=self._platform.clock.now())
            pending: Pending = replace(endpoint.pending, status=stage, share=share)
            endpoint = self._table.change(name, pending=pending)
        self._tell_progress(endpoint)
