"""The embedded engine: Parquet is decoded and counted batch by batch on all cores; memory does not grow with the rows.

pyarrow decodes, the kernel counts in threads (numpy lets go of the interpreter while it compares). Both are in the
image, so nothing is vendored into the jobs.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.steps.profiling import kernel
from pipelines.steps.profiling.counts import Profile, empty
from pipelines.steps.profiling.layout import Layout

BATCH_ROWS = 65_536
"""A column of a batch fits the second-level cache, where every edge finds it again."""


def profile_parquet(paths: Iterable[Path], layout: Layout) -> Profile:
    """Count the rows of Parquet files.

    Raises:
        KeyError: a file lacks a column of the layout.
    """
    texts = [column.name for column in layout.columns if column.type == "string"]
    return profile_batches(_batches(paths, columns=layout.names, texts=texts), layout)


def profile_table(rows: pa.Table, layout: Layout) -> Profile:
    """Count the rows of a table in memory."""
    return profile_batches(rows.select(list(layout.names)).to_batches(max_chunksize=BATCH_ROWS), layout)


def profile_batches(batches: Iterable[pa.RecordBatch], layout: Layout) -> Profile:
    """Count batches as they come; a few of them wait at a time."""
    threads = os.cpu_count() or 1
    waiting: deque[Future[Profile]] = deque()
    counted = empty(layout)
    with ThreadPoolExecutor(threads) as pool:
        for batch in batches:
            waiting.append(pool.submit(kernel.count, batch, layout))
            if len(waiting) > 2 * threads:
                counted += waiting.popleft().result()
        for last in waiting:
            counted += last.result()
    return counted


def _batches(paths: Iterable[Path], *, columns: Sequence[str], texts: list[str]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        # Texts stay the dictionaries they are stored as: their words are looked up once a batch, not once a row.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            missing = set(columns) - set(file.schema_arrow.names)
            if missing:
                raise KeyError(f"{path} has no column {min(missing)!r}")
            yield from file.iter_batches(BATCH_ROWS, columns=list(columns))
