"""How much a drop may hold: few kilobytes of Parquet can stand for more rows and longer texts than a machine has room.

Checked by what the file says of itself before its columns are read side by side, and per batch by what it holds before
it grows. What remains is a footer that lies: where its pages really are larger than it says, at most 2 GB each, they
are unpacked, and a job without that much memory is killed, which fails the run and changes nothing live. Format: pages
"Metadata", "Data Pages" and "Encodings" (Apache Parquet documentation).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.steps.contract import Field
from pipelines.steps.failure import StepError
from pipelines.steps.quality.problem import Problem

MOST_ROWS: Final = 200_000_000
"""Of one object."""
MOST_GROUP_BYTES: Final = 2 << 30
"""Of all columns that are read, in one row group, uncompressed.

A reader goes through the columns of a row group side by side and holds a page of each, and a page may be as large as
its column is in that row group. A quarter of what an ml.m5.large has, an eighth of an ml.m5.xlarge; the rows that
pyarrow writes together by default (1,048,576) take 150 MB with 18 numbers each.
"""
MOST_BATCH_TEXT_BYTES: Final = 512 << 20
"""Of the texts of one column in one batch."""


class BoundsError(StepError):
    """A drop holds more than a step can.

    Attributes:
        column: which one.
    """

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


def of_file(metadata: pq.FileMetaData, fields: Iterable[Field]) -> Iterator[Problem]:
    """Yield what a file announces beyond the bounds, in the columns that are read."""
    if metadata.num_rows > MOST_ROWS:
        reason = f"holds {metadata.num_rows:,} rows; at most {MOST_ROWS:,} may be in one object: write several"
        yield Problem(None, "size", reason)
    names = {field.name for field in fields}
    paths = {index: metadata.schema.column(index).path for index in range(metadata.num_columns)}
    read = {index: path for index, path in paths.items() if path in names}
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        sizes = {index: group.column(index).total_uncompressed_size for index in read}
        for index, size in sizes.items():
            if size < 0:  # would make room for the others
                yield Problem(read[index], "size", f"has {size:,} bytes in row group {number}: write the file again")
                return
        together = sum(sizes.values())
        if together > MOST_GROUP_BYTES:
            largest = max(sizes, key=lambda index: sizes[index])
            reason = (
                f"holds {together:,} bytes uncompressed in row group {number}, {sizes[largest]:,} of them in column "
                f"{read[largest]!r}; at most {MOST_GROUP_BYTES:,} are read together: write smaller row groups"
            )
            yield Problem(None, "size", reason)
            return


def is_told_consistently(path: Path, fields: Iterable[Field]) -> None:
    """Let Arrow look at what a file says of its columns, where it can refuse.

    :func:`of_file` asks for the same by a way on which pyarrow lets an error of the Parquet library end the process.
    Before it reads ahead, the library goes through the columns of all row groups, and its errors become Python's; of
    the content it reads one row, of one column after the other: together their pages may be too large.

    Raises:
        ArrowException, OSError: the columns are not described as the format has it.
    """
    with pq.ParquetFile(path, pre_buffer=True) as file:
        for name in [field.name for field in fields if field.name in file.schema_arrow.names]:
            next(file.iter_batches(1, columns=[name]), None)


def of_batch(batch: pa.RecordBatch) -> None:
    """Check texts that still stand in their dictionary.

    Raises:
        BoundsError: written out, they would be too long together.
    """
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_dictionary(values.type) and len(values.dictionary):
            lengths = pc.cast(pc.binary_length(values.dictionary), pa.int64())
            size = pc.sum(lengths.take(values.indices)).as_py() or 0
            if size > MOST_BATCH_TEXT_BYTES:
                reason = (
                    f"has {size:,} bytes of text in {len(values):,} rows; at most {MOST_BATCH_TEXT_BYTES:,} are read "
                    "together: shorten the texts"
                )
                raise BoundsError(name, reason)
