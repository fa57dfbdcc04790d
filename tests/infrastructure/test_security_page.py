"""docs/security.md says what the templates say, and every test that it counts on is there."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from docgen import permissions
from docgen.permissions import assemblies, reasons, tables
from stacks.settings import load_projects

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / tables.PAGE).read_text("utf-8")
REASONS = reasons.load(ROOT)
ENVIRONMENTS = [
    (project.name, settings.deployment.environment)
    for project in load_projects(ROOT)
    for settings in project.environments
]
STRIDE = "STRIDE"
AGAIN = "run python -m docgen permissions"


def _threats() -> list[list[str]]:
    """The rows of the threat table: letter, threat, remedy, tests."""
    section = TEXT.partition("## Threats\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[1:]]


def _named(text: str) -> list[str]:
    return re.findall(r"`(tests/[\w/]+\.py::\w+)`", text)


@cache
def _tests(file: Path) -> frozenset[str]:
    """Functions of a file that pytest would collect."""
    tree = ast.parse(file.read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_the_page_tells_of_every_role_and_resource_policy_in_every_shape_what_it_grants_and_why(
    assembly: Any, tmp_path: Path
) -> None:
    shapes = tables.Shapes(
        plain=assembly.folder,
        others={
            "isolated": assemblies.synthesize_isolated(ROOT, tmp_path / "isolated"),
            "spark": assemblies.synthesize_spark(ROOT, tmp_path / "spark"),
            "jwt": assemblies.synthesize_jwt(ROOT, tmp_path / "jwt"),
        },
    )
    assert permissions.from_shapes(ROOT, shapes) == TEXT, AGAIN


@pytest.mark.parametrize(("project", "environment"), ENVIRONMENTS, ids=lambda name: name)
def test_every_grant_of_every_environment_has_its_reason(assembly: Any, project: str, environment: str) -> None:
    found = assemblies.of_environment(assembly.folder, project=project, environment=environment)

    explained = reasons.explain(found, [each for each in REASONS if not each.shape])
    assert all(one.reasons for one in explained)


@pytest.mark.parametrize(("project", "environment"), ENVIRONMENTS, ids=lambda name: name)
def test_every_resource_policy_of_every_environment_has_its_reasons(
    assembly: Any, project: str, environment: str
) -> None:
    found = assemblies.policies_of_environment(assembly.folder, project=project, environment=environment)

    reasons.explain_policies(found, reasons.load_policies(ROOT))
    assert {policy.name for policy in found} >= {"Storage/Key", "Storage/DataBucket", "Training/RetrainQueue"}


def test_threats_of_every_kind_are_told_each_with_its_remedy_and_a_test() -> None:
    threats = _threats()

    assert {threat[0] for threat in threats} == set(STRIDE)
    assert [threat[0] for threat in threats] == sorted((threat[0] for threat in threats), key=STRIDE.index)
    for _, threat, remedy, tests in threats:
        assert len(threat.split()) > 3, threat
        assert len(remedy.split()) > 3, threat
        assert _named(tests), f"no test covers this threat: {threat}"
        assert re.fullmatch(r"(`tests/[\w/]+\.py::\w+` ?)+", tests), f"write tests as file::name: {tests}"


@pytest.mark.parametrize("test", sorted(set(_named(TEXT))))
def test_a_test_that_the_page_counts_on_exists(test: str) -> None:
    file, _, name = test.partition("::")

    assert (ROOT / file).is_file(), f"{tables.PAGE} names {file}, which is gone: name what covers the threat now"
    assert name.startswith("test_")
    assert name in _tests(ROOT / file), f"{tables.PAGE} names {test}, which is gone: name what covers the threat now"
