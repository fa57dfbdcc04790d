"""Wall time of whole processes, medians and ratios."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


class UnavailableError(Exception):
    """A comparison needs what this machine does not have; the message says what."""


@dataclass(frozen=True)
class Contender:
    """One side of a comparison.

    Attributes:
        name: What is measured.
        arguments: Arguments to this Python, run in a fresh process.
        environment: Variables beside the present ones.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Figure:
    """Median wall time of a contender, and how it compares with the first one of its comparison."""

    name: str
    seconds: float
    runs: int
    ratio: float


def compare(floor: Contender, *others: Contender, runs: int = 5) -> list[dict[str, Any]]:
    """Run all contenders alternately, so that a busy moment of the machine hits them alike.

    Returns:
        One record per contender, the floor first; `ratio` is the contender's median over the floor's.
    """
    contenders = (floor, *others)
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for _ in range(runs):
        for contender in contenders:
            seconds[contender.name].append(_wall_time(contender))
    base = median(seconds[floor.name])
    figures = [
        Figure(name, round(median(times), 3), runs, round(median(times) / base, 2)) for name, times in seconds.items()
    ]
    return [asdict(figure) for figure in figures]


def tell(figures: list[dict[str, Any]]) -> str:
    """Write the figures of :func:`compare` as a table; each comparison among them begins with its floor."""
    rows = [f"| {each['name']} | {each['seconds']:.2f} | {each['ratio']:.2f} x |" for each in figures]
    return "\n".join(["| process | seconds | over the floor |", "|---|---|---|", *rows])


def _wall_time(contender: Contender) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *contender.arguments],
        env={**os.environ, **contender.environment},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - began
