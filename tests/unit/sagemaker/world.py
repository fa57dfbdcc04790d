"""A running SageMaker service as its tests see it: what they ask of it, and where its traces are."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sandbox.sagemaker.platform import UnknownImageError
from sandbox.sagemaker.service import SageMaker

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/jobs"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0-cpu-py3"
BUCKET = "bucket-of-tests"
TIMEOUT = 30.0
RUN_SCRIPT = ["python3", "/opt/ml/processing/script/script.py"]


def eventually(condition: Callable[[], Any], *, what: str) -> Any:
    """Wait for a truthy value and return it; fail with a sentence otherwise."""
    deadline = time.monotonic() + TIMEOUT
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {TIMEOUT} seconds")
        time.sleep(0.01)
    return value


@dataclass
class Clock:
    """Real time whose waiting times pass a thousand times as fast."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def real_seconds(self, seconds: float) -> float:
        return seconds / 1000


@dataclass
class TestPlatform:
    """The platform of the tests: MiniStack for AWS, a directory with some packages for the image."""

    __test__ = False

    endpoint_url: str
    sagemaker_url: str
    work_dir: Path
    log_dir: Path
    image_dir: Path
    account: str = ACCOUNT
    region: str = REGION
    clock: Clock = field(default_factory=Clock)
    events: list[tuple[str, Mapping[str, Any], tuple[str, ...]]] = field(default_factory=list)
    clients: dict[tuple[str, str | None], Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str, role_arn: str | None = None) -> Any:
        with self.lock:
            key = (service, role_arn)
            if key not in self.clients:
                config = Config(max_pool_connections=50)
                url = self.sagemaker_url if service == "sagemaker" else self.endpoint_url
                make: Any = boto3.session.Session().client
                self.clients[key] = make(service, endpoint_url=url, region_name=REGION, config=config)
            return self.clients[key]

    def close(self) -> None:
        for client in self.clients.values():
            client.close()

    def credentials(self, role_arn: str) -> Mapping[str, str]:
        return {"AWS_ACCESS_KEY_ID": f"key-of-{role_arn.rsplit('/', 1)[-1]}", "AWS_SECRET_ACCESS_KEY": "secret"}

    def emit(self, detail_type: str, *, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
        self.events.append((detail_type, detail, tuple(resources)))

    def image(self, uri: str, *, role_arn: str) -> Sequence[Path]:
        del role_arn
        if uri != IMAGE:
            raise UnknownImageError(f"no image {uri}")
        return [self.image_dir]


@dataclass
class World:
    """What a test talks to."""

    platform: TestPlatform
    service: SageMaker
    url: str
    sagemaker: Any
    runtime: Any
    s3: Any

    def put(self, key: str, body: bytes | str) -> str:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())]

    def events(self, detail_type: str, *, about: str) -> list[Mapping[str, Any]]:
        return [
            detail
            for kind, detail, resources in list(self.platform.events)
            if kind == detail_type and any(about in resource for resource in resources)
        ]

    def events_until(
        self, detail_type: str, *, about: str, last: Callable[[Mapping[str, Any]], bool]
    ) -> list[Mapping[str, Any]]:
        def complete() -> list[Mapping[str, Any]]:
            found = self.events(detail_type, about=about)
            return found if found and last(found[-1]) else []

        found: list[Mapping[str, Any]] = eventually(complete, what=f"the last {detail_type} about {about}")
        return found

    def run_processing(self, script: str, **changes: Any) -> dict[str, Any]:
        """Run a processing job of a Python script to its end; the answer of DescribeProcessingJob."""
        name = self.start_processing(script, **changes)
        return self.processing_end(name)

    def start_processing(self, script: str, **changes: Any) -> str:
        """Start a processing job whose script comes from S3, as a ScriptProcessor's does."""
        name = changes.pop("name", unique("job"))
        code = {
            "InputName": "script",
            "S3Input": {
                "S3Uri": self.put(f"scripts/{unique('s')}/script.py", script),
                "LocalPath": "/opt/ml/processing/script",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
            },
        }
        inputs = [code, *changes.pop("ProcessingInputs", [])]
        request = {
            "ProcessingJobName": name,
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
            },
            "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": RUN_SCRIPT},
            "RoleArn": ROLE,
            "ProcessingInputs": inputs,
            **changes,
        }
        self.sagemaker.create_processing_job(**request)
        return str(name)

    def processing_end(self, name: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            job: dict[str, Any] = self.sagemaker.describe_processing_job(ProcessingJobName=name)
            return job if job["ProcessingJobStatus"] not in ("InProgress", "Stopping") else None

        job: dict[str, Any] = eventually(ended, what=f"the end of {name}")
        return job

    def create_pipeline(self, *steps: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]] = ()) -> str:
        """Store a pipeline of these steps; its name."""
        definition = {"Version": "2020-12-01", "Parameters": parameters, "Steps": steps}
        name = unique("pipeline")
        self.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=ROLE)
        return name

    def start(self, pipeline: str, **parameters: str) -> str:
        given = [{"Name": name, "Value": value} for name, value in parameters.items()]
        answer = self.sagemaker.start_pipeline_execution(PipelineName=pipeline, PipelineParameters=given)
        return str(answer["PipelineExecutionArn"])

    def run(self, pipeline: str, **parameters: str) -> tuple[str, dict[str, dict[str, Any]]]:
        """Run a pipeline to its end; the status and the steps by name."""
        arn = self.start(pipeline, **parameters)
        return str(self.execution_end(arn)["PipelineExecutionStatus"]), self.steps(arn)

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        steps = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, MaxResults=100)
        return {step["StepName"]: step for step in steps["PipelineExecutionSteps"]}

    def processing_step(self, name: str, script: str, *arguments: Any, **changes: Any) -> dict[str, Any]:
        """A step whose script comes from S3 and whose output `out` goes to a prefix of its own."""
        request = {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
            },
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": RUN_SCRIPT,
                "ContainerArguments": list(arguments) or ["none"],
            },
            "RoleArn": ROLE,
            "ProcessingInputs": [
                {
                    "InputName": "script",
                    "S3Input": {
                        "S3Uri": self.put(f"scripts/{unique('s')}/script.py", script),
                        "LocalPath": "/opt/ml/processing/script",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "out",
                        "S3Output": {
                            "S3Uri": f"s3://{BUCKET}/{unique('out')}",
                            "LocalPath": "/opt/ml/processing/out",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
        }
        return {"Name": name, "Type": "Processing", "Arguments": request, **changes}

    def execution_end(self, arn: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            execution: dict[str, Any] = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            return execution if execution["PipelineExecutionStatus"] not in ("Executing", "Stopping") else None

        execution: dict[str, Any] = eventually(ended, what=f"the end of {arn}")
        return execution

    def endpoint_settled(self, name: str) -> dict[str, Any]:
        def settled() -> dict[str, Any] | None:
            endpoint: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
            return endpoint if endpoint["EndpointStatus"] in ("InService", "Failed") else None

        endpoint: dict[str, Any] = eventually(settled, what=f"a settled {name}")
        return endpoint


def unique(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(4)}"


def json_lines(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]
