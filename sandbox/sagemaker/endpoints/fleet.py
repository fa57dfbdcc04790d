"""The model servers of one endpoint configuration, started and stopped together."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sandbox.sagemaker.endpoints.model_server import ModelServer, Place, ServerError
from sandbox.sagemaker.endpoints.records import EndpointConfig, Model
from sandbox.sagemaker.logs import LogShipper
from sandbox.sagemaker.platform import Platform


@dataclass(frozen=True)
class Fleet:
    """One server for each variant; the instance count of a variant is reported, never multiplied on one machine."""

    config: EndpointConfig
    servers: dict[str, ModelServer]

    def weights(self) -> dict[str, float]:
        """How the traffic is divided between the variants."""
        return {variant["VariantName"]: variant.get("InitialVariantWeight", 1.0) for variant in self.config.variants}

    def drain_and_stop(self, timeout: float) -> None:
        """Let the servers finish what they have, then end them."""
        for server in self.servers.values():
            server.drain(timeout)
            server.stop()


class FleetFactory:
    """Launches fleets; `models` finds a model by name."""

    def __init__(
        self, platform: Platform, *, models: Callable[[str], Model], logs: LogShipper, health_check_timeout: float
    ) -> None:
        self._platform = platform
        self._models = models
        self._logs = logs
        self._health_check_timeout = health_check_timeout
        self._launching: set[ModelServer] = set()

    def abandon(self) -> None:
        """End the servers that are not healthy yet; their launch fails then."""
        for server in list(self._launching):
            server.stop()

    def launch(self, endpoint: str, config: EndpointConfig) -> Fleet:
        """Start a server for every variant and wait until all are healthy.

        Raises:
            ServerError: when one is not; none keeps running then.
        """
        servers = {}
        for variant in config.variants:
            place = Place(endpoint=endpoint, variant=variant["VariantName"], instance_type=variant["InstanceType"])
            model = self._models(variant["ModelName"])
            servers[place.variant] = ModelServer(
                self._platform, model=model, config=config, place=place, logs=self._logs
            )
        timeouts = {
            variant["VariantName"]: float(
                variant.get("ContainerStartupHealthCheckTimeoutInSeconds", self._health_check_timeout)
            )
            for variant in config.variants
        }
        self._launching.update(servers.values())
        try:
            with ThreadPoolExecutor(max_workers=len(servers)) as pool:
                for _ in pool.map(lambda name: _bring_up(servers[name], timeouts[name]), servers):
                    pass
        except ServerError:
            for server in servers.values():
                server.stop()
            raise
        finally:
            self._launching.difference_update(servers.values())
        return Fleet(config=config, servers=servers)


def _bring_up(server: ModelServer, timeout: float) -> None:
    server.start()
    server.await_healthy(timeout)
