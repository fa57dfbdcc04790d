"""Pipelines: values, dependencies, failures, stops and what is told of them."""

import itertools
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .steps import WRITE, fail_step
from .world import BUCKET, IMAGE, ROLE, World, eventually, unique

_DEAF = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), exit(1)))
print("under way", flush=True)
time.sleep(600)
"""
_EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
_STEP = "SageMaker Model Building Pipeline Execution Step Status Change"


def test_parameters_joins_and_outputs_of_earlier_steps_reach_the_arguments(world: World) -> None:
    first = world.processing_step("First", WRITE, {"Std:Join": {"On": "-", "Values": [_get("Parameters.Text"), 7]}})
    folder = unique("result")
    second = world.processing_step(
        "Second",
        """
import os, pathlib, sys
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
text = (base / "processing/in/result.json").read_text()
(base / "processing/out/said.txt").write_text(" ".join([text, *sys.argv[1:]]))
""",
        _get("Parameters.Number"),
        _get("Execution.PipelineExecutionId"),
        {"Std:Join": {"On": "", "Values": [_get("Parameters.Flag")]}},
    )
    second["Arguments"]["AppSpecification"]["ContainerArguments"][0] = {
        "Std:Join": {"On": "", "Values": [_get("Parameters.Number")]}
    }
    second["Arguments"]["ProcessingInputs"].append(
        {
            "InputName": "in",
            "S3Input": {
                "S3Uri": _get("Steps.First.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"),
                "LocalPath": "/opt/ml/processing/in",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
            },
        }
    )
    second["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = f"s3://{BUCKET}/{folder}"
    pipeline = world.create_pipeline(
        second,
        first,
        parameters=[
            {"Name": "Text", "Type": "String", "DefaultValue": "default"},
            {"Name": "Number", "Type": "Integer", "DefaultValue": 3},
            {"Name": "Flag", "Type": "Boolean", "DefaultValue": True},
        ],
    )
    arn = world.start(pipeline, Text="given")
    assert world.execution_end(arn)["PipelineExecutionStatus"] == "Succeeded"
    identifier = arn.rsplit("/", 1)[-1]
    assert world.get(f"s3://{BUCKET}/{folder}/said.txt").decode() == f"given-7 3 {identifier} true"
    listed = world.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert {item["Name"]: item["Value"] for item in listed} == {"Text": "given", "Number": "3", "Flag": "True"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Kind": "c"}, "must be one of"),
        ({"Count": "many"}, "is of type Integer"),
        ({"Other": "x"}, "not defined in the pipeline"),
        ({}, "has no default value"),
    ],
)
def test_wrong_parameters_are_refused_at_the_start(world: World, parameters: dict[str, str], message: str) -> None:
    pipeline = world.create_pipeline(
        fail_step("x"),
        parameters=[
            {"Name": "Kind", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
            {"Name": "Count", "Type": "Integer"},
        ],
    )
    with pytest.raises(ClientError, match=message):
        world.start(pipeline, **({"Count": "1"} if parameters and "Count" not in parameters else {}), **parameters)


def test_a_failing_step_fails_the_execution_with_its_reason_and_starts_nothing_more(world: World) -> None:
    message = "column air_time is missing"
    broken = world.processing_step(
        "Validate",
        "import os, pathlib, sys\n"
        f"pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'output/message').write_text('{message}')\n"
        "sys.exit(1)",
    )
    pipeline = world.create_pipeline(broken, world.processing_step("Prepare", "", DependsOn=["Validate"]))
    arn = world.start(pipeline)
    execution = world.execution_end(arn)
    steps = world.steps(arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Step failure: One or multiple steps failed."
    assert list(steps) == ["Validate"]
    assert steps["Validate"]["StepStatus"] == "Failed"
    assert steps["Validate"]["FailureReason"] == f"ClientError: AlgorithmError: {message}, exit code: 1"
    job = steps["Validate"]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[-1]
    assert job.startswith(f"pipelines-{arn.rsplit('/', 1)[-1]}-Validate-")
    assert world.sagemaker.describe_processing_job(ProcessingJobName=job)["ExitMessage"] == message


def test_arguments_that_aws_would_refuse_fail_the_step(world: World) -> None:
    step = world.processing_step("Validate", "")
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceType"] = "ml.unheard.of"
    status, steps = world.run(world.create_pipeline(step))
    assert status == "Failed"
    reason = steps["Validate"]["FailureReason"]
    assert reason.startswith("ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: ")
    assert "ml.unheard.of" in reason


def test_independent_steps_run_side_by_side(world: World) -> None:
    # Each waits for the other's object: run one after the other, neither would end.
    folder = unique("meeting")
    script = f"""
