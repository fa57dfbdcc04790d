import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import pytest

from stacks.constructs.training_pipeline import read_definition
from stacks.errors import StalePipelineError
from stacks.settings import Settings, load_projects, select

ROOT = Path(__file__).resolve().parents[2]
FLIGHTS = Path("pipelines", "projects", "flights")


def _definition(template: Any) -> Any:
    """The deployed definition, with every reference replaced by a word."""
    body = template.one("AWS::SageMaker::Pipeline", "Pipeline")["PipelineDefinition"]["PipelineDefinitionBody"]
    separator, parts = body["Fn::Join"]
    return json.loads(separator.join(part if isinstance(part, str) else "<reference>" for part in parts))


def _defaults(template: Any) -> dict[str, Any]:
    return {one["Name"]: one.get("DefaultValue") for one in _definition(template)["Parameters"]}


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Callable[[], Settings]:
    """A copy of the reference project; the returned function reads its settings."""
    copytree(ROOT / FLIGHTS, tmp_path / FLIGHTS, ignore=ignore_patterns("__pycache__"))

    def read() -> Settings:
        (settings,) = select(load_projects(tmp_path), project=None, environment="production")
        return settings

    return read


def test_every_placeholder_of_the_compiled_pipeline_is_replaced(training: Any) -> None:
    text = json.dumps(_definition(training))

    assert not re.findall(r"__[A-Z_]+__|000000000000", text)


def test_the_steps_are_those_that_were_compiled(training: Any) -> None:
    compiled = json.loads((ROOT / FLIGHTS / "training.pipeline.json").read_text("utf-8"))

    assert [one["Name"] for one in _definition(training)["Steps"]] == [one["Name"] for one in compiled["Steps"]]


def test_jobs_run_in_the_image_of_the_deployments_region(training: Any) -> None:
    account = {"Fn::FindInMap": [next(iter(training.body["Mappings"])), {"Ref": "AWS::Region"}, "XGBoostAccount"]}
    properties = training.one("AWS::SageMaker::Pipeline", "Pipeline")

    assert account in properties["PipelineDefinition"]["PipelineDefinitionBody"]["Fn::Join"][1]
    assert _definition(training)["Steps"][0]["Arguments"]["AppSpecification"]["ImageUri"] == (
        "<reference>.dkr.ecr.<reference>.<reference>/sagemaker-xgboost:3.2-0"
    )


def test_jobs_fetch_the_code_bundle_and_can_import_it_as_it_is(assembly: Any, training: Any, tmp_path: Path) -> None:
    uri = _definition(training)["Steps"][0]["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"]
    key = uri.rpartition("/")[2]
    bundle = assembly.folder / f"asset.{key.removesuffix('.zip')}"

    found = subprocess.run(
        [sys.executable, "-c", "import pipelines.steps; print(pipelines.steps.__file__)"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(bundle), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(bundle)


def test_the_code_bundle_holds_what_jobs_need_and_nothing_else(assembly: Any, training: Any) -> None:
    (role,) = (one for name, one in training.all("AWS::IAM::Policy").items() if name.startswith("PipelineRoleDefault"))
    (key,) = set(re.findall(r"/([0-9a-f]{64})\.zip", json.dumps(role)))
    files = {path.relative_to(assembly.folder / f"asset.{key}").as_posix() for path in _files(assembly.folder, key)}

    assert {"pipelines/__init__.py", "pipelines/steps/__init__.py", "pipelines/projects/flights/contract.json"} <= files
    assert not {one for one in files if "training.py" in one or "test" in one or one.endswith((".toml", ".pyc"))}
    assert not {one for one in files if ".pipeline." in one}


def _files(folder: Path, key: str) -> list[Path]:
    return [path for path in (folder / f"asset.{key}").rglob("*") if path.is_file()]


def test_the_pipeline_may_read_its_bundle_and_no_other_asset(training: Any) -> None:
    (role,) = (one for name, one in training.all("AWS::IAM::Policy").items() if name.startswith("PipelineRoleDefault"))
    on_assets = [
        (statement["Action"], part, statement.get("Condition"))
        for statement in role["PolicyDocument"]["Statement"]
        for resource in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
        if "cdk-hnb659fds-assets" in json.dumps(resource)
        for part in resource["Fn::Join"][1][-1:]
    ]

    listing, reading = sorted(on_assets, key=lambda found: isinstance(found[1], str))
    (action, bucket, condition) = listing
    assert (action, bucket) == ("s3:ListBucket", {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"})
    key = condition["StringEquals"]["s3:prefix"]
    assert re.fullmatch(r"[0-9a-f]{64}\.zip", key)
    assert reading == ("s3:GetObject", f"/{key}", None)


def test_an_environments_own_settings_reach_its_pipeline(production: Any, synthesize: Any) -> None:
    changed = synthesize(
        lambda text: (
            text
            + '\n[environments.production.training]\ninstance_type = "ml.m5.4xlarge"\nseed = 7\n'
            + "[environments.production.training.hyperparameters]\nrounds = 10\n"
        ),
        environment="production",
    ).template("flights-production", "Training")

    before, after = _defaults(production["Training"]), _defaults(changed)
    assert {name: value for name, value in after.items() if value != before[name]} == {
        "TrainingInstanceType": "ml.m5.4xlarge",
        "ProcessingInstanceType": "ml.m5.4xlarge",
        "Seed": "7",
        "Hyperparameter_rounds": "10",
    }


def test_a_pipeline_that_matches_its_sources_is_accepted(project: Callable[[], Settings]) -> None:
    assert read_definition(project()).contract_version == "1"


def test_a_pipeline_older_than_its_settings_is_refused(project: Callable[[], Settings], tmp_path: Path) -> None:
    file = tmp_path / FLIGHTS / "project.toml"
    file.write_text(file.read_text("utf-8").replace("seed = 2013", "seed = 2014"), "utf-8")

    with pytest.raises(StalePipelineError, match=r"project\.toml.*make compile"):
        read_definition(project())


def test_a_pipeline_edited_by_hand_is_refused(project: Callable[[], Settings], tmp_path: Path) -> None:
    file = tmp_path / FLIGHTS / "training.pipeline.json"
    file.write_text(file.read_text("utf-8").replace('"Validate"', '"Check"'), "utf-8")

    with pytest.raises(StalePipelineError, match=r"training\.pipeline\.json is stale.*make compile"):
        read_definition(project())


def test_a_pipeline_that_was_never_compiled_is_refused(project: Callable[[], Settings], tmp_path: Path) -> None:
    (tmp_path / FLIGHTS / "training.pipeline.json").unlink()

    with pytest.raises(StalePipelineError, match="is missing or has no lock beside it: run `make compile`"):
        read_definition(project())


def test_a_project_without_a_contract_is_refused(project: Callable[[], Settings], tmp_path: Path) -> None:
    (tmp_path / FLIGHTS / "contract.json").unlink()

    with pytest.raises(StalePipelineError, match=r"contract\.json does not exist"):
        read_definition(project())
