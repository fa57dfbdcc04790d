"""What the engine of the monitor changes in the stack."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from pipelines import wheels
from pipelines.compiled import PLACEHOLDERS, CompiledDefinition
from stacks.assembly import feature_flags
from stacks.constructs.bucket import AccessLogBucket, SecureBucket
from stacks.constructs.monitoring_pipeline import MonitoringPipeline
from stacks.constructs.sagemaker_pipeline import Definition
from stacks.constructs.staging import Staging
from stacks.errors import MissingAssetError
from stacks.regions import region_table
from stacks.settings import Settings, load_projects, select

ROOT = Path(__file__).resolve().parents[2]
SPARK = "sagemaker-spark-processing:3.5-cpu-py312-v1.3"


def _definition(engine: str) -> Definition:
    """A pipeline that shows what its placeholders become."""
    of_cluster = {"__SPARK_IMAGE_URI__", "__WHEEL_BUCKET__", "__WHEEL_KEY__"}
    held = PLACEHOLDERS["monitoring"] - (set() if engine == "spark" else of_cluster)
    text = json.dumps({"Parameters": [], "Replaced": sorted(held)})
    return Definition(compiled=CompiledDefinition("flights", "monitoring", text), defaults={})


def _settings(engine: str) -> Settings:
    (settings,) = select(load_projects(ROOT), project="flights", environment="production")
    return settings.model_copy(update={"monitoring": settings.monitoring.model_copy(update={"engine": engine})})


@pytest.fixture(name="wheel")
def _wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the place of the wheel that the cluster takes along."""
    wheel = tmp_path / "pyarrow.whl"
    wheel.write_bytes(b"wheel")
    monkeypatch.setattr(wheels, "path", lambda: wheel)
    return wheel


@pytest.fixture(name="deploy")
def _deploy(tmp_path: Path) -> Any:
    """The template of a monitoring pipeline with an engine."""

    def deploy(engine: str) -> Mapping[str, Any]:
        flags = feature_flags(ROOT) | {"@aws-cdk/core:validateAgainstDefaultRules": False}
        stack = Stack(App(outdir=str(tmp_path / engine), context=flags), "Stack")
        key, logs = kms.Key(stack, "Key"), AccessLogBucket(stack, "Logs", retain=False)
        artifacts, data = (
            SecureBucket(stack, name, key=key, access_logs=logs, retain=False, keep_versions_days=1)
            for name in ("Artifacts", "Data")
        )
        with Staging() as staging:
            MonitoringPipeline(
                stack,
                "Pipeline",
                settings=_settings(engine),
                staging=staging,
                definition=_definition(engine),
                artifacts=artifacts,
                data=data,
            )
        template: Mapping[str, Any] = Template.from_stack(stack).to_json()
        return template

    return deploy


def _repositories(template: Mapping[str, Any]) -> set[str]:
    statements = (
        statement
        for one in template["Resources"].values()
        if one["Type"] == "AWS::IAM::Policy"
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
        if "ecr:BatchGetImage" in statement["Action"]
    )
    (statement,) = statements
    resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    return {resource["Fn::Join"][1][-1] for resource in resources}


@pytest.mark.usefixtures("wheel")
def test_spark_brings_its_image_of_the_deployments_region_and_may_pull_it(deploy: Any) -> None:
    template = deploy("spark")

    assert f"/{SPARK}" in json.dumps(template)
    assert _repositories(template) == {":repository/sagemaker-xgboost", ":repository/sagemaker-spark-processing"}
    columns = {column for table in template["Mappings"].values() for row in table.values() for column in row}
    assert columns == {"XGBoostAccount", "SparkAccount"}


@pytest.mark.usefixtures("wheel")
def test_spark_takes_the_wheel_along_and_its_jobs_may_read_it(deploy: Any) -> None:
    template = deploy("spark")

    (pipeline,) = (one for one in template["Resources"].values() if one["Type"] == "AWS::SageMaker::Pipeline")
    assert ".whl" in json.dumps(pipeline["Properties"]["PipelineDefinition"])
    assert json.dumps(template["Resources"]).count(".whl") > 1, "named in the role's policy as well"


def test_without_the_wheel_synth_says_how_to_fetch_it(deploy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "FOLDER", Path("/nowhere"))
    monkeypatch.setattr(wheels.path, "__kwdefaults__", {"folder": Path("/nowhere")})
    with pytest.raises(MissingAssetError, match="make wheels"):
        deploy("spark")


def test_arrow_needs_no_other_image(deploy: Any) -> None:
    template = deploy("arrow")

    assert "sagemaker-spark-processing" not in json.dumps(template)
    assert _repositories(template) == {":repository/sagemaker-xgboost"}


def test_every_region_of_the_table_has_both_images() -> None:
    assert len(region_table()) > 20
    for columns in region_table().values():
        assert set(columns) == {"XGBoostAccount", "SparkAccount"}
        assert all(len(account) == 12 and account.isdigit() for account in columns.values())
