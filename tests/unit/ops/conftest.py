"""A stage to ask about, in an embedded AWS of its own."""

from collections.abc import Iterator

import pytest

from sandbox.server import Sandbox
from tests.unit.ops.support.desk import Desk
from tests.unit.ops.support.workshop import Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with Sandbox(tmp_path_factory.mktemp("ops") / "state") as sandbox:
        yield Workshop(sandbox)


@pytest.fixture
def desk(workshop: Workshop) -> Desk:
    """A stage of its own, deployed and empty."""
    return Desk(workshop)


@pytest.fixture
def maria(monkeypatch: pytest.MonkeyPatch) -> str:
    """The user who asks."""
    monkeypatch.setenv("LOGNAME", "maria")
    return "maria"
