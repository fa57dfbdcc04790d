"""What the other tests rely on when several workers run them."""

import pytest


def test_a_worker_keeps_a_whole_file(request: pytest.FixtureRequest) -> None:
    if not hasattr(request.config, "workerinput"):
        pytest.skip("one process runs everything")
    assert request.node.nodeid.endswith(f"@{request.path}")
