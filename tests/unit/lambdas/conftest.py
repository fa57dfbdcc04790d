"""Fixtures of the handlers' tests: real embedded services, a stateful SageMaker, and a gate in front of all of them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import emulator
import pytest
from botocore.session import get_session
from sagemaker_in_memory import SageMaker, Wire
from standing_clock import Clock

from lambdas.shared import clients as handler_clients
from lambdas.shared import clock as handler_clock
from tests.unit.lambdas.support.gate import Gate
from tests.unit.lambdas.support.stage import Shared, Stage


@pytest.fixture(scope="session")
def embedded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with emulator.serve(tmp_path_factory.mktemp("embedded"), services="s3,dynamodb,sqs,sns,monitoring") as url:
        yield url


@pytest.fixture(scope="session")
def gate() -> Gate:
    return Gate()


@pytest.fixture(scope="session")
def wired(embedded_url: str, gate: Gate) -> tuple[Mapping[str, Any], Wire]:
    session = get_session()
    clients = {
        service: session.create_client(
            service,
            region_name="us-east-1",
            endpoint_url=embedded_url,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the embedded AWS takes any
        )
        for service in ("cloudwatch", "dynamodb", "s3", "sqs", "sns", "sagemaker")
    }
    wire = Wire(clients["sagemaker"])
    for client in clients.values():
        gate.watch(client)
    return clients, wire


@pytest.fixture(scope="session")
def shared(wired: tuple[Mapping[str, Any], Wire]) -> Shared:
    return Shared.create(wired[0])


@pytest.fixture
def new_stage(
    wired: tuple[Mapping[str, Any], Wire], shared: Shared, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Stage]:
    """Make a fresh stage; the handlers work in the one that was made last."""
    clients, wire = wired

    def make() -> Stage:
        clock = Clock()
        wire.account = SageMaker(clock)
        gate.disarm()
        stage = Stage(clients, shared=shared, sagemaker=wire.account, gate=gate, clock=clock)
        monkeypatch.setattr(handler_clock, "now", clock.now)
        monkeypatch.setattr(handler_clients, "_client", clients.__getitem__)
        # Switched off, Powertools never empties its list of metrics and flushes in the middle of an invocation.
        monkeypatch.delenv("POWERTOOLS_METRICS_DISABLED", raising=False)
        for name, value in stage.variables().items():
            monkeypatch.setenv(name, value)
        return stage

    return make


@pytest.fixture
def stage(new_stage: Callable[[], Stage]) -> Stage:
    return new_stage()
