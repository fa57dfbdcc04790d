import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from supply_chain.licences import NOT_CHECKED, REFUSED, Answer, check, npm_refused

ROOT = Path(__file__).resolve().parents[3]
AGPL = {"version": "1.0.0", "license": "AGPL-3.0-or-later", "dev": True}
EXCEPTED = {"judge": "AGPL-3.0-or-later"}


def _lock(**packages: dict[str, Any]) -> dict[str, Any]:
    return {
        "packages": {"": {"license": "Apache-2.0"}, **{f"node_modules/{key}": each for key, each in packages.items()}}
    }


def _refused(lock: dict[str, Any], **exceptions: str) -> list[str]:
    return npm_refused(lock, allowed=["MIT"], exceptions=exceptions)[0]


def test_a_package_with_an_allowed_licence_passes() -> None:
    assert _refused(_lock(tool={"version": "1.0.0", "license": "MIT"})) == []


def test_a_copyleft_licence_passes_as_a_named_exception_and_is_told() -> None:
    assert npm_refused(_lock(judge=AGPL), allowed=["MIT"], exceptions=EXCEPTED) == (
        [],
        ["judge 1.0.0: AGPL-3.0-or-later"],
    )


@pytest.mark.parametrize(
    ("package", "exceptions", "told"),
    [
        (AGPL, {}, r"judge 1.0.0: AGPL-3.0-or-later is not in \[tool.npm-licences\]"),
        ({"version": "1.0.0"}, {}, "judge 1.0.0: no licence is not in"),
        ({**AGPL, "license": "SSPL-1.0"}, EXCEPTED, "judge 1.0.0: SSPL-1.0 is not in"),
        ({**AGPL, "dev": False}, EXCEPTED, "judge 1.0.0: .* the package is more than that now"),
        ({**AGPL, "license": "MIT"}, {**EXCEPTED, "gone": "GPL-3.0"}, "gone: .* no such package is locked: remove it"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(package: dict[str, Any], exceptions: dict[str, str], told: str) -> None:
    (line,) = _refused(_lock(judge=package), **exceptions)
    assert re.search(told, line)


def test_the_lock_of_the_project_holds_what_pyproject_toml_allows() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["npm-licences"]
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    refused, _ = npm_refused(lock, allowed=rules["allow-only"], exceptions=rules["exceptions"])
    assert refused == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two locks, of which one is installed, and a lock of npm."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.npm-licences]\nallow-only = ["MIT"]\n[tool.npm-licences.exceptions]\n'
    )
    (tmp_path / "package-lock.json").write_text(json.dumps(_lock()))
    for name, package in (("requirements", "polars"), ("requirements-fuzz", "atheris")):
        (tmp_path / f"{name}.in").write_text(f"# a comment\n{package}==1\n")
        (tmp_path / f"{name}.txt").write_text(f"{package}==1\n")
    (tmp_path / ".venv/lib/python3.11/site-packages/polars-1.dist-info").mkdir(parents=True)
    return tmp_path


def _says(exit_code: int, err: str = "") -> Any:
    def run(_: Sequence[str]) -> Answer:
        return Answer(exit_code, "polars MIT\n", err)

    return run


@pytest.mark.parametrize(("is_required", "expected"), [(False, 0), (True, NOT_CHECKED)])
def test_a_lock_that_is_not_installed_is_said_and_fails_only_where_all_are_required(
    project: Path, capsys: pytest.CaptureFixture[str], *, is_required: bool, expected: int
) -> None:
    assert check(_says(0), root=project, is_required=is_required) == expected
    assert capsys.readouterr().out.splitlines() == [
        "licences: .venv",
        "polars MIT",
        "licences: requirements-fuzz.txt: NOT CHECKED, not installed: make licences REQUIRED=1",
    ]


def test_what_pip_licenses_refuses_fails_with_its_words(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(_says(1, "license X not in allow-only\n"), root=project, is_required=False) == REFUSED
    assert "licences: NOT ALLOWED: .venv: license X not in allow-only" in capsys.readouterr().out


def test_every_installed_environment_is_looked_at_once(project: Path) -> None:
    (project / ".cache/tools/fuzz/lib/python3.12/site-packages/atheris-1.dist-info").mkdir(parents=True)
    asked: list[str] = []

    def run(command: Sequence[str]) -> Answer:
        asked.append(command[-1])
        return Answer(0, "")

    assert check(run, root=project, is_required=True) == 0
    assert asked == [str(project / ".cache/tools/fuzz/bin/python"), str(project / ".venv/bin/python")]
