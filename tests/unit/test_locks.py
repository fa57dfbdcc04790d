"""What is asked for is what is locked: a forgotten `make lock` is noticed without asking a registry."""

import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
ASKED = sorted(ROOT.glob("requirements*.in"))
PINNED = re.compile(r"(?m)^(?P<name>[\w.-]+)==(?P<version>[^ ;\\]+)")


def _requirements(file: Path) -> list[Requirement]:
    lines = (line.split(" #")[0].strip() for line in file.read_text("utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def _locked(file: Path) -> dict[str, set[Version]]:
    """A package has several versions when its markers differ."""
    found: dict[str, set[Version]] = {}
    for match in PINNED.finditer(file.with_suffix(".txt").read_text("utf-8")):
        found.setdefault(canonicalize_name(match["name"]), set()).add(Version(match["version"]))
    return found


@pytest.mark.parametrize("file", ASKED, ids=lambda file: file.name)
def test_every_requirement_is_locked_at_a_version_that_fits(file: Path) -> None:
    locked = _locked(file)

    missing = [
        str(one)
        for one in _requirements(file)
        if not any(version in one.specifier for version in locked.get(canonicalize_name(one.name), ()))
    ]

    assert not missing, "run `make lock`"


def test_the_command_line_of_the_cdk_is_locked_as_it_is_asked_for() -> None:
    asked = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]

    assert packages[""]["devDependencies"] == asked
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked
