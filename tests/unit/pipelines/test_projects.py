"""A project is its folder: nothing outside of it knows its name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import compiled, inputs

SOURCES = ("app.py", "lambdas", "ops", "pipelines", "sandbox", "stacks")
PROJECT_FILES = {"__init__.py", "contract.json", "feed.py", "model.py", "project.toml", "training.pipeline.json"}
STORY_OF_THE_DEMO = inputs.ROOT / "sandbox" / "commands" / "demo.py"
"""Names the project that it tells the story of, as the default of an option."""


def sources() -> Iterator[Path]:
    for name in SOURCES:
        path = inputs.ROOT / name
        found = [path] if path.is_file() else sorted(path.rglob("*.py"))
        yield from (file for file in found if inputs.PROJECTS not in file.parents and file != STORY_OF_THE_DEMO)


def texts(code: str) -> Iterator[str]:
    """Yield every text of some code; docstrings are longer than a name and do no harm."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from node.module.split(".")


def test_there_is_more_than_one_project_to_tell_apart() -> None:
    assert len(compiled.projects()) > 1


def test_no_source_outside_of_the_projects_names_one() -> None:
    names = set(compiled.projects())
    assert {
        (file.relative_to(inputs.ROOT).as_posix(), text)
        for file in sources()
        for text in texts(file.read_text("utf-8"))
        if " " not in text and names & set(re.split(r"[-/.]", text))  # a sentence may hold the word
    } == set()


@pytest.mark.parametrize(
    "code", ['if project == "late": pass', 'key = "late-sandbox"', "from x.projects.late import y"]
)
def test_code_that_knew_a_project_would_be_found(code: str) -> None:
    assert any("late" in text for text in texts(code))


@pytest.mark.parametrize("project", compiled.projects())
def test_a_project_brings_what_the_framework_asks_for(project: str) -> None:
    assert {path.name for path in (inputs.PROJECTS / project).iterdir()} >= PROJECT_FILES


@pytest.mark.parametrize("project", compiled.projects())
def test_no_project_leans_on_another(project: str) -> None:
    others = set(compiled.projects()) - {project}
    for file in (inputs.PROJECTS / project).glob("*.py"):
        assert not others & set(texts(file.read_text("utf-8"))), file
