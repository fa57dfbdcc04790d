"""Processing jobs: the container's contract, its isolation, and every way to end."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from .world import BUCKET, IMAGE, ROLE, RUN_SCRIPT, World, eventually, unique


def test_a_job_reads_its_inputs_and_its_outputs_reach_s3(world: World) -> None:
    folder = unique("inputs")
    world.put(f"{folder}/a/b.txt", "nested")
    code = world.put(f"{folder}/bundle.zip", "bundle")
    script = """
import pathlib, sys
root = pathlib.Path(sys.argv[1])
text = (root / "in/a/b.txt").read_text() + (root / "code/bundle.zip").read_text()
(root / "out" / "deep").mkdir()
(root / "out" / "deep" / "result.txt").write_text(text)
"""
    job = world.run_processing(
        script,
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": RUN_SCRIPT,
            "ContainerArguments": ["/opt/ml/processing"],
        },
        ProcessingInputs=[
            _input("in", f"s3://{BUCKET}/{folder}/", "/opt/ml/processing/in"),
            _input("code", code, "/opt/ml/processing/code"),
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": f"s3://{BUCKET}/{folder}/out",
                        "LocalPath": "/opt/ml/processing/out",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    )
    assert job["ProcessingJobStatus"] == "Completed"
    assert job["ProcessingEndTime"] >= job["ProcessingStartTime"] >= job["CreationTime"]
    assert world.get(f"s3://{BUCKET}/{folder}/out/deep/result.txt") == b"nestedbundle"


def test_the_container_gets_its_configuration_role_region_and_endpoint(world: World) -> None:
    script = """
import json, os, pathlib
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
config = json.loads((base / "config/processingjobconfig.json").read_text())
hosts = json.loads((base / "config/resourceconfig.json").read_text())
names = ["AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "PROCESSING_JOB_ARN", "MINE", "OMP_NUM_THREADS"]
said = {name: os.environ[name] for name in names} | {"config": config["ProcessingJobName"], "hosts": hosts["hosts"]}
said["leaked"] = sorted(name for name in os.environ if name.startswith("PYTEST"))
(base / "output/message").write_text(json.dumps(said))
"""
    name = unique("job")
    said = json.loads(
        world.run_processing(script, name=name, Environment={"MINE": "/opt/ml/processing/x"})["ExitMessage"]
    )
    assert said["AWS_REGION"] == "us-east-1"
    assert said["AWS_ENDPOINT_URL"] == world.platform.endpoint_url
    assert said["AWS_ACCESS_KEY_ID"] == "key-of-jobs"
    assert said["PROCESSING_JOB_ARN"].endswith(f":processing-job/{name}")
    assert said["MINE"].endswith("/ml/processing/x")
    assert not said["MINE"].startswith("/opt/ml")
    assert said["config"] == name
    assert said["hosts"] == ["algo-1"]
    assert int(said["OMP_NUM_THREADS"]) <= 2
    assert said["leaked"] == []


@pytest.mark.parametrize("module", ["ministack", "aws_cdk", "sandbox", "pydantic"])
def test_a_module_that_the_image_lacks_cannot_be_imported(world: World, module: str) -> None:
    job = world.run_processing(
        f"""
import os, pathlib, subprocess, sys
message = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "output/message")
children = [subprocess.run([python, "-c", "import {module}"], capture_output=True).returncode
            for python in (sys.executable, "python3", "python")]
try:
    import {module}
except ModuleNotFoundError as error:
    message.write_text(f"{{error}} {{children}}")
"""
    )
    assert job["ExitMessage"] == f"No module named '{module}' [1, 1, 1]"


def test_a_package_of_the_image_can_be_imported(world: World) -> None:
    assert world.run_processing("import boto3; boto3.client('s3').list_buckets()")["ProcessingJobStatus"] == "Completed"


def test_a_failing_job_says_why_in_its_own_words(world: World) -> None:
    job = world.run_processing(
        "import os, pathlib, sys\n"
        "pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'output/message').write_text('column air_time is missing')\n"
        "sys.exit(3)"
    )
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["ExitMessage"] == "column air_time is missing"
    assert job["FailureReason"] == "AlgorithmError: column air_time is missing, exit code: 3"


def test_what_is_uploaded_continuously_outlives_a_job_that_fails(world: World) -> None:
    folder = unique("failing")
    script = """
import pathlib, sys
for name in ("report", "rows"):
    (pathlib.Path(sys.argv[1]) / name / "result.txt").write_text(name)
sys.exit(1)
"""
    outputs = [
        {
            "OutputName": name,
            "S3Output": {
                "S3Uri": f"s3://{BUCKET}/{folder}/{name}",
                "LocalPath": f"/opt/ml/processing/{name}",
                "S3UploadMode": mode,
            },
        }
        for name, mode in (("report", "Continuous"), ("rows", "EndOfJob"))
    ]
    job = world.run_processing(
        script,
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": RUN_SCRIPT,
            "ContainerArguments": ["/opt/ml/processing"],
        },
        ProcessingOutputConfig={"Outputs": outputs},
    )
    assert job["ProcessingJobStatus"] == "Failed"
    assert world.get(f"s3://{BUCKET}/{folder}/report/result.txt") == b"report"
    with pytest.raises(ClientError, match="NoSuchKey"):
        world.get(f"s3://{BUCKET}/{folder}/rows/result.txt")


def test_a_job_that_fails_silently_points_to_its_log(world: World) -> None:
    assert world.run_processing("raise SystemExit(1)")["FailureReason"] == (
        "AlgorithmError: See job logs for more information"
    )


def test_missing_input_data_is_named(world: World) -> None:
    missing = f"s3://{BUCKET}/nothing/here"
    job = world.run_processing("", ProcessingInputs=[_input("in", missing, "/opt/ml/processing/in")])
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == f"ClientError: no object found under {missing}"


def test_without_a_network_a_job_cannot_reach_aws(world: World) -> None:
    script = """
