"""The logs of Lambdas, jobs and endpoints, as files that people read."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.state import StateDirectory

_POLL_SECONDS = 0.2


class LogKind(StrEnum):
    """What writes a log."""

    LAMBDA = "lambda"
    JOB = "job"
    ENDPOINT = "endpoint"
    SERVER = "server"


_FOLDERS = {LogKind.LAMBDA: "lambda", LogKind.JOB: "jobs", LogKind.ENDPOINT: "endpoints"}


@dataclass(frozen=True)
class LogFile:
    """One log.

    Attributes:
        kind: what writes it.
        name: the name of the function, the job or the endpoint.
        path: where it is.
    """

    kind: LogKind
    name: str
    path: Path


def log_files(directory: StateDirectory, kind: LogKind | None = None) -> list[LogFile]:
    """All logs, or those of one kind, by kind and age."""
    found = []
    for one, folder in _FOLDERS.items():
        paths = sorted((directory.logs / folder).glob("*.log"), key=lambda path: path.stat().st_mtime)
        found += [LogFile(kind=one, name=path.stem, path=path) for path in paths]
    if directory.server_log.exists():
        found.append(LogFile(kind=LogKind.SERVER, name="server", path=directory.server_log))
    return [file for file in found if kind in {None, file.kind}]


def choose(files: list[LogFile], name: str) -> LogFile:
    """The log of that name, or the only one whose name contains it, whatever its case.

    Raises:
        SandboxError: when there is none, or several.
    """
    exact = [file for file in files if file.name == name]
    matching = exact or [file for file in files if name.lower() in file.name.lower()]
    if len(matching) == 1:
        return matching[0]
    known = "\n".join(f"  {file.kind} {file.name}" for file in matching or files) or "  (none yet)"
    problem = f"{len(matching)} logs have {name!r} in their name" if matching else f"No log has {name!r} in its name"
    raise SandboxError(f"{problem}. There are:\n{known}")


def last_lines(path: Path, count: int) -> tuple[list[str], int]:
    """The end of a log, and the position in it up to which it was read."""
    with path.open("rb") as file:
        lines = deque(file, maxlen=count)
        return [line.decode(errors="replace").rstrip("\n") for line in lines], file.tell()


def follow(path: Path, position: int, *, poll_seconds: float = _POLL_SECONDS) -> Iterator[str]:
    """What is added to a log after a position, line by line, without end; when a log is emptied, its new content."""
    with path.open("rb") as file:
        file.seek(position)
        rest = b""
        while True:
            if path.stat().st_size < file.tell():
                file.seek(0)
            if not (text := file.read()):
                time.sleep(poll_seconds)
                continue
            *lines, rest = (rest + text).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
