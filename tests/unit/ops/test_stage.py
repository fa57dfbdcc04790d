"""Which project is asked about when none is named."""

from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.stage import only_project
from tests.unit.ops.support.workshop import ENVIRONMENT, PROJECT, Workshop


def folder(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).mkdir()
        (path / name / "project.toml").touch()
    return path


def test_the_only_project_is_taken_without_asking_anybody(workshop: Workshop, tmp_path: Path) -> None:
    assert only_project(workshop.stage.target, "anywhere", projects=folder(tmp_path, "one")) == "one"


def test_of_several_the_deployed_one_is_taken(workshop: Workshop, tmp_path: Path) -> None:
    projects = folder(tmp_path, PROJECT, "other")

    assert only_project(workshop.stage.target, ENVIRONMENT, projects=projects) == PROJECT


def test_with_none_of_several_deployed_one_has_to_be_named(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(OpsError, match=r"none of other, toys is deployed in environment production.*--project"):
        only_project(workshop.stage.target, "production", projects=folder(tmp_path, PROJECT, "other"))
