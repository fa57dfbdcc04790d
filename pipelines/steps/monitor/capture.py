"""Decodes a file of data capture with Arrow's JSON reader, and line by line where that reader gives up.

Requests and answers stand in the records as text that is JSON again. Arrow reads both layers as columns, several times
faster than Python reads records. It refuses a file as a whole, so whatever is unusual about one goes to
:mod:`pipelines.steps.monitor.lines`, which gives the same result for a file that is in order.
"""

import io
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from pipelines.steps.monitor import lines
from pipelines.steps.monitor.answers import ANSWERS, Captured
from pipelines.steps.monitor.problems import Problem, problem

_BLOCK_BYTES = 1 << 24
"""A record has to fit into one block."""
_BRACKETS = {ord("["): 1, ord("{"): 1, ord("]"): 255, ord("}"): 255}
"""What a bracket does to the depth; 255 is -1 as a signed byte."""
_STEPS = bytes(_BRACKETS.get(byte, 0) for byte in range(256))
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_DEEPEST = 200
_SIDE = pa.struct([("data", pa.string()), ("encoding", pa.string())])
_RECORD = pa.schema(
    [
        ("captureData", pa.struct([("endpointInput", _SIDE), ("endpointOutput", _SIDE)])),
        (
            "eventMetadata",
            pa.struct([("eventId", pa.string()), ("inferenceId", pa.string()), ("inferenceTime", pa.string())]),
        ),
        ("eventVersion", pa.string()),
    ]
)
_ANSWER = pa.schema([("predictions", pa.list_(pa.float64())), ("model_version", pa.string())])
_MOMENT = pa.timestamp("us", tz="UTC")


class _UnusualError(Exception):
    """The file has to be read line by line."""


def decode(content: bytes, schema: pa.Schema, *, key: str) -> Captured:
    """Decode a file of JSON lines; what cannot be used is counted, everything else is used.

    Args:
        content: the file.
        schema: the columns that the baseline knows.
        key: of the file, for the problems.
    """
    try:
        return _decode(content, schema, key=key)
    except (_UnusualError, UnicodeDecodeError, pa.ArrowException):
        return lines.decode(content, schema, key=key)


def _decode(content: bytes, schema: pa.Schema, *, key: str) -> Captured:
    content.decode()  # Arrow takes texts as they come, and they would break where they are used
    records = _read(content, _RECORD)
    data, about = _struct(records.column("captureData")), _struct(records.column("eventMetadata"))
    requests = _read(_inner(data.field("endpointInput")), _request_schema(schema), rows=len(records))
    answers = _read(_inner(data.field("endpointOutput")), _ANSWER, rows=len(records))
    instances, predictions = _list(requests.column("instances")), _list(answers.column("predictions"))
    sizes = instances.value_lengths()
    if sizes.null_count or not sizes.equals(predictions.value_lengths()):
        raise _UnusualError("instances and predictions differ in number")
    of_record = np.repeat(np.arange(len(records)), sizes.to_numpy())
    ids = pc.coalesce(about.field("inferenceId"), about.field("eventId"))
    if pc.any(pc.equal(ids, "")).as_py():
        raise _UnusualError("an id is empty")
    rows = _struct(instances.flatten())
    answered = [
        _whole(ids).take(of_record),
        pa.array(_positions(sizes.to_numpy()), pa.int32()),
        _moments(_whole(about.field("inferenceTime"))).take(of_record),
        answers.column("model_version").combine_chunks().take(of_record),
        _finite(_whole(predictions.flatten())),
    ]
    return Captured(
        inputs=pa.table([_input(rows.field(column.name), column.type) for column in schema], schema=schema),
        answers=pa.table(answered, schema=ANSWERS),
        records=len(records),
        problems=tuple(_strangers(records, data, answers, rows, of_record=of_record, schema=schema, key=key)),
    )


def _read(content: bytes, schema: pa.Schema, *, rows: int | None = None) -> pa.Table:
    if not _is_safe(content):
        raise _UnusualError("nothing for a reader that trusts its input")
    table = pj.read_json(
        io.BytesIO(content),
        pj.ReadOptions(block_size=_BLOCK_BYTES),
        pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
    )
    if rows is not None and len(table) != rows:
        raise _UnusualError("a request or an answer is not one line")
    return table


