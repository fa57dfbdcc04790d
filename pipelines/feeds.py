"""What the feeds of the projects have in common: the command line, and drops as files.

A feed turns a year of data into monthly drops, as whoever delivers the data would. It runs on the laptop and never
inside a job.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MONTHS = range(1, 13)
YEAR = 2013

Write = Callable[[Sequence[int], Path], list[Path]]
"""Writes one drop per month below a folder and returns the files."""


def period(month: int) -> str:
    """Return the period of a month, such as ``2013-01``."""
    return f"{YEAR}-{month:02d}"


def write(tables: Mapping[str, pa.Table], to: Path, *, file: str) -> list[Path]:
    """Write one file per period, ``period=2013-01/<file>``; returns the files."""
    files = []
    for one, table in tables.items():
        path = to / f"period={one}" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="zstd")
        files.append(path)
    return files


def main(arguments: Sequence[str] | None, *, project: str, description: str, writes: Write) -> int:
    """Run the command line of a feed; returns the exit code, 2 for months that are none."""
    parser = argparse.ArgumentParser(prog=f"python -m pipelines.projects.{project}.feed", description=description)
    parser.add_argument("--months", required=True, type=_months, help=f"months of {YEAR}, comma-separated: 1,2")
    parser.add_argument("--to", required=True, type=Path, help="folder to write the drops to")
    options = parser.parse_args(arguments)
    for path in writes(options.months, options.to):
        print(path)  # noqa: T201  # a command line speaks on stdout
    return 0


def _months(text: str) -> list[int]:
    wrong = [month for month in text.split(",") if not month.strip().isdecimal() or int(month) not in MONTHS]
    if wrong:
        raise argparse.ArgumentTypeError(f"{text!r}: month {wrong[0]!r} does not exist, use 1 to 12 such as 1,2")
    return sorted({int(month) for month in text.split(",")})
