"""`ops new` writes a project that the rest accepts without a change."""

from pathlib import Path

import pytest

from ops.errors import UsageError
from ops.scaffold import Task, scaffold
from pipelines import compile as compiler
from stacks.settings import load_projects


@pytest.mark.parametrize("task", ["regression", "binary_classification"])
def test_its_settings_are_accepted_and_its_pipelines_compile(tmp_path: Path, task: Task) -> None:
    projects = tmp_path / "pipelines" / "projects"
    scaffold("shop", projects=projects, task=task, target="sold", time_column="sold_at")
    compiler.write("shop", projects=projects)
    compiler.check("shop", projects=projects)
    (project,) = load_projects(tmp_path)
    assert project.name == "shop"


@pytest.mark.parametrize("name", ["Shop", "s", "my-shop", "1shop", "a" * 25])
def test_a_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no project name"):
        scaffold(name, projects=tmp_path, task="regression", target="sold", time_column="sold_at")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    with pytest.raises(UsageError, match="exists"):
        scaffold("shop", projects=tmp_path, task="regression", target="sold", time_column="sold_at")
    assert list((tmp_path / "shop").iterdir()) == []
