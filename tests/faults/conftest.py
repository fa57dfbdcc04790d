"""What all schedules share: handlers that say nothing, unless one schedule is looked at again."""

import os
from collections.abc import Iterator

import pytest

from lambdas.shared.telemetry import logger


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> Iterator[None]:
    level = logger.log_level
    logger.setLevel("INFO" if "TANDEM_FAULT_SEED" in os.environ else "CRITICAL")
    yield
    logger.setLevel(level)
