"""The record of a model version: complete, within SageMaker's limits, and refused early when it cannot be."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import sagemaker_requests as requests

from pipelines import compile as compiler
from pipelines import compiled, inputs, libraries


def record(project: str) -> dict[str, Any]:
    definition = compiled.load(project).render(requests.SAMPLES | {"__MODEL_PACKAGE_GROUP__": "flights-production"})
    (gate,) = [step for step in definition["Steps"] if step["Name"] == "Gate"]
    (register,) = [step for step in gate["Arguments"]["IfSteps"] if step["Type"] == "RegisterModel"]
    found: dict[str, Any] = register["Arguments"]["CustomerMetadataProperties"]
    return found


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    shutil.copytree(inputs.PROJECTS / "flights", tmp_path / "flights", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def add_hyperparameters(projects: Path, lines: str) -> None:
    settings = projects / "flights" / "project.toml"
    text = settings.read_text()
    assert "rounds = 300\n" in text
    settings.write_text(text.replace("rounds = 300\n", f"rounds = 300\n{lines}\n"))


@pytest.mark.parametrize("project", compiled.projects())
def test_a_version_carries_all_that_lineage_and_a_replay_ask_for(project: str) -> None:
    found = record(project)

    assert {
        *("project", "run_id", "reason", "snapshot_id", "snapshot_uri", "champion", "seed", "holdout_days", "image"),
        *("code_version", "code_bundle", "code_bucket", "contract_version", "definition_hash"),
        *("evaluation_uri", "report_uri", "model_uri"),
        *(f"gate_{name}" for name in ("metric", "direction", "margin", "alpha", "cluster")),
        *(f"lib_{name}" for name in libraries.RECORDED),
    } <= set(found)
    hyperparameters = {name for name, _ in inputs.read(project).hyperparameters}
    assert {f"hyperparameter_{name}" for name in hyperparameters} <= set(found)


@pytest.mark.parametrize("project", compiled.projects())
def test_the_definition_hash_is_that_of_the_committed_file(project: str) -> None:
    committed = compiled.definition_path(project).read_bytes()

    assert record(project)["definition_hash"] == hashlib.sha256(committed).hexdigest()


def test_a_library_that_the_lock_does_not_pin_is_named_with_the_command_to_run() -> None:
    with pytest.raises(libraries.UnpinnedError, match=r"no-such-library.*make lock"):
        libraries.pinned("no-such-library")


def test_more_hyperparameters_than_the_record_holds_are_refused_when_the_pipeline_is_compiled(projects: Path) -> None:
    add_hyperparameters(projects, "\n".join(f"extra_{number} = {number}" for number in range(40)))

    with pytest.raises(inputs.DefinitionInputError, match=r"has 43 entries and the record .* has room for \d+"):
        compiler.definition("flights", projects=projects)


def test_a_hyperparameter_that_the_registry_would_refuse_is_refused_before_the_training(projects: Path) -> None:
    add_hyperparameters(projects, "layers = [64, 32]")

    with pytest.raises(inputs.DefinitionInputError, match=r"hyperparameters\.layers is '\[64, 32\]'"):
        inputs.read("flights", projects=projects)