import boto3, sys, time
s3 = boto3.client("s3")
s3.put_object(Bucket="{BUCKET}", Key=f"{folder}/{{sys.argv[1]}}", Body=b"")
until = time.monotonic() + 20
while time.monotonic() < until:
    if s3.list_objects_v2(Bucket="{BUCKET}", Prefix="{folder}/")["KeyCount"] == 2:
        sys.exit(0)
    time.sleep(0.02)
sys.exit(1)
"""
    pipeline = world.create_pipeline(
        world.processing_step("One", script, "one"), world.processing_step("Two", script, "two")
    )
    assert world.run(pipeline)[0] == "Succeeded"


def test_a_stopped_execution_stops_its_job_and_ends_as_stopped(world: World) -> None:
    pipeline = world.create_pipeline(
        world.processing_step("Long", _DEAF),
        world.processing_step("Later", "", DependsOn=["Long"]),
    )
    arn = world.start(pipeline)
    metadata = eventually(lambda: world.steps(arn).get("Long", {}).get("Metadata"), what="the start of the step's job")
    log = world.platform.log_dir / "jobs" / f"{metadata['ProcessingJob']['Arn'].rsplit('/', 1)[-1]}.log"
    eventually(lambda: log.exists() and "under way" in log.read_text(), what="the start of the process")
    world.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    with pytest.raises(ClientError, match=r"ConflictException.*executions that are running"):
        world.sagemaker.delete_pipeline(PipelineName=pipeline)
    assert world.execution_end(arn)["PipelineExecutionStatus"] == "Stopped"
    world.sagemaker.delete_pipeline(PipelineName=pipeline)
    assert {name: step["StepStatus"] for name, step in world.steps(arn).items()} == {"Long": "Stopped"}
    with pytest.raises(ClientError, match="ConflictException"):
        world.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)


def test_the_same_token_starts_one_execution(world: World) -> None:
    pipeline = world.create_pipeline(fail_step("x"))
    token = "t" * 32
    arns = {
        world.sagemaker.start_pipeline_execution(PipelineName=pipeline, ClientRequestToken=token)[
            "PipelineExecutionArn"
        ]
        for _ in range(3)
    }
    assert len(arns) == 1
    listed = world.sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]
    assert [item["PipelineExecutionArn"] for item in listed] == list(arns)


def test_an_execution_keeps_the_definition_that_it_started_with(world: World) -> None:
    pipeline = world.create_pipeline(fail_step("old"))
    arn = world.start(pipeline)
    new = json.dumps({"Version": "2020-12-01", "Steps": [fail_step("new")]})
    world.sagemaker.update_pipeline(PipelineName=pipeline, PipelineDefinition=new)
    described = world.sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert "old" in described["PipelineDefinition"]
    assert world.sagemaker.describe_pipeline(PipelineName=pipeline)["PipelineDefinition"] == new


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("{", "not JSON"),
        ({"Version": "2019-01-01", "Steps": []}, "Version must be '2020-12-01'"),
        ({"Version": "2020-12-01", "Steps": []}, "has no Steps"),
        ({"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": "Magic"}]}, "type 'Magic'"),
        ({"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": "Fail", "DependsOn": ["B"]}]}, "do not exist"),
        (
            {
                "Version": "2020-12-01",
                "Steps": [
                    {"Name": "A", "Type": "Fail", "DependsOn": ["B"]},
                    {"Name": "B", "Type": "Fail", "DependsOn": ["A"]},
                ],
            },
            "wait for each other",
        ),
        (
            {
                "Version": "2020-12-01",
                "Steps": [{"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.X"}}}],
            },
            "parameters that do not exist",
        ),
        (
            {"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": "Fail"}, {"Name": "A", "Type": "Fail"}]},
            "must be unique",
        ),
        (
            {
                "Version": "2020-12-01",
                "Steps": [
                    {
                        "Name": "Outer",
                        "Type": "Condition",
                        "Arguments": {
                            "Conditions": [],
                            "IfSteps": [{"Name": "Inner", "Type": "Condition", "Arguments": {"Conditions": []}}],
                        },
                    }
                ],
            },
            "cannot be nested",
        ),
    ],
)
def test_a_wrong_definition_is_refused_when_it_is_stored(world: World, definition: Any, message: str) -> None:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    with pytest.raises(ClientError, match=f"ValidationException.*{message}"):
        world.sagemaker.create_pipeline(PipelineName=unique("p"), PipelineDefinition=text, RoleArn=ROLE)


def test_a_model_step_creates_the_model_that_a_training_step_made(world: World) -> None:
    code = world.put(
        f"{unique('code')}/train.py",
        "import os, pathlib\npathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'model/weights').write_text('1')\n",
    )
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": code}}
    train = {
        "Name": "Train",
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/train.py"],
            },
            "InputDataConfig": [{"ChannelName": "code", "DataSource": source}],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "RoleArn": ROLE,
        },
    }
    container = {"Image": IMAGE, "ModelDataUrl": _get("Steps.Train.ModelArtifacts.S3ModelArtifacts")}
    model = {
        "Name": "Create",
        "Type": "Model",
        "Arguments": {"PrimaryContainer": container, "ExecutionRoleArn": ROLE},
    }
    status, steps = world.run(world.create_pipeline(model, train))
    assert status == "Succeeded", steps
    name = steps["Create"]["Metadata"]["Model"]["Arn"].rsplit("/", 1)[-1]
    described = world.sagemaker.describe_model(ModelName=name)["PrimaryContainer"]
    job = steps["Train"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[-1]
    assert described["ModelDataUrl"] == f"s3://{BUCKET}/models/{job}/output/model.tar.gz"


def test_a_register_step_records_where_the_version_came_from(world: World) -> None:
    group = unique("group")
    world.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": group,
            "ModelApprovalStatus": _get("Parameters.Approval"),
            "CustomerMetadataProperties": {"execution": _get("Execution.PipelineExecutionId")},
        },
    }
    pipeline = world.create_pipeline(register, parameters=[{"Name": "Approval", "Type": "String"}])
    status, steps = world.run(pipeline, Approval="Approved")
    assert status == "Succeeded", steps
    arn = steps["Register"]["Metadata"]["RegisterModel"]["Arn"]
    package = world.sagemaker.describe_model_package(ModelPackageName=arn)
    execution = package["MetadataProperties"]["GeneratedBy"]
    assert f":pipeline/{pipeline}/execution/" in execution
    assert package["CustomerMetadataProperties"] == {"execution": execution.rsplit("/", 1)[-1]}
    assert package["ModelApprovalStatus"] == "Approved"


def test_a_limit_on_parallelism_is_kept(world: World) -> None:
    steps = [world.processing_step(f"Step{number}", "") for number in range(4)]
    pipeline = world.create_pipeline(*steps)
    answer = world.sagemaker.start_pipeline_execution(
        PipelineName=pipeline, ParallelismConfiguration={"MaxParallelExecutionSteps": 1}
    )
    world.execution_end(answer["PipelineExecutionArn"])
    runs = sorted(world.steps(answer["PipelineExecutionArn"]).values(), key=lambda step: step["StartTime"])
    assert len(runs) == 4
    assert all(earlier["EndTime"] <= later["StartTime"] for earlier, later in itertools.pairwise(runs))


def test_an_unknown_pipeline_is_not_found(world: World) -> None:
    with pytest.raises(ClientError, match=r"ResourceNotFound.*does not exist"):
        world.sagemaker.describe_pipeline(PipelineName="nowhere")


def test_the_events_of_an_execution_tell_every_change_in_order(world: World) -> None:
    pipeline = world.create_pipeline(world.processing_step("Only", ""))
    arn = world.start(pipeline)
    executions = world.events_until(
        _EXECUTION, about=arn, last=lambda detail: detail["currentPipelineExecutionStatus"] == "Succeeded"
    )
    assert [detail["currentPipelineExecutionStatus"] for detail in executions] == ["Executing", "Succeeded"]
    assert executions[-1]["previousPipelineExecutionStatus"] == "Executing"
    assert executions[-1]["pipelineExecutionArn"] == arn
    assert executions[-1]["pipelineArn"].endswith(f":pipeline/{pipeline}")
    assert time.strptime(executions[-1]["executionEndTime"], "%Y-%m-%dT%H:%M:%SZ")
    steps = world.events(_STEP, about=arn)
    assert [step["currentStepStatus"] for step in steps] == ["Starting", "Executing", "Succeeded"]
    assert steps[-1]["metadata"]["processingJob"]["arn"].startswith("arn:aws:sagemaker:")
    assert steps[-1]["stepType"] == "Processing"


def _get(path: str) -> dict[str, str]:
    return {"Get": path}
