"""Both delivery pipelines, run from their templates: every command in a clean checkout, every deployment.

They run the checks, the tests and another loop inside, a quarter of an hour on two cores; `TANDEM_TEST_DELIVERY=1`
asks for it. The builds demand an audit with an answer; `TANDEM_TEST_UNAUDITED=1` lets them pass on a machine without
one. What a template alone can tell is tested in tests/infrastructure/test_delivery.py.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed_loop import PROJECT, Loop

from sandbox.delivery.command import Delivery, deliver
from sandbox.delivery.execution import DeliveryError, Ran
from sandbox.server import Sandbox

pytestmark = [
    pytest.mark.loop,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        "TANDEM_TEST_DELIVERY" not in os.environ,
        reason="runs both delivery pipelines with all their checks: set TANDEM_TEST_DELIVERY=1",
    ),
]

ROOT = Path(__file__).resolve().parents[2]
STAGING = f"{PROJECT}-staging"
DROPS = ("2013-01", "2013-02")
UNAUDITED = "TANDEM_TEST_UNAUDITED" in os.environ


@pytest.fixture(scope="module", name="staging")
def _staging(tmp_path_factory: pytest.TempPathFactory, drops: dict[str, Path]) -> Iterator[Loop]:
    """An environment that somebody deployed by hand before there were pipelines, with a live model."""
    with Sandbox(tmp_path_factory.mktemp("delivery"), speed=20) as sandbox:
        deployment = sandbox.deploy(PROJECT, environment="staging")
        outputs = {key: value for stack in deployment.outputs.values() for key, value in stack.items()}
        loop = Loop(sandbox=sandbox, outputs=outputs, drops=drops)
        for period in DROPS:
            loop.drop(period)
        loop.wait_for("the first model to be live", loop.ledger.live)
        yield loop


def _deliver(loop: Loop, side: str, *, repository: Path = ROOT, until: str | None = None) -> list[Ran]:
    return deliver(
        Delivery(project=PROJECT, side=side, repository=repository, until=until, unaudited=UNAUDITED),
        directory=loop.sandbox.directory,
        approve=lambda _: True,
        say=print,
    )


@pytest.fixture(scope="module")
def ml_delivered(staging: Loop) -> list[Ran]:
    """What ran when the ML code was delivered: an application needs its stacks, in production too."""
    return _deliver(staging, "ml")


def test_the_ml_code_goes_through_a_training_run_to_production(ml_delivered: list[Ran]) -> None:
    ran = [(one.stage, one.action) for one in ml_delivered]

    assert ran[0] == ("Source", "Source")
    assert (STAGING, "Train") in ran
    assert ran[-1][0] == f"{PROJECT}-production"


@pytest.mark.usefixtures("ml_delivered")
def test_the_application_goes_through_contract_and_smoke_test_to_production(staging: Loop) -> None:
    ran = [(one.stage, one.action) for one in _deliver(staging, "application")]

    for stage in (STAGING, f"{PROJECT}-production"):
        assert {"Contract", "Smoke", "Record"} <= {action for at, action in ran if at == stage}


def test_a_commit_that_breaks_the_contract_is_stopped_and_the_field_is_named(staging: Loop, tmp_path: Path) -> None:
    broken = tmp_path / "repository"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(broken)], check=True)  # noqa: S607
    for installed in (".venv", "node_modules"):
        (broken / installed).symlink_to(ROOT / installed)
    folder = broken / "pipelines" / "projects" / PROJECT
    contract = json.loads((folder / "contract.json").read_text("utf-8"))
    contract["inputs"].append({"name": "gate", "type": "string"})
    (folder / "application.contract.json").write_text(json.dumps(contract))
    example = json.loads((folder / "example.json").read_text("utf-8"))
    (folder / "example.json").write_text(json.dumps(example | {"gate": "B12"}))
    _git(broken, "add", "pipelines")
    _git(broken, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "-m", "a gate")

    with pytest.raises(
        DeliveryError, match=r"input 'gate': the application sends it and the model does not know it"
    ) as stopped:
        _deliver(staging, "application", repository=broken, until=STAGING)

    assert (stopped.value.stage, stopped.value.action) == (STAGING, "Contract")


def _git(repository: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=repository, check=True)  # noqa: S607
