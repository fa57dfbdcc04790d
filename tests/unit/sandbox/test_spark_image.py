"""AWS's Spark image in the sandbox: its packages, and the program that submits applications."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from spark_here import needs_spark

from sandbox.images import image_entries
from sandbox.programs.smspark_submit import SubmitError, java_home, parse, spark_submit
from sandbox.server import Sandbox

URI = "173754725891.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.5-cpu-py312-v1.3"
HOME = Path("/spark")


def _command(*words: str) -> list[str]:
    command = spark_submit(parse(words), home=HOME, threads=2, scratch=Path("/scratch"))
    settings = [index for index, word in enumerate(command) if word == "--conf"]
    return [word for index, word in enumerate(command) if index not in settings and index - 1 not in settings]


def test_the_application_and_its_arguments_follow_sparks_own_options() -> None:
    expected = ["/spark/bin/spark-submit", "--master", "local[2]", "--deploy-mode", "client"]
    assert _command("/app.py", "--jars", "mine", "-v") == [*expected, "/app.py", "--jars", "mine", "-v"]
    assert _command("--class", "Main", "-v", "/app.jar") == [*expected, "--class", "Main", "--verbose", "/app.jar"]


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    for name in ("b.zip", "a.py"):
        (tmp_path / name).touch()
    given = _command("--py-files", str(tmp_path), "--jars", f"s3://bucket/x.jar,{tmp_path / 'b.zip'}", "/app.py")
    assert given[given.index("--py-files") + 1] == f"{tmp_path / 'a.py'},{tmp_path / 'b.zip'}"
    assert given[given.index("--jars") + 1] == f"s3://bucket/x.jar,{tmp_path / 'b.zip'}"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "Couldn't parse input"),
        (("--conf", "a=b", "/app.py"), "Couldn't parse input"),
        (("--py-files", "relative.py", "/app.py"), "must be an absolute path"),
        (("--files", "/no/such/file", "/app.py"), "does not exist"),
    ],
)
def test_what_the_real_program_refuses_is_refused(words: tuple[str, ...], problem: str) -> None:
    with pytest.raises(SubmitError, match=problem):
        _command(*words)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SubmitError, match="Found zero files"):
        _command("--files", str(tmp_path), "/app.py")


def test_java_17_is_found() -> None:
    told = subprocess.run([java_home() / "bin" / "java", "-version"], capture_output=True, text=True, check=True).stderr
    assert 'version "17' in told


APPLICATION = """
import json, sys
from pyspark.sql import SparkSession
from helper import double

spark = SparkSession.builder.getOrCreate()

def batches(found):
    import pyarrow as pa
    for batch in found:
        yield pa.RecordBatch.from_pydict({"n": [double(n) for n in batch["n"].to_pylist()]})

rows = spark.createDataFrame([(n,) for n in range(100)], "n long").repartition(4).mapInArrow(batches, "n long")
print("RESULT " + json.dumps({"sum": rows.agg({"n": "sum"}).first()[0], "arguments": sys.argv[1:]}))
"""


@needs_spark
def test_an_application_runs_with_its_files_and_arguments_in_the_image(tmp_path: Path) -> None:
    packages, programs = image_entries(tmp_path / "links", URI)
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "helper.py").write_text("def double(n):\n    return 2 * n\n")
    environment = {
        "PATH": f"{programs / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": str(packages),
        "TMPDIR": str(tmp_path),
        "SAGEMAKER_BASE_DIR": str(tmp_path / "ml"),
        "HOME": str(tmp_path),
    }
    words = ["smspark-submit", "--py-files", str(tmp_path / "helper.py"), str(tmp_path / "app.py"), "--until", "now"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    (result,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert json.loads(result.removeprefix("RESULT ")) == {"sum": 9900, "arguments": ["--until", "now"]}


COUNTS = """
import os, pathlib
from pyspark.sql import SparkSession

context = SparkSession.builder.getOrCreate().sparkContext
total = context.parallelize(range(1000), 4).map(lambda n: 2 * n).sum()
pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "output", "message").write_text(str(total))
"""


@needs_spark
def test_a_job_of_two_instances_runs_an_application_in_a_sandbox(sandbox: Sandbox) -> None:
    storage, client = sandbox.client("s3"), sandbox.client("sagemaker")
    storage.create_bucket(Bucket="applications")
    storage.put_object(Bucket="applications", Key="app.py", Body=COUNTS.encode())
    place = {"S3Uri": "s3://applications/app.py", "LocalPath": "/opt/ml/processing/code", "S3DataType": "S3Prefix"}
    client.create_processing_job(
        ProcessingJobName="spark",
        RoleArn="arn:aws:iam::000000000000:role/spark",
        ProcessingResources={
            "ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 10}
        },
        AppSpecification={
            "ImageUri": URI,
            "ContainerEntrypoint": ["smspark-submit", "/opt/ml/processing/code/app.py"],
        },
        ProcessingInputs=[{"InputName": "code", "S3Input": {**place, "S3InputMode": "File"}}],
    )
    deadline = time.monotonic() + 120
    while (job := client.describe_processing_job(ProcessingJobName="spark"))["ProcessingJobStatus"] == "InProgress":
        assert time.monotonic() < deadline, "Spark took too long"
        time.sleep(0.1)
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ExitMessage"] == "999000"


@needs_spark
def test_a_failed_application_leaves_its_reason_where_sagemaker_looks(tmp_path: Path) -> None:
    packages, programs = image_entries(tmp_path / "links", URI)
    (tmp_path / "app.py").write_text("import sys; sys.exit(3)")
    environment = {
        **os.environ,
        "PYTHONPATH": str(packages),
        "SAGEMAKER_BASE_DIR": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }
    words = [sys.executable, str(programs / "bin" / "smspark-submit"), str(tmp_path / "app.py")]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert (
        (tmp_path / "output" / "message").read_text().startswith("Algorithm Error: spark failed with a non-zero exit")
    )