def _is_safe(content: bytes) -> bool:
    """Whether Arrow's reader may see the content: it ends the process on a line that is null, and on deep nesting.

    It recurses into nested values, so brackets may not nest deeper than any request does. Brackets within texts count
    as well: the answer may be no too often, and never yes.
    """
    if not content.startswith(b"{") or content.count(b"\n{") + 1 != content.rstrip(b"\n").count(b"\n") + 1:
        return False
    steps = np.frombuffer(content.translate(_STEPS, _NO_BRACKETS), np.int8)
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0)) <= _DEEPEST


def _inner(side: pa.StructArray) -> bytes:
    """Return the JSON texts of one side of all records as JSON lines."""
    encodings = _whole(side.field("encoding"))
    if pc.any(pc.not_equal(encodings, "JSON")).as_py():
        raise _UnusualError("another encoding than JSON")
    texts = _whole(side.field("data"))
    content = pc.binary_join(pa.ListArray.from_arrays([0, len(texts)], texts), "\n")[0].as_buffer()
    return bytes(content)


def _request_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema of requests: moments are read as text, in whatever form of ISO 8601 they were written."""
    fields = [pa.field(one.name, pa.string() if one.type == _MOMENT else one.type) for one in schema]
    return pa.schema([("instances", pa.list_(pa.struct(fields)))])


def _struct(values: pa.ChunkedArray | pa.Array) -> pa.StructArray:
    return _whole(values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values)


def _list(values: pa.ChunkedArray) -> pa.ListArray:
    return _whole(values.combine_chunks())


def _whole(values: pa.Array) -> pa.Array:
    if values.null_count:
        raise _UnusualError("a part of a record is missing")
    return values


def _positions(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the position of each row within its record."""
    starts = np.cumsum(sizes) - sizes
    positions: npt.NDArray[np.int64] = np.arange(sizes.sum()) - np.repeat(starts, sizes)
    return positions


def _finite(numbers: pa.Array) -> pa.Array:
    if pc.any(pc.invert(pc.is_finite(numbers))).as_py():
        raise _UnusualError("a number is not finite")
    return numbers


def _input(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    if wanted == _MOMENT:
        return _moments(values)
    return _finite(values) if pa.types.is_floating(wanted) else values


def _moments(texts: pa.Array) -> pa.Array:
    """Read moments; each different text is read once, by the rules of the slow path."""
    encoded = texts.dictionary_encode()
    parsed = [lines.parse_moment(text) for text in encoded.dictionary.to_pylist()]
    if None in parsed:
        raise _UnusualError("a moment is none")
    return pa.array(parsed, _MOMENT).take(encoded.indices)


def _strangers(
    records: pa.Table,
    data: pa.StructArray,
    answers: pa.Table,
    rows: pa.StructArray,
    *,
    of_record: npt.NDArray[np.int64],
    schema: pa.Schema,
    key: str,
) -> Iterable[Problem]:
    """Tell the fields that nobody knows, and in how many records."""
    affected = np.zeros(len(records), dtype=np.bool_)
    names: set[str] = set()
    children = {one.name: data.field(one.name) for one in data.type}
    for known, found in (
        (lines.KNOWN_RECORD, dict(zip(records.column_names, records.columns, strict=True))),
        (lines.KNOWN_DATA, children),
        (lines.KNOWN_ANSWER, dict(zip(answers.column_names, answers.columns, strict=True))),
    ):
        for name in found.keys() - known:
            names.add(name)
            affected |= found[name].is_valid().to_numpy(zero_copy_only=False)
    for one in rows.type:
        if one.name not in schema.names:
            names.add(one.name)
            affected[of_record[rows.field(one.name).is_valid().to_numpy(zero_copy_only=False)]] = True
    if names:
        yield problem("fields", key, f"unknown: {', '.join(sorted(names))}", count=int(affected.sum()))
