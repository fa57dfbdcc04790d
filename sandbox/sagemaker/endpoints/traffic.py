"""Which server gets a request: the variant by its weight, the fleet by the share of a deployment under way."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.sagemaker.endpoints.fleet import Fleet
from sandbox.sagemaker.endpoints.model_server import ModelServer


class UnknownVariantError(LookupError):
    """The request asks for a variant that the endpoint does not have."""


class Traffic:
    """The fleets of one endpoint; a request that has its server keeps it, whatever is switched meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: Fleet | None = None
        self._new: Fleet | None = None
        self._share = 0.0
        self._random = random.Random()  # noqa: S311 - the choice of a fleet is no secret

    def switch(self, fleet: Fleet | None) -> Fleet | None:
        """Give all traffic to a fleet (or to none); the one before, which may still be answering, is returned."""
        with self._lock:
            before, self._current, self._new, self._share = self._current, fleet, None, 0.0
            return before

    def split(self, new: Fleet, share: float) -> None:
        """Give the share (0 to 1) of the traffic to the new fleet and the rest to the current one."""
        with self._lock:
            self._new, self._share = new, share

    def unsplit(self) -> None:
        """Give all traffic back to the current fleet."""
        with self._lock:
            self._new, self._share = None, 0.0

    def images(self) -> dict[str, str]:
        """The image of each variant that serves."""
        with self._lock:
            servers = self._current.servers if self._current else {}
            return {name: server.model.container.image for name, server in servers.items()}

    @contextmanager
    def server(self, target_variant: str | None) -> Iterator[ModelServer | None]:
        """The server for one request, counted as busy until the block ends; None when nothing serves."""
        with self._lock:
            server = self._choose(target_variant)
            if server is not None:
                server.acquire()
        try:
            yield server
        finally:
            if server is not None:
                server.release()

    def _choose(self, target_variant: str | None) -> ModelServer | None:
        fleet = self._new if self._new is not None and self._random.random() < self._share else self._current
        if fleet is None:
            return None
        if target_variant is not None:
            if target_variant not in fleet.servers:
                raise UnknownVariantError(target_variant)
            return fleet.servers[target_variant]
        weights = fleet.weights()
        if len(weights) == 1 or not sum(weights.values()):
            return next(iter(fleet.servers.values()))
        return fleet.servers[self._random.choices(list(weights), weights=list(weights.values()))[0]]
