"""A running SageMaker service behind real HTTP, with a real S3, Logs and CloudWatch of MiniStack beside it."""

import asyncio
import socket
import sysconfig
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import emulator
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.sagemaker.service import SageMaker
from sandbox.sagemaker.settings import Settings

from .world import BUCKET, REGION, TestPlatform, World, eventually, unique

_IMAGE_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")


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
