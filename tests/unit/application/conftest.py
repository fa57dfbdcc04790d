"""Fixtures of the application's tests: embedded services for its state, a server on loopback for its endpoint."""

from collections.abc import Iterator

import emulator
import pytest

from tests.unit.application.support.endpoint import EndpointServer, serving
from tests.unit.application.support.world import World


@pytest.fixture(scope="session")
def embedded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with emulator.serve(tmp_path_factory.mktemp("embedded"), services="s3,dynamodb") as url:
        yield url


@pytest.fixture
def endpoint() -> Iterator[EndpointServer]:
    with serving() as server:
        yield server


@pytest.fixture
def world(embedded_url: str, endpoint: EndpointServer) -> World:
    return World(embedded_url, endpoint)
