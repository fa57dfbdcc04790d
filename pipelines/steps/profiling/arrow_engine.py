"""The embedded engine: Parquet is decoded and counted batch by batch on all cores; memory does not grow with the rows.

pyarrow decodes, the kernel counts in threads (numpy lets go of the interpreter while it compares). Both are in the
image, so nothing is vendored into the jobs.
"""

import os
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.steps.profiling import kernel
from pipelines.steps.profiling.counts import Profile, added, empty
from pipelines.steps.profiling.layout import Layout

BATCH_ROWS = 65_536
"""A column of a batch stays in the second-level cache while it is counted."""
_AT_ONCE = 4 * BATCH_ROWS
"""Rows of a group that is decoded as a whole, which takes three quarters of the time of decoding it batch by batch."""


def profile_parquet(paths: Iterable[Path], layout: Layout) -> Profile:
    """Count the rows of Parquet files; every core takes a row group at a time, decodes it and counts it.

    Raises:
        KeyError: a file lacks a column of the layout.
    """
    groups = [(path, group) for path in paths for group in range(_row_groups(path, layout))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return added(pool.map(lambda group: _profile_group(*group, layout=layout), groups), layout)


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


def _row_groups(path: Path, layout: Layout) -> int:
    with pq.ParquetFile(path) as file:
        missing = set(layout.names) - set(file.schema_arrow.names)
        if missing:
            raise KeyError(f"{path} has no column {min(missing)!r}")
        return int(file.num_row_groups)


def _profile_group(path: Path, group: int, *, layout: Layout) -> Profile:
    """Decode and count a row group in this thread; a large one batch by batch, so that it needs no more memory."""
    texts = [column.name for column in layout.columns if column.type == "string"]
    names, counted = list(layout.names), empty(layout)
    # Texts stay the dictionaries they are stored as: their words are looked up once a batch, not once a row.
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        if file.metadata.row_group(group).num_rows <= _AT_ONCE:
            batches = file.read_row_group(group, names, use_threads=False).to_batches(max_chunksize=BATCH_ROWS)
        else:
            batches = file.iter_batches(BATCH_ROWS, row_groups=[group], columns=names, use_threads=False)
        for batch in batches:
            counted += kernel.count(batch, layout)
    return counted
