"""What data capture tells, as columns: one row for every instance that was asked about."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from pipelines.steps.contract import FieldType
from pipelines.steps.monitor.problems import Problem, summed
from pipelines.steps.profiling.layout import Layout

ANSWERS: Final = pa.schema(
    [
        pa.field("inference_id", pa.string()),
        pa.field("index", pa.int32()),
        pa.field("moment", pa.timestamp("us", tz="UTC")),
        pa.field("version", pa.string()),
        pa.field("prediction", pa.float64()),
    ]
)
"""Who asked what when is told by inference id and index; ``version`` is null where the answer does not tell it."""

_TYPES: Final[dict[FieldType, pa.DataType]] = {
    "string": pa.string(),
    "integer": pa.float64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class Captured:
    """Records of data capture, decoded.

    Attributes:
        inputs: the columns that the baseline knows; what a request lacks, or holds in another type, is null.
        answers: the same rows, by :data:`ANSWERS`.
        records: requests.
        mistyped: instances that hold a field in another type, by its name.
        problems: what could not be used.
    """

    inputs: pa.Table
    answers: pa.Table
    records: int
    mistyped: Counter[str] = field(default_factory=Counter)
    problems: tuple[Problem, ...] = ()


def input_schema(layout: Layout, *, target: str) -> pa.Schema:
    """Return the columns of a request that the baseline knows."""
    return pa.schema([pa.field(column.name, _TYPES[column.type]) for column in layout.columns if column.name != target])


def nothing(schema: pa.Schema, problems: Sequence[Problem] = ()) -> Captured:
    """Return no records."""
    return Captured(schema.empty_table(), ANSWERS.empty_table(), 0, problems=tuple(problems))


def joined(parts: Iterable[Captured], schema: pa.Schema) -> Captured:
    """Put the records of several files together."""
    everything = [nothing(schema), *parts]
    return Captured(
        inputs=pa.concat_tables([part.inputs for part in everything]),
        answers=pa.concat_tables([part.answers for part in everything]),
        records=sum(part.records for part in everything),
        mistyped=sum((part.mistyped for part in everything), Counter()),
        problems=summed(problem for part in everything for problem in part.problems),
    )
