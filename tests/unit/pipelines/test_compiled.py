"""Committed definitions: verified, filled in, refused when stale; and what travels to the jobs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines import bundle, compiled, inputs

REPLACEMENTS = dict.fromkeys(compiled.PLACEHOLDERS["training"], "replaced")


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """A copy of the reference project, to be damaged."""
    shutil.copytree(inputs.PROJECTS / "flights", tmp_path / "flights", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("project", compiled.projects())
def test_the_committed_definition_is_up_to_date(project: str) -> None:
    assert json.loads(compiled.load(project).text)["Version"] == "2020-12-01"


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("project.toml", "rounds = 300", "rounds = 301", "project.toml"),
        ("project.toml", "holdout_days = 14", "holdout_days = 7", "project.toml"),
        ("contract.json", '"version": "1"', '"version": "2"', "project.toml"),
        ("training.pipeline.json", "pipelines.steps", "pipelines.other", "training.pipeline.json"),
        ("training.pipeline.lock.json", '"sagemaker": "3', '"sagemaker": "2', "sagemaker"),
    ],
)
def test_a_stale_definition_says_what_changed_and_what_to_run(
    projects: Path, file: str, old: str, new: str, changed: str
) -> None:
    edit(projects / "flights" / file, old, new)
    with pytest.raises(compiled.StaleDefinitionError, match=f"{changed}.*make compile"):
        compiled.load("flights", projects=projects)


def test_a_setting_that_no_definition_depends_on_makes_nothing_stale(projects: Path) -> None:
    edit(projects / "flights" / "project.toml", "cooldown_minutes = 60", "cooldown_minutes = 61")
    compiled.load("flights", projects=projects)


def test_a_missing_definition_says_what_to_run(projects: Path) -> None:
    compiled.lock_path("flights", projects=projects).unlink()
    with pytest.raises(compiled.StaleDefinitionError, match="make compile"):
        compiled.load("flights", projects=projects)


@pytest.mark.parametrize("project", compiled.projects())
def test_rendering_leaves_no_placeholder(project: str) -> None:
    rendered = json.dumps(compiled.load(project).render(REPLACEMENTS))
    assert "__" not in rendered


def test_a_forgotten_replacement_is_named() -> None:
    replacements = {key: value for key, value in REPLACEMENTS.items() if key != "__IMAGE_URI__"}
    with pytest.raises(compiled.PlaceholderError, match="__IMAGE_URI__"):
        compiled.load("flights").render(replacements)


def test_an_environment_writes_its_own_defaults_over_the_compiled_ones() -> None:
    sections: dict[str, Any] = {
        "project": {"name": "flights", "task": "regression", "target": "air_time", "time_column": "time_hour"},
        "data": {"holdout_days": 3},
        "training": {
            "instance_type": "ml.m5.large",
            "max_runtime_minutes": 5,
            "seed": 1,
            "hyperparameters": {"rounds": 10, "max_depth": 2, "learning_rate": 0.5},
        },
        "gate": {"metric": "mae", "direction": "minimize", "min_improvement_over_naive": 0.2},
    }
    wanted = inputs.parse(sections, contract_version="1").parameter_defaults()
    rendered = compiled.load("flights").render(REPLACEMENTS, parameter_defaults=wanted)
    defaults = {entry["Name"]: entry.get("DefaultValue") for entry in rendered["Parameters"]}
    assert defaults["HoldoutDays"] == "3"
    assert defaults["MaxRuntimeSeconds"] == 300
    assert defaults["Hyperparameter_rounds"] == "10"
    assert defaults["GateMetric"] == "mae"


def test_a_hyperparameter_that_only_one_environment_has_is_refused() -> None:
    with pytest.raises(compiled.PlaceholderError, match="no parameter 'Hyperparameter_new'"):
        compiled.load("flights").render(REPLACEMENTS, parameter_defaults={"Hyperparameter_new": "1"})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seed = 2013", 'seed = "2013"', "training.seed is '2013'"),
        ("holdout_days = 14", "", "data.holdout_days is None"),
        ("[data]", "[datas]", r"section \[data\] is missing"),
    ],
)
def test_settings_that_a_definition_cannot_be_made_from_are_named(
    projects: Path, old: str, new: str, words: str
) -> None:
    edit(projects / "flights" / "project.toml", old, new)
    with pytest.raises(inputs.DefinitionInputError, match=words):
        inputs.read("flights", projects=projects)


def test_the_bundle_holds_the_steps_and_the_project_and_nothing_that_stays_at_home() -> None:
    names = [name for name, _ in bundle.files("flights")]
    assert names == sorted(names)
    assert {
        "pipelines/__init__.py",
        "pipelines/steps/__main__.py",
        "pipelines/projects/flights/contract.json",
        "pipelines/projects/flights/model.py",
    } <= set(names)
    assert not [name for name in names if name.endswith(("feed.py", ".toml", "training.py", "compile.py", ".pyc"))]
    assert not [name for name in names if ".pipeline." in name]


def test_every_region_of_the_image_has_one_account() -> None:
    images = json.loads((inputs.ROOT / "pipelines" / "images.json").read_text())
    assert (images["repository"], images["tag"]) == ("sagemaker-xgboost", "3.2-0")
    assert len(images["accounts"]) > 30
    assert all(len(account) == 12 and account.isdigit() for account in images["accounts"].values())
