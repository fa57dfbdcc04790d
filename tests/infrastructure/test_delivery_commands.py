"""A build of a delivery, run from its template: real commands, a real stage, the role that it takes on.

All builds of both pipelines run in tests/loop/test_delivery.py, which takes a quarter of an hour; this takes seconds.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.delivery import build
from sandbox.delivery.template import read
from sandbox.deploy import command_line_environment, node_program
from sandbox.server import Sandbox
from tests.unit.ops.support.desk import Desk
from tests.unit.ops.support.workshop import Workshop

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path("pipelines", "projects", "flights")
STAGING = "flights-staging"


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Iterator[Desk]:
    """Staging with a live model that speaks the contract of this checkout."""
    with Sandbox(tmp_path / "state") as sandbox:
        desk = Desk(Workshop(sandbox), project="flights", environment="staging")
        desk.deploy(desk.register(contract=(ROOT / FOLDER / "contract.json").read_text("utf-8")))
        yield desk


def _check_out(folder: Path) -> Path:
    """This checkout as `make setup` left it, by links; locks are older than what is installed, so nothing is."""
    installed = (".venv", "node_modules")
    locks = ("requirements.txt", "package-lock.json")
    for name in ("Makefile", "lambdas", "ops"):
        _link(folder / name, ROOT / name)
    for name in locks:
        (folder / name).write_bytes((ROOT / name).read_bytes())
        os.utime(folder / name, (0, 0))
    for each in (ROOT / ".venv").iterdir():
        if each.name != ".ready":
            _link(folder / ".venv" / each.name, each)
    for moment, name in enumerate(installed, start=1):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / ".ready").touch()
        os.utime(folder / name / ".ready", (moment, moment))
    (folder / FOLDER).mkdir(parents=True)
    for each in (ROOT / FOLDER).iterdir():
        _link(folder / FOLDER / each.name, each)
    return folder


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def test_the_contract_step_takes_on_its_role_and_stops_at_the_field_that_broke(
    assembly: Any, desk: Desk, tmp_path: Path
) -> None:
    pipeline = read(assembly.folder, "flights-delivery-application")
    (stage,) = (each for each in pipeline.stages if each.name == STAGING)
    (contract,) = (each for each in stage.actions if each.name == "Contract")
    source = _check_out(tmp_path / "checkout")
    broken = json.loads((source / FOLDER / "contract.json").read_text("utf-8"))
    broken["inputs"].append({"name": "gate", "type": "string"})
    (source / FOLDER / "contract.json").unlink()
    (source / FOLDER / "contract.json").write_text(json.dumps(broken))
    said: list[str] = []

    with pytest.raises(
        build.BuildError, match=r"exit code 10 at `.*contract check(.|\n)*input 'gate': the application sends it"
    ):
        build.run(
            contract,
            pipeline.projects[contract.configuration["ProjectName"]],
            place=build.Place(
                folder=tmp_path / "run",
                tools=build.install_tools(tmp_path / "tools", node=node_program()),
                variables=command_line_environment(desk.sandbox.endpoint_url),
                commit="0" * 40,
            ),
            artifacts=dict.fromkeys(contract.inputs, source),
            variables={},
            say=said.append,
        )

    assert said[0] == "$ make setup"
