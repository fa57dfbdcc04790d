"""One contestant in a process of its own: seconds, peak memory, and an end when it takes too much of either."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LOOK_EVERY = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")
_QUIET = {"DO_NOT_TRACK": "1", "ITERATIVE_DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
"""Nobody is told about the measurement: without these, NannyML and Evidently report their use over the network."""


class GivenUpError(Exception):
    """A contestant failed or was ended; the message says why."""


@dataclass(frozen=True)
class Bounds:
    """What one run may take.

    Attributes:
        seconds: from its start to its end.
        gigabytes: resident at any moment.
    """

    seconds: float = 600.0
    gigabytes: float = 16.0


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        wall_seconds: of the whole process.
        peak_megabytes: largest resident set, of the process or of one it waited for.
        answer: what it printed.
    """

    wall_seconds: float
    peak_megabytes: float
    answer: Mapping[str, Any]


def run(arguments: Sequence[str], *, threads: int, bounds: Bounds, paths: Sequence[Path] = ()) -> Run:
    """Run to the end.

    Args:
        arguments: the command.
        threads: how many it may use, in the variables that the libraries look at.
        bounds: what it may take.
        paths: folders to import from.

    Raises:
        GivenUpError: when it fails or exceeds the bounds.
    """
    environment = {**os.environ, **_QUIET, **dict.fromkeys(_THREADS, str(threads)), "PYTHONWARNINGS": "ignore"}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        # wait4 below is the one that waits, so Popen's own bookkeeping must not.
        process = subprocess.Popen(
            arguments, env=environment, stdout=output, stderr=errors, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            status, peak = _wait(process, bounds, began=began)
        except BaseException:
            _end(process)
            raise
        seconds = time.perf_counter() - began
        if status:
            raise GivenUpError(f"failed: {_last_line(errors)}")
        output.seek(0)
        *_, answer = output.read().decode().strip().splitlines() or [""]
    return Run(wall_seconds=seconds, peak_megabytes=peak, answer=json.loads(answer))


_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


def _wait(process: subprocess.Popen[bytes], bounds: Bounds, *, began: float) -> tuple[int, float]:
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_maxrss / 1024
        if time.perf_counter() - began > bounds.seconds:
            raise GivenUpError(f"not done after {bounds.seconds:.0f} s")
        if _resident_gigabytes(process.pid) > bounds.gigabytes:
            raise GivenUpError(f"needs more than {bounds.gigabytes:.0f} GB of memory")
        time.sleep(_LOOK_EVERY)


def _resident_gigabytes(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE / 1e9
    except (OSError, IndexError):
        return 0.0  # it has just ended, or this system has no such files


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _last_line(errors: Any) -> str:
    errors.seek(0)
    *_, last = errors.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
    return str(last)[:300]
