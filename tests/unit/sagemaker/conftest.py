"""A running SageMaker service behind real HTTP, with a real S3, Logs and CloudWatch of MiniStack beside it."""

import asyncio
import json
import secrets
import socket
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import emulator
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.sagemaker.platform import UnknownImageError
from sandbox.sagemaker.service import SageMaker
from sandbox.sagemaker.settings import Settings

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/jobs"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0-cpu-py3"
BUCKET = "bucket-of-tests"
TIMEOUT = 30.0
RUN_SCRIPT = ["python3", "/opt/ml/processing/script/script.py"]
_IMAGE_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    services = "s3,logs,events,sts,iam,cloudwatch"
    with emulator.serve(tmp_path_factory.mktemp("ministack"), services=services) as url:
        yield url


@pytest.fixture(scope="session")
def image_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("image")
    packages = Path(sysconfig.get_path("purelib"))
    for name in _IMAGE_PACKAGES:
        (directory / name).symlink_to(packages / name)
    return directory


def _application(service: SageMaker) -> Any:
    async def application(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, answered, content = await service.handle_request(scope["method"], scope["path"], headers, body, {})
        pairs = [(name.lower().encode(), value.encode()) for name, value in answered.items()]
        pairs.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": content})

    return application


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The tests keep theirs."""


def _serve(service: SageMaker, listening: socket.socket) -> Callable[[], None]:
    config = uvicorn.Config(_application(service), log_level="warning", lifespan="off", ws="none", loop="asyncio")
    server = _Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()

    eventually(lambda: server.started, what="the start of the test server")
    return stop


@pytest.fixture(scope="session")
def make_world(
    ministack: str, image_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Settings], World]]:
    stops: list[Callable[[], None]] = []

    def make(settings: Settings) -> World:
        directory = tmp_path_factory.mktemp("world")
        for name in ("work", "logs"):
            (directory / name).mkdir()
        # With the protocol named: asyncio switches Nagle off for such sockets only.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        platform = TestPlatform(
            endpoint_url=ministack,
            sagemaker_url=url,
            work_dir=directory / "work",
            log_dir=directory / "logs",
            image_dir=image_dir,
        )
        service = SageMaker(platform, settings)
        stop_server = _serve(service, listening)
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
        client: Any = boto3.session.Session(region_name=REGION).client
        world = World(
            platform=platform,
            service=service,
            url=url,
            sagemaker=client("sagemaker", endpoint_url=url, config=config),
            runtime=client("sagemaker-runtime", endpoint_url=url, config=config),
            s3=platform.client("s3"),
        )
        stops.extend([service.stop, stop_server])
        for closing in (world.sagemaker, world.runtime):
            stops.insert(0, closing.close)
        stops.append(platform.close)
        return world

    yield make
    for stop in stops:
        stop()


@pytest.fixture(scope="session")
def world(make_world: Callable[[Settings], World]) -> World:
    world = make_world(Settings(health_check_timeout=20.0, flush_interval=0.1, drain_timeout=5.0))
    world.s3.create_bucket(Bucket=BUCKET)
    return world


@pytest.fixture
def deploy(world: World) -> Iterator[Callable[[str], str]]:
    """Creates endpoints and deletes them at the end of the test."""
    names = []

    def create(config: str) -> str:
        name = unique("endpoint")
        names.append(name)
        world.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        world.endpoint_settled(name)
        return name

    yield create
    for name in names:
        world.endpoint_settled(name)
        world.sagemaker.delete_endpoint(EndpointName=name)
    eventually(lambda: all(_is_gone(world, name) for name in names), what=f"the deletion of {names}")


def _is_gone(world: World, name: str) -> bool:
    try:
        world.sagemaker.describe_endpoint(EndpointName=name)
    except ClientError:
        return True
    return False


def json_lines(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]
