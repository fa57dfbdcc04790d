"""One deployment for all loop tests, and the first model that lives in it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import recorded_calls
from deployed_loop import DATA, PROJECT, STAGE, FirstModel, Loop

from sandbox.server import Sandbox

ASSEMBLY = os.environ.get("TANDEM_TEST_ASSEMBLY")
"""A cloud assembly to deploy as it is, to see that these tests notice what was taken out of it."""


@pytest.fixture(scope="session", autouse=True)
def _templates_are_validated_elsewhere() -> Iterator[None]:
    """The tests of the infrastructure synthesize the same stacks and validate them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_VALIDATION", "false")
        yield


@pytest.fixture(scope="session")
def drops(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Real monthly drops by period."""
    folder = tmp_path_factory.mktemp("drops")
    module = f"pipelines.projects.{PROJECT}.feed"
    subprocess.run([sys.executable, "-m", module, "--months", "1,2,3,4,5", "--to", str(folder)], check=True)
    return {path.parent.name.removeprefix("period="): path for path in folder.rglob("*.parquet")}


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory, drops: Mapping[str, Path]) -> Iterator[Loop]:
    """The project, deployed by the real CDK command line to a sandbox of its own that enforces permissions."""
    with Sandbox(tmp_path_factory.mktemp("sandbox"), enforce_iam=True) as sandbox:
        deployment = sandbox.deploy(PROJECT, assembly=Path(ASSEMBLY) if ASSEMBLY else None)
        outputs = {key: value for stack in deployment.outputs.values() for key, value in stack.items()}
        yield Loop(sandbox=sandbox, outputs=outputs, drops=drops)
        recorded_calls.check_all(sandbox, stage=STAGE)


@pytest.fixture(scope="session")
def first_model(loop: Loop) -> FirstModel:
    """January and February dropped; everything after that is done by the deployed events."""
    loop.drop("2013-01")
    loop.drop("2013-02")
    live = loop.wait_for("the first model to be live", loop.ledger.live)
    return FirstModel(live=live, run=loop.wait_for_end_of(f"{DATA}period=2013-0"))
