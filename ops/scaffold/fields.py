"""The fields of a new contract: two invented ones, or those of a Parquet file."""

import math
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ops.errors import UsageError
from ops.scaffold.task import Task

Field = dict[str, Any]
"""One field, as contract.json holds it."""

_MOST_CATEGORIES: Final = 20
"""A text column with more values than these may hold any text."""
_HEAD_ROOM: Final = 0.5
"""Share of the spread that a number may lie beyond what the file holds; less would refuse tomorrow's data."""
_DIGITS: Final = 3
_OUTPUT: Final[dict[Task, tuple[tuple[str, ...], str]]] = {
    "regression": (("integer", "number"), "a number"),
    "binary_classification": (("boolean",), "true or false"),
}


def invented(task: Task, *, target: str, time_column: str) -> tuple[list[Field], Field]:
    """Return inputs and output of a project that has no data yet.

    Raises:
        UsageError: the target or the time column has the name of an invented input.
    """
    inputs: list[Field] = [
        {"name": time_column, "type": "timestamp", "description": "When it happened"},
        {"name": "kind", "type": "string", "categories": ["a", "b"], "description": "A category"},
        {
            "name": "amount",
            "type": "number",
            "nullable": True,
            "minimum": -1000,
            "maximum": 1000,
            "description": "A number",
        },
    ]
    for option, column in (("--target", target), ("--time-column", time_column)):
        if column in ("kind", "amount"):
            raise UsageError(f"{option} {column!r} is the name of an invented input: use another, or --from-parquet")
    of_the_task: Field = (
        {"type": "number", "minimum": -1000, "maximum": 1000} if task == "regression" else {"type": "boolean"}
    )
    return inputs, {"name": target, **of_the_task, "description": "What the model answers"}


def of_parquet(file: Path, task: Task, *, target: str, time_column: str) -> tuple[list[Field], Field]:
    """Return inputs and output as the columns of a file suggest.

    Raises:
        UsageError: the file cannot be read, lacks a column, or has one that no contract can describe.
    """
    try:
        table = pq.read_table(file, partitioning=None)  # the folder is named period=..., which is no column
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"--from-parquet {file}: {error}") from error
    try:
        known = table.column_names
    except UnicodeDecodeError as error:
        raise UsageError(f"--from-parquet {file}: a column's name is no UTF-8") from error
    for option, column in (("--target", target), ("--time-column", time_column)):
        if column not in known:
            raise UsageError(f"{option} {column!r} is no column of {file}; there are {', '.join(known)}")
    if table.num_rows == 0:
        raise UsageError(f"--from-parquet {file} has no rows: take a file with some hundred typical ones")
    fields = {name: _field(name, table.column(name)) for name in known}
    kinds, words = _OUTPUT[task]
    output, moment = fields.pop(target), fields[time_column]
    if output["type"] not in kinds:
        raise UsageError(
            f"--target {target!r} is {output['type']} in {file}, and --task {task} answers {words}: "
            "store the column so, or use the other task"
        )
    if moment["type"] != "timestamp":
        raise UsageError(f"--time-column {time_column!r} is {moment['type']} in {file}: store it as a timestamp in UTC")
    moment.pop("nullable", None)  # a row without a time belongs to no window
    output.pop("nullable", None)  # a row without a label is not learned from, and an answer is never null
    return list(fields.values()), output


def _field(name: str, values: pa.ChunkedArray) -> Field:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
    field: Field = {"name": name, "type": _kind(name, values.type)}
    if values.null_count:
        field["nullable"] = True
    known = values.drop_null()
    if field["type"] in ("integer", "number"):
        field |= _range(known, whole=field["type"] == "integer")
    elif field["type"] == "string" and 0 < len(distinct := pc.unique(known)) <= _MOST_CATEGORIES:
        field["categories"] = sorted(distinct.to_pylist())
    return field | {"description": ""}


def _kind(name: str, stored: pa.DataType) -> str:
    if pa.types.is_string(stored) or pa.types.is_large_string(stored):
        return "string"
    if pa.types.is_integer(stored):
        return "integer"
    if pa.types.is_floating(stored):
        return "number"
    if pa.types.is_boolean(stored):
        return "boolean"
    if pa.types.is_timestamp(stored) and stored.tz is not None:
        return "timestamp"
    how = "store it in UTC" if pa.types.is_temporal(stored) else "store it as one of them, or leave it out of the file"
    raise UsageError(
        f"column {name!r} is {stored}, and a contract holds texts, whole numbers, floats, booleans and timestamps with "
        f"a time zone: {how}"
    )


def _range(known: pa.ChunkedArray, *, whole: bool) -> Field:
    if not len(known):
        return {}
    least, most = (cast("float", value) for value in pc.min_max(known).as_py().values())
    room = _HEAD_ROOM * (most - least) or max(abs(most), 1)
    low, high = _round(least - room, down=True, whole=whole), _round(most + room, down=False, whole=whole)
    return {"minimum": max(low, 0) if least >= 0 else low, "maximum": min(high, 0) if most < 0 else high}


def _round(value: float, *, down: bool, whole: bool) -> float:
    """Round away from the data: whole numbers to whole ones, others to a few digits."""
    step = 10.0 ** (math.floor(math.log10(abs(value))) - _DIGITS + 1) if value else 1.0
    if whole:
        step = max(step, 1.0)
    rounded = (math.floor if down else math.ceil)(value / step) * step
    return int(rounded) if whole else float(f"{rounded:.{_DIGITS + 1}g}")
