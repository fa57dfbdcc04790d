"""A stage to ask about, in an embedded AWS of its own."""

from collections.abc import Iterator

import pytest

from sandbox.server import Sandbox
from tests.unit.ops.support.workshop import Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with Sandbox(tmp_path_factory.mktemp("ops") / "state") as sandbox:
        yield Workshop(sandbox)
