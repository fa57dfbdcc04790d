"""Freezing a snapshot: list the window, hash and write the manifest, as StartTraining does; time and peak memory.

Each size runs in a fresh process with the handler's own client against :mod:`benchmarks.s3_pages`. The first line is
the floor: the import of the handler and its clients. Memory is the peak resident set of the whole process.
"""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks import s3_pages

SIZES = (0, 1_000, 10_000, 100_000)
_RUNS = 3


@dataclass(frozen=True)
class Figure:
    """Median of some runs; ``ratio`` compares the time with that of the smallest snapshot."""

    name: str
    seconds: float
    runs: int
    ratio: float
    cpu_seconds: float
    peak_megabytes: float
    manifest_megabytes: float


def run() -> list[dict[str, Any]]:
    """Measure every size."""
    figures: list[Figure] = []
    for size in SIZES:
        measured = [_measure(size) for _ in range(_RUNS)]
        seconds, cpu, peak, manifest = (median(each[name] for each in measured) for name in ("s", "cpu", "peak", "mb"))
        base = figures[1].seconds if len(figures) > 1 else seconds or 1
        name = f"{size:,} objects" if size else "import only"
        figures.append(
            Figure(
                name,
                round(seconds, 3),
                _RUNS,
                round(seconds / base, 2),
                round(cpu, 3),
                round(peak, 1),
                round(manifest, 2),
            )
        )
    return [asdict(figure) for figure in figures]


def _measure(size: int) -> dict[str, float]:
    server = s3_pages.serve(s3_pages.Pages(count=max(size, 1)))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.snapshot", str(size), f"http://127.0.0.1:{server.server_port}"],
            env={**os.environ, **_ENVIRONMENT},
            check=True,
            capture_output=True,
            text=True,
        )
    finally:
        server.shutdown()
        server.server_close()
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_SERVICE_NAME": "benchmark",
}


def _freeze(size: int, url: str) -> None:
    """Do what the handler does and print what it took."""
    os.environ["AWS_ENDPOINT_URL"] = url
    from lambdas.shared import clients  # noqa: PLC0415  # the import is part of the memory, not of the time
    from lambdas.start_training import core  # noqa: F401, PLC0415  # the same
    from lambdas.start_training.window import Window, list_window  # noqa: PLC0415  # the same

    s3 = clients.s3()
    began, cpu = time.perf_counter(), time.process_time()
    manifest = b""
    if size:
        listing = list_window(s3, Window(bucket="data", prefix="data/", periods=12, max_objects=100_000))
        if listing.cut_off or len(listing.snapshot.objects) != size:
            raise SystemExit(f"listed {len(listing.snapshot.objects)} objects instead of {size}")
        manifest = listing.snapshot.manifest
        s3.put_object(Bucket="artifacts", Key=listing.snapshot.key, Body=manifest)
    figures = {
        "s": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "mb": len(manifest) / 1e6,
    }
    print(json.dumps(figures))  # noqa: T201  # read by the parent


if __name__ == "__main__":
    _freeze(int(sys.argv[1]), sys.argv[2])