import boto3, os, pathlib
try:
    boto3.client("s3").list_buckets()
except Exception as error:
    pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "output/message").write_text(type(error).__name__)
"""
    job = world.run_processing(script, NetworkConfig={"EnableNetworkIsolation": True})
    assert job["ExitMessage"] == "NoCredentialsError"


def test_a_program_that_is_not_there_is_named(world: World) -> None:
    job = world.run_processing(
        "", AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["/no/such/program", "x"]}
    )
    assert job["FailureReason"].startswith("ClientError: CannotStartContainerError")
    assert "/no/such/program" in job["FailureReason"]


def test_more_instances_than_one_are_refused_rather_than_ignored(world: World) -> None:
    cluster = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
    job = world.run_processing("", ProcessingResources={"ClusterConfig": cluster})
    assert "set InstanceCount to 1" in job["FailureReason"]


def test_an_image_that_makes_a_cluster_of_its_instances_runs_on_one_of_them(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "smspark-submit"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n" + 'echo "submitted $@" > "$SAGEMAKER_BASE_DIR/output/message"\n')
    program.chmod(0o755)
    monkeypatch.setattr(world.platform, "image", lambda _, **__: [world.platform.image_dir, tmp_path])
    cluster = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
    job = world.run_processing(
        "",
        ProcessingResources={"ClusterConfig": cluster},
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["smspark-submit", "/opt/ml/processing/script/a.py"],
        },
    )
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ExitMessage"].startswith("submitted /")
    assert job["ExitMessage"].endswith("/ml/processing/script/a.py")


def test_a_local_path_outside_the_container_tree_is_refused(world: World) -> None:
    with pytest.raises(ClientError, match="must be /opt/ml/processing or below it"):
        world.start_processing("", ProcessingInputs=[_input("in", f"s3://{BUCKET}/x", "/etc")])


def test_an_unknown_image_fails_the_job(world: World) -> None:
    job = world.run_processing(
        "", AppSpecification={"ImageUri": "elsewhere/image:1", "ContainerEntrypoint": ["python3", "-V"]}
    )
    assert job["FailureReason"] == "ClientError: no image elsewhere/image:1"


def test_a_job_can_be_stopped(world: World) -> None:
    name = world.start_processing("import time\nprint('under way', flush=True)\ntime.sleep(600)")
    log = world.platform.log_dir / "jobs" / f"{name}.log"
    eventually(lambda: log.exists() and "under way" in log.read_text(), what="the start of the process")
    world.sagemaker.stop_processing_job(ProcessingJobName=name)
    job = world.processing_end(name)
    assert job["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match=r"ValidationException.*status Stopped"):
        world.sagemaker.stop_processing_job(ProcessingJobName=name)


def test_a_job_that_runs_too_long_is_ended_with_what_it_started(world: World) -> None:
    script = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    job = world.run_processing(script, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert job["ProcessingJobStatus"] == "Stopped"
    assert "MaxRuntimeInSeconds of 1" in job["FailureReason"]


def test_what_a_job_prints_is_in_cloudwatch_logs_and_on_disk(world: World) -> None:
    name = world.start_processing("import sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)")
    world.processing_end(name)
    logs = world.platform.client("logs")

    def messages() -> list[str]:
        group = "/aws/sagemaker/ProcessingJobs"
        try:
            found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/algo-1-")
        except logs.exceptions.ResourceNotFoundException:
            return []
        streams = found["logStreams"]
        if not streams:
            return []
        events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])["events"]
        return [event["message"] for event in events]

    assert sorted(eventually(messages, what="the log lines")) == ["to stderr", "to stdout"]
    assert "to stdout" in (world.platform.log_dir / "jobs" / f"{name}.log").read_text()


def test_the_name_of_a_job_is_taken_once(world: World) -> None:
    name = world.start_processing("")
    with pytest.raises(ClientError, match="ResourceInUse"):
        world.start_processing("", name=name)
    world.processing_end(name)


def test_a_job_tells_its_states_in_order(world: World) -> None:
    name = world.start_processing("")
    details = world.events_until(
        "SageMaker Processing Job State Change",
        about=name,
        last=lambda detail: detail["ProcessingJobStatus"] == "Completed",
    )
    assert [detail["ProcessingJobStatus"] for detail in details] == ["InProgress", "Completed"]
    assert details[-1]["ProcessingJobName"] == name
    assert details[-1]["RoleArn"] == ROLE
    assert isinstance(details[-1]["ProcessingEndTime"], int)


def _input(name: str, uri: str, path: str) -> dict[str, object]:
    return {
        "InputName": name,
        "S3Input": {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"},
    }
