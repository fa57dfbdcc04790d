"""Runs one contestant: ``python contest.py MODULE JOB`` imports it, lets it solve the job, and prints what it took.

The module has ``solve(job: Job) -> Answer``. Standard library only and of any Python from 3.11 on: this file runs in
the environment of the contestant, where nothing of Tandem is installed.
"""

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

BINS = 20
SAMPLED_ROWS = 100_000
MOST_CATEGORIES = 100


@dataclass(frozen=True)
class Job:
    """What is to be done.

    Attributes:
        task: ``drift`` of both sides, ``current`` (the reference is known: only the current side is counted), or
            ``read`` (nothing is calculated).
        source: what the current rows are: ``parquet`` or ``capture``.
        reference: folder of Parquet files.
        current: folder of Parquet files, or of captured records.
        numbers: columns of numbers; the type of each.
        texts: columns of texts.
        threads: how many may run at once.
        state: file in which ``drift`` leaves what ``current`` has to know of the reference.
        variant: another way of the same contestant.
    """

    task: str
    source: str
    reference: str
    current: str
    numbers: Mapping[str, str]
    texts: Sequence[str]
    threads: int
    state: str
    variant: str = ""

    def reference_files(self) -> list[Path]:
        """Return the reference's files in their order."""
        return sorted(Path(self.reference).rglob("*.parquet"))

    def current_files(self) -> list[Path]:
        """Return the files of the current rows in their order."""
        return sorted(Path(self.current).rglob("*.parquet" if self.source == "parquet" else "*.jsonl"))


@dataclass(frozen=True)
class Answer:
    """What came out.

    Attributes:
        rows: current rows that were seen.
        distances: distance by column, whichever the contestant calculates.
        drifted: columns that it calls drifted by its own rule, ``None`` without one.
        exact: whether the distances are the Jensen-Shannon distances of the common bins.
    """

    rows: int
    distances: Mapping[str, float] = field(default_factory=dict)
    drifted: Sequence[str] | None = None
    exact: bool = False


@dataclass(frozen=True)
class Bins:
    """The bins that contestants without their own use, those of Tandem: 20 of equal share, 100 categories.

    Attributes:
        edges: upper edges by column of numbers; the last bin is open.
        categories: texts with a bin of their own; the bin after them holds the others.
    """

    edges: Mapping[str, Sequence[float]]
    categories: Mapping[str, Sequence[str]]


Counts = Mapping[str, Sequence[int]]
"""Rows by bin, missing values last, by column."""


def ranks(known: int) -> list[int]:
    """Return where in sorted values the edges are: the smallest value that the share reaches ("inverted_cdf")."""
    return [math.ceil(known * (step / BINS) - 1) for step in range(1, BINS)]


def most_frequent(rows: Mapping[str, int]) -> list[str]:
    """Return the categories that get a bin of their own."""
    return sorted(rows, key=lambda text: (-rows[text], text))[:MOST_CATEGORIES]


def by_edge(up_to: Sequence[int], *, known: int, rows: int) -> list[int]:
    """Return rows by bin from the rows up to each edge."""
    reached = [*up_to, known]
    return [*(upper - lower for lower, upper in zip([0, *reached], reached, strict=False)), rows - known]


def by_category(rows: Mapping[str | None, int], categories: Sequence[str]) -> list[int]:
    """Return rows by bin from the rows of each text."""
    own = [rows.get(text, 0) for text in categories]
    missing = rows.get(None, 0)
    return [*own, sum(rows.values()) - missing - sum(own), missing]


def distances(reference: Counts, current: Counts) -> dict[str, float]:
    """Return the Jensen-Shannon distance of each column."""
    return {name: jensen_shannon(reference[name], current[name]) for name in reference}


def jensen_shannon(reference: Sequence[int], current: Sequence[int]) -> float:
    """Return the square root of the divergence in bits."""
    before, now = sum(reference), sum(current)
    divergence = 0.0
    for one, other in zip(reference, current, strict=True):
        left, right = one / before, other / now
        divergence += sum(share * math.log2(2 * share / (left + right)) for share in (left, right) if share)
    return math.sqrt(max(divergence, 0.0) / 2)


def main(module: str, job: str) -> None:
    """Solve the job and print one line of JSON."""
    began = time.perf_counter()
    contestant = import_module(module)
    imported, processor = time.perf_counter(), time.process_time()
    answer: Answer = contestant.solve(Job(**json.loads(job)))
    ended = time.perf_counter()
    figures: dict[str, Any] = asdict(answer)
    figures |= {
        "import_seconds": imported - began,
        "seconds": ended - imported,
        "cpu_seconds": time.process_time() - processor,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
