"""One process of a container: started with limits, awaited without polling, ended with everything it started."""

import logging
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_log = logging.getLogger(__name__)
_KILL_AFTER = 5.0


class Ending(Enum):
    """Why a process ended."""

    EXITED = "exited"
    STOPPED = "stopped"
    TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Exit:
    """How a process ended."""

    ending: Ending
    code: int

    @property
    def succeeded(self) -> bool:
        """It ended by itself with the code 0."""
        return self.ending is Ending.EXITED and self.code == 0


@dataclass(frozen=True)
class Command:
    """What to start; memory in bytes, timeout in seconds of wall time."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    log_file: Path
    memory: int
    timeout: float


class Child:
    """A process that can be stopped from any thread, also before it starts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = Ending.EXITED

    def run(self, command: Command) -> Exit:
        """Start the process and wait for its end.

        Raises:
            OSError: when there is no such program.
        """
        with self._lock:
            if self._ending is not Ending.EXITED:
                return Exit(ending=self._ending, code=-signal.SIGTERM)
            self._process = process = self._start(command)
        timer = threading.Timer(command.timeout, self._end, args=[Ending.TIMED_OUT])
        timer.daemon = True
        timer.start()
        try:
            code = process.wait()
        finally:
            timer.cancel()
        _signal_group(process, signal.SIGKILL)
        with self._lock:
            return Exit(ending=self._ending, code=code)

    def stop(self) -> None:
        """End the process, or keep it from starting."""
        self._end(Ending.STOPPED)

    @staticmethod
    def _start(command: Command) -> subprocess.Popen[bytes]:
        with command.log_file.open("ab") as log:
            process = subprocess.Popen(
                list(command.argv),
                env=dict(command.environment),
                cwd=command.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        limit_memory(process.pid, command.memory)
        return process

    def _end(self, ending: Ending) -> None:
        with self._lock:
            if self._ending is not Ending.EXITED:
                return
            self._ending = ending
            process = self._process
        if process is not None and process.poll() is None:
            _signal_group(process, signal.SIGTERM)
            killer = threading.Timer(_KILL_AFTER, _signal_group, args=[process, signal.SIGKILL])
            killer.daemon = True
            killer.start()


def limit_memory(pid: int, limit: int) -> None:
    """Give the process no more data memory than its instance has, where the system can (Linux)."""
    if not hasattr(resource, "prlimit"):
        return
    try:
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))
    except (OSError, ValueError) as error:
        _log.debug("no memory limit for process %s: %s", pid, error)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        _log.debug("process group %s has ended already", process.pid)
