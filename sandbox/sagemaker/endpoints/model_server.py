"""One model server as its parent sees it: a process with a port of its own."""

import logging
import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import aiohttp
import urllib3

from sandbox.sagemaker.archive import unpack
from sandbox.sagemaker.endpoints.records import EndpointConfig, Model
from sandbox.sagemaker.instances import instance
from sandbox.sagemaker.isolation import environment, python
from sandbox.sagemaker.jobs.process import limit_memory
from sandbox.sagemaker.jobs.workspace import Workspace
from sandbox.sagemaker.logs import LogShipper
from sandbox.sagemaker.platform import Platform, UnknownImageError
from sandbox.sagemaker.storage import Storage, StorageError

_log = logging.getLogger(__name__)
_PROGRAM = Path(__file__).resolve().parents[1] / "server" / "__main__.py"
_BACKLOG = 128
_STOP_AFTER = 5.0
_DEATH_TAKES = 0.2


class ServerError(Exception):
    """The server cannot be started or does not become healthy; the message is the endpoint's FailureReason."""


class ServerTimeoutError(Exception):
    """The model did not answer in time."""


class ServerGoneError(Exception):
    """The process ended or closed the connection."""


@dataclass(frozen=True)
class Place:
    """Where a server belongs: the endpoint, the variant and its instance type."""

    endpoint: str
    variant: str
    instance_type: str


@dataclass(frozen=True)
class Reply:
    """What the container answered; the latency in seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency: float


class ModelServer:
    """A running container of a variant; `acquire` and `release` count the requests that it still has to answer."""

    def __init__(
        self, platform: Platform, *, model: Model, config: EndpointConfig, place: Place, logs: LogShipper
    ) -> None:
        self.model = model
        self.config = config
        self.place = place
        self._platform = platform
        self._logs = logs
        instance_id = f"i-{secrets.token_hex(8)}"
        self._workspace = Workspace(platform.work_dir / "endpoints" / place.endpoint / instance_id)
        self._log_file = platform.log_dir / "endpoints" / f"{place.endpoint}.log"
        self._stream_file = self._workspace.root / "container.log"
        self._stream = f"{place.variant}/{instance_id}"
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._image: Sequence[Path] = ()
        self._lock = threading.Lock()
        self._stopped = False
        self._idle = threading.Condition()
        self._active = 0

    def start(self) -> None:
        """Fetch the model and start the process; `await_healthy` tells when it serves.

        Raises:
            ServerError: when the model or its image cannot be had.
        """
        try:
            image = self._platform.image(self.model.container.image, role_arn=self.model.role_arn)
            self._fetch()
        except (StorageError, UnknownImageError, OSError) as error:
            raise ServerError(f"Failed to prepare the container of variant {self.place.variant}: {error}") from error
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        self._logs.follow(
            self._stream_file,
            group=f"/aws/sagemaker/Endpoints/{self.place.endpoint}",
            stream=self._stream,
            role_arn=self.model.role_arn,
            copy_to=self._log_file,
        )
        self._image = image
        with self._lock:
            self._spawn()

    def revive(self) -> None:
        """Start the process again when it has ended by itself, as SageMaker restarts a container."""
        with self._lock:
            if self._stopped or self._process is None or not _has_ended(self._process):
                return
            _log.warning("the container %s ended and is started again", self._stream)
            self._end(self._process)
            self._spawn()

    def _spawn(self) -> None:
        size = instance(self.place.instance_type)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(_BACKLOG)
        variables = {"OMP_NUM_THREADS": "1", "SAGEMAKER_REGION": self._platform.region}
        with listening, self._stream_file.open("ab") as log:
            self._process = subprocess.Popen(
                [str(python(self._platform.work_dir)), "-P", str(_PROGRAM), str(listening.fileno())],
                env=environment(
                    self._platform,
                    base=self._workspace.base,
                    image=self._image,
                    role_arn=self.model.role_arn,
                    threads=1,
                    isolated=self.model.request.get("EnableNetworkIsolation", False),
                    own={**variables, **self.model.container.environment},
                ),
                cwd=self._workspace.directory,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[listening.fileno()],
                start_new_session=True,
            )
            port = listening.getsockname()[1]
        limit_memory(self._process.pid, size.memory)
        self._url = f"http://127.0.0.1:{port}"

    def await_healthy(self, timeout: float) -> None:
        """Return when `/ping` answers 200; `timeout` in seconds of wall time.

        Raises:
            ServerError: when it does not.
        """
        try:
            # The socket listens from the start and closes with the process: one request waits for either end.
            reply = urllib3.request("GET", f"{self._url}/ping", timeout=timeout, retries=False)
            healthy = reply.status == HTTPStatus.OK
        except urllib3.exceptions.HTTPError:
            healthy = False
        if not healthy:
            raise ServerError(
                f"The primary container for production variant {self.place.variant} did not pass the ping health "
                "check. Please check CloudWatch logs for this endpoint."
            )

    async def invoke(self, session: aiohttp.ClientSession, body: bytes, *, headers: Mapping[str, str]) -> Reply:
        """Send one request to the model.

        Raises:
            ServerTimeoutError: the model did not answer within the session's time.
            ServerGoneError: the container ended.
        """
        started = time.perf_counter()
        try:
            url = f"{self._url}/invocations"
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                content = await answer.read()
        except TimeoutError as error:
            raise ServerTimeoutError(str(error)) from error
        except aiohttp.ClientError as error:
            raise ServerGoneError(str(error)) from error
        latency = time.perf_counter() - started
        return Reply(status=answer.status, headers=answer.headers, body=content, latency=latency)

    def acquire(self) -> None:
        """A request is on its way to this server."""
        with self._idle:
            self._active += 1

    def release(self) -> None:
        """A request was answered."""
        with self._idle:
            self._active -= 1
            self._idle.notify_all()

    def drain(self, timeout: float) -> None:
        """Wait until all requests are answered, at most `timeout` seconds."""
        with self._idle:
            if not self._idle.wait_for(lambda: self._active == 0, timeout=timeout):
                _log.warning("%s still answers %s requests; it is stopped now", self._stream, self._active)

    def stop(self) -> None:
        """End the process and delete its files; the log stays."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._end(self._process)
        self._logs.end(self._stream_file, then=self._workspace.remove)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(timeout=_STOP_AFTER)
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                process.wait()
            break
        if process.stdin is not None:
            process.stdin.close()

    def _fetch(self) -> None:
        uri = self.model.container.model_uri
        directory = self._workspace.make("model")
        if uri is None:
            return
        storage = Storage(self._platform, role_arn=self.model.role_arn)
        if uri.endswith("/"):
            storage.download_prefix(uri, directory)
            return
        archive = self._workspace.root / "model.tar.gz"
        storage.download_file(uri, archive)
        unpack(archive, directory)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process is over; its connections close a moment before it is."""
    try:
        process.wait(timeout=_DEATH_TAKES)
    except subprocess.TimeoutExpired:
        return False
    return True
