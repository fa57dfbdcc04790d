"""A sandbox's directory: who runs in it, where it can be reached, its logs and its working files."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.errors import SandboxError

DEFAULT_DIRECTORY = Path(".sandbox")
DEFAULT_PORT = 4566
_BACKLOG = 256
_MARK = "SANDBOX"


@dataclass(frozen=True)
class State:
    """A running sandbox.

    Attributes:
        endpoint_url: where every AWS client finds it.
        pid: its server's process id.
        region: the only region it has been made for.
        account: the twelve digits of its account.
        sandbox_id: the mark on all its processes.
    """

    endpoint_url: str
    pid: int
    region: str
    account: str
    sandbox_id: str

    def as_dict(self) -> dict[str, str | int]:
        """The state as it stands in `state.json`."""
        return asdict(self)


class StateDirectory:
    """The directory of one sandbox, `.sandbox` unless told otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.logs = self.path / "logs"
        self.server_log = self.logs / "server.log"
        self._file = self.path / "state.json"

    def claim(self) -> None:
        """Make the directory, or recognise it as a sandbox's.

        Raises:
            SandboxError: when a directory of that name holds something else.
        """
        if self.path.is_dir() and any(self.path.iterdir()) and not (self.path / _MARK).is_file():
            raise SandboxError(
                f"{self.path} is not empty and was not made by the sandbox: choose another directory with --state."
            )
        self.logs.mkdir(parents=True, exist_ok=True)
        (self.path / _MARK).write_text("This directory was made by `python -m sandbox`, which may empty it.\n", "utf-8")
        # Nothing in here belongs into a repository, wherever the directory was put.
        (self.path / ".gitignore").write_text("*\n", encoding="utf-8")

    def prepare(self) -> None:
        """Empty what a former run left; only for who holds the directory. The server's log is open already."""
        os.truncate(self.server_log, 0)
        for directory in (self.logs / "lambda", self.logs / "jobs", self.logs / "endpoints", self.path / "work"):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
        shutil.rmtree(self.path / "tmp", ignore_errors=True)
        (self.path / "tmp").mkdir()
        (self.path / "runtime").mkdir(exist_ok=True)

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the directory: no second sandbox may run in it.

        Raises:
            SandboxError: when one does.
        """
        with (self.path / "lock").open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SandboxError(self._taken()) from error
            yield

    def is_owned(self) -> bool:
        """Whether a sandbox runs in the directory."""
        try:
            with (self.path / "lock").open("r+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def _taken(self) -> str:
        state = self.read()
        where = f" at {state.endpoint_url} (process {state.pid})" if state else ""
        return (
            f"A sandbox runs in {self.path} already{where}: stop it with `python -m sandbox stop`, or choose another "
            "directory with --state."
        )

    def read(self) -> State | None:
        """The state as it was last written; None when there is none or it cannot be read."""
        try:
            return State(**json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def running(self) -> State:
        """The state of the sandbox that runs here.

        Raises:
            SandboxError: when none does.
        """
        state = self.read() if self.is_owned() else None
        if state is None:
            raise SandboxError(f"No sandbox runs in {self.path}: start one with `python -m sandbox up`.")
        return state

    def write(self, state: State) -> None:
        """Write the state in one step, so that no reader sees half of it."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(state.as_dict(), indent=2) + "\n", encoding="utf-8")
        draft.replace(self._file)

    def forget(self) -> None:
        """Remove the state of a sandbox that has ended."""
        self._file.unlink(missing_ok=True)


def take_port(port: int) -> socket.socket:
    """A socket that listens on the port of 127.0.0.1; 0 takes a free one.

    Raises:
        SandboxError: when the port is taken or not allowed.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SandboxError(
                f"The port {port} of 127.0.0.1 is taken by another program: choose another one with --port, or any "
                "that is free with --port 0."
            ) from error
        raise SandboxError(f"The port {port} of 127.0.0.1 cannot be used: {error.strerror}.") from error
    return listener
