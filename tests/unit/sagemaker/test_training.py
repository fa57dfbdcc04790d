"""Training jobs: the container's contract, the archives and the ends."""

import io
import json
import tarfile
from typing import Any

import pytest

from .world import BUCKET, IMAGE, ROLE, World, eventually, unique


def _train(world: World, script: str | None, **changes: Any) -> dict[str, Any]:
    """Run a training job to its end; a script comes in by the channel `code`."""
    name = unique("train")
    algorithm: dict[str, Any] = {"TrainingImage": IMAGE, "TrainingInputMode": "File"}
    channels = changes.pop("InputDataConfig", [])
    if script is not None:
        uri = world.put(f"scripts/{name}/script.py", script)
        channels = [*channels, _channel("code", uri)]
        algorithm["ContainerEntrypoint"] = ["python3", "/opt/ml/input/data/code/script.py"]
    request = {
        "TrainingJobName": name,
        "AlgorithmSpecification": algorithm,
        "RoleArn": ROLE,
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }
    world.sagemaker.create_training_job(**{key: value for key, value in request.items() if value})

    def ended() -> dict[str, Any] | None:
        job: dict[str, Any] = world.sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] not in ("InProgress", "Stopping") else None

    job: dict[str, Any] = eventually(ended, what=f"the end of {name}")
    return job


def _channel(name: str, uri: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
        },
    }


_MODEL = """
import json, os, pathlib
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
config = base / "input/config"
said = {
    "hyperparameters": json.loads((config / "hyperparameters.json").read_text()),
    "channels": sorted(json.loads((config / "inputdataconfig.json").read_text())),
    "host": json.loads((config / "resourceconfig.json").read_text())["current_host"],
    "data": (base / "input/data/train/rows.csv").read_text(),
    "job": [os.environ["TRAINING_JOB_NAME"], os.environ["TRAINING_JOB_ARN"].rsplit("/", 1)[-1]],
}
(base / "model/deep").mkdir()
(base / "model/deep/said.json").write_text(json.dumps(said))
(base / "output/data/report.txt").write_text("fine")
"""


def _members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers() if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}


def test_the_container_finds_its_data_and_its_model_reaches_s3(world: World) -> None:
    folder = unique("data")
    world.put(f"{folder}/train/rows.csv", "1,2")
    job = _train(
        world,
        _MODEL,
        HyperParameters={"rounds": "300"},
        InputDataConfig=[_channel("train", f"s3://{BUCKET}/{folder}/train")],
    )
    name = job["TrainingJobName"]
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/models/{name}/output/model.tar.gz"
    said = json.loads(_members(world.get(job["ModelArtifacts"]["S3ModelArtifacts"]))["deep/said.json"])
    assert said == {
        "hyperparameters": {"rounds": "300"},
        "channels": ["code", "train"],
        "host": "algo-1",
        "data": "1,2",
        "job": [name, name],
    }
    assert _members(world.get(f"s3://{BUCKET}/models/{name}/output/output.tar.gz")) == {"report.txt": b"fine"}
    assert [item["Status"] for item in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]


def test_the_same_model_gives_the_same_bytes(world: World) -> None:
    script = """
import os, pathlib, random
model = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "model")
names = ["a", "b", "c/d"]
random.shuffle(names)
for name in names:
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text(name * 1000)
"""
    archives = {world.get(_train(world, script)["ModelArtifacts"]["S3ModelArtifacts"]) for _ in range(2)}
    assert len(archives) == 1


def test_a_failing_job_says_why_in_its_own_words(world: World) -> None:
    job = _train(
        world,
        "import os, pathlib, sys\n"
        "pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'], 'output/failure').write_text('no rows left')\n"
        "sys.exit(2)",
    )
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: no rows left, exit code: 2"


def test_a_job_that_runs_too_long_ends_as_max_runtime_exceeded(world: World) -> None:
    job = _train(world, "import time; time.sleep(600)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_missing_data_is_named(world: World) -> None:
    job = _train(world, "", InputDataConfig=[_channel("train", f"s3://{BUCKET}/nothing/")])
    assert job["FailureReason"] == f"ClientError: no object found under s3://{BUCKET}/nothing/"


def test_a_mode_that_the_sandbox_lacks_is_refused(world: World) -> None:
    uri = world.put(f"{unique('data')}/rows.csv", "1")
    job = _train(world, "", InputDataConfig=[{**_channel("train", uri), "InputMode": "Pipe"}])
    assert "channel 'train': the sandbox copies files as they are" in job["FailureReason"]


def test_script_mode_runs_the_script_of_the_hyperparameters(world: World) -> None:
    script = (
        b"import json, os, sys\n"
        b"path = os.path.join(os.environ['SM_MODEL_DIR'], 'said.json')\n"
        b"json.dump([sys.argv[1:], os.environ['SM_HP_DEPTH'], os.environ['SM_CHANNELS']], open(path, 'w'))\n"
    )
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(script)
        tar.addfile(entry, io.BytesIO(script))
    uri = world.put(f"{unique('source')}/sourcedir.tar.gz", buffer.getvalue())
    job = _train(
        world,
        None,
        HyperParameters={
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": json.dumps(uri),
            "depth": "8",
            "name": '"deep"',
        },
    )
    assert job["TrainingJobStatus"] == "Completed", job
    said = json.loads(_members(world.get(job["ModelArtifacts"]["S3ModelArtifacts"]))["said.json"])
    assert said == [["--depth", "8", "--name", "deep"], "8", "[]"]


def test_without_a_script_the_job_fails_and_says_what_to_give(world: World) -> None:
    assert "give ContainerEntrypoint" in _train(world, None)["FailureReason"]


@pytest.mark.parametrize("status", ["Completed", "Failed"])
def test_a_job_tells_its_states_in_order(world: World, status: str) -> None:
    job = _train(world, "" if status == "Completed" else "raise SystemExit(1)")
    details = world.events_until(
        "SageMaker Training Job State Change",
        about=job["TrainingJobName"],
        last=lambda detail: detail["TrainingJobStatus"] == status,
    )
    assert [detail["SecondaryStatus"] for detail in details] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        status,
    ]
    assert ("FailureReason" in details[-1]) == (status == "Failed")
