"""The monitoring pipelines against botocore's service model, with both engines."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sagemaker_requests as requests

from pipelines import compiled, inputs, monitoring_inputs
from pipelines.steps.__main__ import _parser

SAMPLES = requests.every_sample("monitoring")
CLUSTER = {
    "__SPARK_IMAGE_URI__": "173754725891.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.5-cpu-py312-v1.3",
    "__WHEEL_BUCKET__": "code-bucket",
    "__WHEEL_KEY__": "1" * 64 + ".whl",
}
PARAMETERS = {"Until": "2013-04-01T01:00:00Z"}


def compiled_with_spark(tmp_path: Path) -> dict[str, Any]:
    """Compile the reference project with the other engine."""
    folder = tmp_path / "flights"
    folder.mkdir()
    for name in ("project.toml", "contract.json"):
        shutil.copy(inputs.PROJECTS / "flights" / name, folder)
    settings = folder / "project.toml"
    changed = settings.read_text().replace('engine = "arrow"', 'engine = "spark"\ninstance_count = 3')
    settings.write_text(changed)
    code = (
        "import sys, pathlib; from pipelines import compile\n"
        "sys.stdout.write(compile.definition('flights', 'monitoring', projects=pathlib.Path(sys.argv[1])))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=inputs.ROOT, capture_output=True, text=True, check=True
    )
    values = monitoring_inputs.read("flights", projects=tmp_path)
    assert values.engine == "spark"
    definition = compiled.CompiledDefinition("flights", "monitoring", finished.stdout)
    return definition.render(SAMPLES | CLUSTER, parameter_defaults=values.parameter_defaults())


@pytest.fixture(scope="module", params=compiled.projects())
def definition(request: pytest.FixtureRequest) -> dict[str, Any]:
    return compiled.load(request.param, "monitoring").render(SAMPLES)


def test_the_request_has_the_shape_that_sagemaker_takes(definition: dict[str, Any]) -> None:
    assert requests.faults(definition, parameters=PARAMETERS) == {"Monitor": []}


def test_the_schedule_has_to_tell_the_moment_and_nothing_else(definition: dict[str, Any]) -> None:
    assert [entry["Name"] for entry in definition["Parameters"] if "DefaultValue" not in entry] == ["Until"]


def test_the_step_takes_the_arguments_that_it_is_given(definition: dict[str, Any]) -> None:
    (step,) = requests.steps(definition)
    arguments = requests.resolve(step["Arguments"]["AppSpecification"]["ContainerArguments"], definition, PARAMETERS)
    options = vars(_parser().parse_args(["monitor", *arguments]))
    assert options["endpoint"] == "flights-production"
    assert options["until"] == PARAMETERS["Until"]


def test_nothing_of_one_region_or_account_is_written_down() -> None:
    for project in compiled.projects():
        assert "us-east-1" not in compiled.load(project, "monitoring").text


def test_with_spark_a_cluster_counts_before_the_monitor_judges(tmp_path: Path) -> None:
    definition = compiled_with_spark(tmp_path)
    assert requests.faults(definition, parameters=PARAMETERS) == {"Count": [], "Monitor": []}
    count, monitor = definition["Steps"]
    assert monitor["DependsOn"] == ["Count"]
    specification = count["Arguments"]["AppSpecification"]
    assert specification["ImageUri"] == CLUSTER["__SPARK_IMAGE_URI__"]
    assert specification["ContainerArguments"] == monitor["Arguments"]["AppSpecification"]["ContainerArguments"]
    cluster = requests.resolve(count["Arguments"]["ProcessingResources"]["ClusterConfig"], definition, PARAMETERS)
    assert cluster["InstanceCount"] == 3
    assert cluster["VolumeKmsKeyId"] == SAMPLES["__KMS_KEY__"]
    inputs_of_count = {
        entry["InputName"]: entry["S3Input"]["S3Uri"] for entry in count["Arguments"]["ProcessingInputs"]
    }
    assert inputs_of_count["wheels"] == f"s3://code-bucket/{CLUSTER['__WHEEL_KEY__']}"
    assert json.dumps(monitor).count("wheels") == 0
