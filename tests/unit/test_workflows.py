"""The workflows run what there is, with actions pinned to one commit each, and may read the repository only."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def _jobs(workflow: Path) -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(workflow.read_text("utf-8"))["jobs"]
    return jobs


def _commands(workflow: Path) -> list[list[str]]:
    """Every call of make, in words."""
    steps = [step for job in _jobs(workflow).values() for step in job["steps"]]
    return [shlex.split(run[run.index("make ") :]) for step in steps if "make " in (run := step.get("run", ""))]


def test_an_action_is_pinned_to_the_same_commit_everywhere() -> None:
    used = [use for each in WORKFLOWS for use in re.findall(r"uses: (\S+) # v\S+", each.read_text("utf-8"))]
    all_of_them = [use for each in WORKFLOWS for use in re.findall(r"uses: (\S+)", each.read_text("utf-8"))]

    assert used == all_of_them != []
    pins = {use.partition("@")[0]: use.partition("@")[2] for use in used}
    assert all(re.fullmatch(r"[0-9a-f]{40}", pin) for pin in pins.values())
    assert {use for use in used if pins[use.partition("@")[0]] not in use} == set()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_the_repository_only_and_every_job_ends(workflow: Path) -> None:
    document = yaml.safe_load(workflow.read_text("utf-8"))

    assert document["permissions"] == {"contents": "read"}
    assert all("permissions" not in job and job["timeout-minutes"] <= 120 for job in document["jobs"].values())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_calls_exists(workflow: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))

    assert _commands(workflow)
    for _, *words in _commands(workflow):
        assert {word for word in words if "=" not in word} <= targets
        for name, value in (word.split("=", 1) for word in words if "=" in word):
            if name.startswith("TANDEM_"):
                assert f'"{name}"' in tests, f"no test reads {name}"
            elif name != "PYTEST_ADDOPTS":
                assert f"$({name})" in makefile, f"the Makefile knows no {name}"
            if name == "TESTS":
                assert all((ROOT / path).exists() for path in value.split())


def test_every_night_runs_what_the_default_tests_only_sample() -> None:
    words = {word for command in _commands(ROOT / ".github" / "workflows" / "nightly.yml") for word in command}

    assert {"TANDEM_TEST_DELIVERY=1", "TANDEM_TEST_CASES=1200", "TANDEM_TEST_DEPLOYMENTS=20", "faults", "fuzz"} <= words
