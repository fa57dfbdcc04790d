"""Starting and stopping the embedded AWS."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from sandbox.adapter.settings import ACCOUNT, MARKER, REGION
from sandbox.clients import client
from sandbox.clock import SandboxClock
from sandbox.control import ClockState, move_clock, read_clock
from sandbox.deploy import ENVIRONMENT, Deployment, Progress, deploy, destroy
from sandbox.errors import SandboxError
from sandbox.processes import is_marked, marked, stop
from sandbox.state import DEFAULT_DIRECTORY, State, StateDirectory

_REPOSITORY = Path(__file__).resolve().parents[1]
_START_TIMEOUT_SECONDS = 120
_STOP_TIMEOUT_SECONDS = 15
_LOG_LINES = 15
_POLL_SECONDS = 0.05
# The server must not inherit what a person's shell says about AWS or Python.
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "SSL_CERT_FILE", "SYSTEMROOT", "USER")


class Sandbox:
    """An embedded AWS in a process of its own; a context manager that leaves nothing behind.

    Attributes:
        directory: its files.
        region: its region.
        account: its account.
    """

    region = REGION
    account = ACCOUNT

    def __init__(
        self,
        state_dir: Path = DEFAULT_DIRECTORY,
        *,
        port: int = 0,
        speed: float = 1.0,
        start: datetime | None = None,
        enforce_iam: bool = False,
    ) -> None:
        """Describe a sandbox; `start` or `with` starts it.

        Args:
            state_dir: the directory of its files; `logs`, `tmp` and `work` in it are emptied.
            port: the port of 127.0.0.1; 0 takes a free one.
            speed: how fast its clock runs; 1 is real time.
            start: what its clock shows first, with a time zone; the present by default.
            enforce_iam: whether callers need permissions, as on AWS; `logs/calls.jsonl` then holds what roles called.

        Raises:
            SandboxError: when the clock would stand still, or the start has no time zone.
        """
        SandboxClock(speed, start=start)
        self.directory = StateDirectory(state_dir)
        self._port = port
        self._speed = speed
        self._clock_start = start
        self._enforce_iam = enforce_iam
        self._sandbox_id = uuid4().hex
        self._process: subprocess.Popen[bytes] | None = None
        self._state: State | None = None

    @property
    def endpoint_url(self) -> str:
        """Where AWS clients find it.

        Raises:
            SandboxError: when it does not run.
        """
        if self._state is None:
            raise SandboxError("The sandbox has not been started.")
        return self._state.endpoint_url

    @property
    def pid(self) -> int:
        """The process id of its server.

        Raises:
            SandboxError: when it does not run.
        """
        if self._process is None:
            raise SandboxError("The sandbox has not been started.")
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            SandboxError: when the port is taken, a sandbox runs in the directory already, or the server does not start.
        """
        if self._process is not None:
            raise SandboxError("The sandbox has been started already.")
        self.directory.claim()
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        with self.directory.server_log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "sandbox.adapter"),
                    *("--state", str(self.directory.path), "--port", str(self._port)),
                    *("--speed", str(self._speed), "--id", self._sandbox_id),
                    *([] if self._clock_start is None else ["--start", self._clock_start.isoformat()]),
                    *(["--enforce-iam"] if self._enforce_iam else []),
                ],
                cwd=_REPOSITORY,
                env={**environment, MARKER: self._sandbox_id, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                # Ctrl-C reaches the whole group of the terminal; the server is told to stop by its parent instead.
                start_new_session=True,
            )
        try:
            self._state = self._first_answer(self._process)
        except BaseException:
            self.stop()
            raise

    def _first_answer(self, process: subprocess.Popen[bytes]) -> State:
        assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(_START_TIMEOUT_SECONDS) else b""
        if line:
            answer: dict[str, Any] = json.loads(line)
            if "error" in answer:
                raise SandboxError(answer["error"])
            return State(**answer["ready"])
        raise SandboxError(f"The sandbox did not start. {self.last_words()}")

    def last_words(self) -> str:
        """The end of the server's log, for a message about its end."""
        lines = self.directory.server_log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        return f"The end of {self.directory.server_log}:\n" + "\n".join(f"  {line}" for line in lines)

    def wait(self) -> None:
        """Wait until the server ends by itself or somebody stops it.

        Raises:
            SandboxError: when it ends with an error.
        """
        if self._process is not None and (code := self._process.wait()) != 0:
            raise SandboxError(f"The sandbox ended unexpectedly (exit code {code}). {self.last_words()}")

    def stop(self) -> None:
        """Stop the server and everything that it started; nothing happens when it does not run."""
        if self._process is None:
            return
        process, self._process, self._state = self._process, None, None
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        stop(marked(MARKER, self._sandbox_id))
        if not self.directory.is_owned():
            # Only a server that was killed has left its state.
            self.directory.forget()

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def client(self, service: str) -> Any:
        """A boto3 client of the embedded AWS that acts as its account."""
        return client(self.endpoint_url, service)

    def now(self) -> datetime:
        """What its clock shows: the time of SageMaker, CloudWatch and EventBridge Scheduler in it."""
        return read_clock(self.endpoint_url).now

    def advance(self, by: timedelta | None = None, *, to: datetime | None = None) -> ClockState:
        """Move its clock forward; see `sandbox.control.move_clock`."""
        return move_clock(self.endpoint_url, by=by, to=to)

    def deploy(
        self,
        project: str | None = None,
        *,
        environment: str = ENVIRONMENT,
        assembly: Path | None = None,
        progress: Progress | None = None,
    ) -> Deployment:
        """Deploy Tandem's stacks with the real CDK command line; see `sandbox.deploy.deploy`."""
        return deploy(
            self.endpoint_url,
            state_dir=self.directory.path,
            project=project,
            environment=environment,
            assembly=assembly,
            progress=progress,
        )

    def destroy(self, project: str, *, environment: str = ENVIRONMENT, progress: Progress | None = None) -> None:
        """Delete the stacks of a project with the real CDK command line; see `sandbox.deploy.destroy`."""
        destroy(
            self.endpoint_url,
            state_dir=self.directory.path,
            project=project,
            environment=environment,
            progress=progress,
        )


def stop_running(directory: StateDirectory) -> State | None:
    """Stop the sandbox of a directory from outside, and whatever a killed one left running.

    Returns:
        What was stopped; None when nothing ran.
    """
    state = directory.read()
    if state is None:
        return None
    stopped = False
    if is_marked(state.pid, variable=MARKER, value=state.sandbox_id):
        stopped = True
        os.kill(state.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_TIMEOUT_SECONDS
        while time.monotonic() < deadline and is_marked(state.pid, variable=MARKER, value=state.sandbox_id):
            time.sleep(_POLL_SECONDS)
    stopped = bool(stop(marked(MARKER, state.sandbox_id))) or stopped
    directory.forget()
    return state if stopped else None
