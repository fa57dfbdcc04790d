"""Starting, finding and ending the processes of a sandbox, always by process id."""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psutil

_GRACE_SECONDS = 2.0


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        environment: dict[str, str] = process.environ()
    except (psutil.Error, OSError):
        # Gone meanwhile, or another person's: neither can be ours.
        return {}
    return environment


def marked(variable: str, value: str) -> list[psutil.Process]:
    """All processes, this one apart, that were started with this environment variable."""
    own = os.getpid()
    return [
        process
        for process in psutil.process_iter()
        if process.pid != own and _environment(process).get(variable) == value
    ]


def is_marked(pid: int, *, variable: str, value: str) -> bool:
    """Whether the process runs and was started with this environment variable; ids are used again by the system."""
    try:
        return _environment(psutil.Process(pid)).get(variable) == value
    except psutil.NoSuchProcess:
        return False


def stop(processes: Iterable[psutil.Process], *, grace: float = _GRACE_SECONDS) -> list[int]:
    """Ask the processes to end, and kill those that do not within `grace` seconds; gives the ids that were running."""
    running = []
    for process in processes:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            continue
        running.append(process)
    _, alive = psutil.wait_procs(running, timeout=grace)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive, timeout=grace)
    return [process.pid for process in running]


def stop_children() -> list[int]:
    """End everything below this process."""
    return stop(psutil.Process().children(recursive=True))


def printing(
    arguments: Iterable[str], *, cwd: Path, environment: Mapping[str, str], leads: bool = False
) -> "subprocess.Popen[str]":
    """Start a program that asks nothing; what it prints, errors included, comes as text from its ``stdout``.

    Args:
        arguments: the program and what it is given.
        cwd: folder it runs in.
        environment: everything it finds there.
        leads: whether it leads a process group of its own, which can be ended with all that it started.
    """
    return subprocess.Popen(
        list(arguments),
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=leads,
    )


def printed_lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Give what a program started by :func:`printing` prints, line by line, until it has ended."""
    assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
    for line in process.stdout:
        yield line.rstrip()
