"""The engine that scales out: the same kernel in the Python workers of a Spark cluster, and a sum of what they counted.

Spark hands the rows over as Arrow batches (``mapInArrow``, page "Apache Arrow in PySpark"), so nothing is converted,
and counts are whole numbers, so the result does not depend on how the rows were divided.
"""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.steps.profiling import counts, kernel
from pipelines.steps.profiling.counts import Profile
from pipelines.steps.profiling.layout import Layout

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_COUNTED = "counted string"


def profile_frame(frame: "DataFrame", layout: Layout) -> Profile:
    """Count the rows of a Spark data frame.

    Raises:
        KeyError: the frame lacks a column of the layout.
    """
    missing = set(layout.names) - set(frame.columns)
    if missing:
        raise KeyError(f"the frame has no column {min(missing)!r}")

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        counted = counts.added((kernel.count(batch, layout) for batch in batches), layout)
        yield pa.RecordBatch.from_pydict({"counted": [counted.as_text()]})

    parts = frame.select(*layout.names).mapInArrow(count, _COUNTED).collect()
    return counts.added((counts.parse(json.loads(part["counted"])) for part in parts), layout)
