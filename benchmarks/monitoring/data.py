"""Makes the rows: Parquet files of a reference and of current rows, and the current rows as captured requests.

``python -m benchmarks.monitoring.data --rows 1000000 --capture-rows 1000000 --to FOLDER`` writes what is not there
yet. Every row group has a seed of its own, so processes share the work and the same rows come out of any number of
them; a process holds one row group at a time.
"""

import argparse
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.monitoring import columns, draws, records
from benchmarks.monitoring.rows import Rows

GROUP_ROWS = 131_072
_GROUPS_PER_FILE = 4
_SIDES = ("reference", "current")


def write(place: Rows, *, rows: int, capture: bool, processes: int | None = None) -> None:
    """Write what is missing."""
    todo = [side for side in _SIDES if not (place.folder / side).exists()]
    with _pool(processes) as pool:
        for side in todo:
            with _whole(place.folder / side) as folder:
                list(pool.map(_write_file, _files(folder, side=side, rows=rows)))
        if capture and not place.capture.exists():
            with _whole(place.capture) as folder:
                files = sorted(place.current.iterdir())
                list(pool.map(_capture_file, [_Captured(folder, file) for file in files]))


@dataclass(frozen=True)
class _File:
    path: Path
    side: str
    first_group: int
    rows: int


@dataclass(frozen=True)
class _Captured:
    folder: Path
    file: Path


def _files(folder: Path, *, side: str, rows: int) -> Iterator[_File]:
    size = GROUP_ROWS * _GROUPS_PER_FILE
    for place, start in enumerate(range(0, rows, size)):
        path = folder / f"part-{place:05d}.parquet"
        yield _File(path, side, place * _GROUPS_PER_FILE, min(size, rows - start))


def _write_file(file: _File) -> None:
    every = columns.all_columns()
    fields = [(column.name, pa.string() if column.type == "string" else _STORED[column.type]) for column in every]
    texts = [column.name for column in every if column.type == "string"]
    # Numbers that hardly repeat are stored as they are; trying a dictionary first would only cost time.
    with pq.ParquetWriter(file.path, pa.schema(fields), use_dictionary=texts, store_schema=False) as writer:
        for place, start in enumerate(range(0, file.rows, GROUP_ROWS)):
            rows = min(GROUP_ROWS, file.rows - start)
            random = np.random.default_rng([2013, _SIDES.index(file.side), file.first_group + place])
            writer.write_table(_group(every, random, rows=rows, side=file.side, schema=pa.schema(fields)))


_STORED = {"number": pa.float64(), "integer": pa.int64()}


def _group(
    every: Sequence[columns.Column], random: np.random.Generator, *, rows: int, side: str, schema: pa.Schema
) -> pa.Table:
    arrays = [
        draws.draw(each, random, rows=rows, is_shifted=side == "current" and each.name in columns.SHIFTED)
        for each in every
    ]
    return pa.table(arrays, names=schema.names).cast(schema)


def _capture_file(captured: _Captured) -> None:
    number = int(captured.file.stem.rpartition("-")[2])
    with pq.ParquetFile(captured.file) as file:
        for place in range(file.num_row_groups):
            group = number * _GROUPS_PER_FILE + place
            records.write(file.read_row_group(place), captured.folder, group=group)


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Give a folder its name when it is complete, so that what was interrupted is made again."""
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    yield unfinished
    unfinished.rename(folder)


def _pool(processes: int | None) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn"))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monitoring.data")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--capture", action="store_true", help="the current rows also as captured requests")
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    write(Rows.of(options.to, options.rows), rows=options.rows, capture=options.capture)


if __name__ == "__main__":
    main()
