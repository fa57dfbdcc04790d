"""Decodes data capture line by line: slow, and whatever a file holds, the rest of it is used.

Record: AWS page "Capture data from real-time endpoint".
"""

import base64
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeGuard

import pyarrow as pa

from pipelines.steps.monitor.answers import ANSWERS, Captured
from pipelines.steps.monitor.problems import Kind, Problem, problem, summed

KNOWN_RECORD = frozenset({"captureData", "eventMetadata", "eventVersion"})
KNOWN_DATA = frozenset({"endpointInput", "endpointOutput"})
KNOWN_ANSWER = frozenset({"predictions", "model_version"})


class _UnusableError(Exception):
    """A record that cannot be used, and of which kind that is."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind: Kind = kind


class _Record(NamedTuple):
    inference_id: str
    moment: datetime
    instances: list[Any]
    predictions: list[float]
    version: str | None
    strangers: list[str]


@dataclass
class _Columns:
    """Rows on their way to a table."""

    schema: pa.Schema
    inputs: dict[str, list[Any]] = field(init=False)
    answers: list[tuple[Any, ...]] = field(default_factory=list)
    mistyped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.inputs = {name: [] for name in self.schema.names}

    def add(self, record: _Record) -> None:
        for index, (instance, prediction) in enumerate(zip(record.instances, record.predictions, strict=True)):
            for column in self.schema:
                self.inputs[column.name].append(self._value(instance, column))
            self.answers.append((record.inference_id, index, record.moment, record.version, prediction))

    def _value(self, instance: Mapping[str, Any], column: pa.Field) -> Any:
        value = instance.get(column.name)
        if value is None:
            return None
        parsed = _parse(value, column.type)
        if parsed is None:
            self.mistyped[column.name] += 1
        return parsed

    def tables(self) -> tuple[pa.Table, pa.Table]:
        inputs = pa.table(
            {column.name: pa.array(self.inputs[column.name], column.type) for column in self.schema}, schema=self.schema
        )
        columns = zip(*self.answers, strict=True) if self.answers else ((),) * len(ANSWERS)
        answers = pa.table(
            [pa.array(values, about.type) for values, about in zip(columns, ANSWERS, strict=True)], schema=ANSWERS
        )
        return inputs, answers


def decode(content: bytes, schema: pa.Schema, *, key: str) -> Captured:
    """Decode a file of JSON lines; what cannot be used is counted, everything else is used.

    Args:
        content: the file.
        schema: the columns that the baseline knows.
        key: of the file, for the problems.
    """
    columns = _Columns(schema)
    found: list[Problem] = []
    records = 0
    for line, is_cut in _lines(content):
        try:
            record = _record(line)
        except _UnusableError as error:
            kind = "truncated" if is_cut and error.kind == "json" else error.kind
            found.append(problem(kind, key, error))
            continue
        records += 1
        columns.add(record)
        strangers = [*record.strangers, *_strange_inputs(record.instances, schema)]
        if strangers:
            found.append(problem("fields", key, f"unknown: {', '.join(sorted(set(strangers)))}"))
    inputs, answers = columns.tables()
    return Captured(inputs, answers, records, columns.mistyped, summed(found))


def _lines(content: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield every line that is not empty, and whether the file ends within it."""
    lines = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield line, number == len(lines)


def _record(line: bytes) -> _Record:
    document = _object(_json(line), "the line")
    data, metadata = _object(document.get("captureData"), "captureData"), document.get("eventMetadata")
    about = _object(metadata, "eventMetadata")
    request = _object(_side(data, "endpointInput"), "the request")
    answer = _object(_side(data, "endpointOutput"), "the answer")
    instances, predictions = request.get("instances"), answer.get("predictions")
    if not isinstance(instances, list) or not all(isinstance(each, dict) for each in instances):
        raise _UnusableError("shape", 'the request holds no list of objects "instances"')
    if not isinstance(predictions, list) or not all(_is_number(each) for each in predictions):
        raise _UnusableError("shape", 'the answer holds no list of numbers "predictions"')
    if len(instances) != len(predictions):
        raise _UnusableError("shape", f"{len(instances)} instances have {len(predictions)} predictions")
    inference_id = about.get("inferenceId") or about.get("eventId")
    if not _is_text(inference_id):
        raise _UnusableError("shape", "eventMetadata holds neither inferenceId nor eventId")
    version = answer.get("model_version")
    if version is not None and not _is_text(str(version)):
        raise _UnusableError("shape", f"the answer's model_version is {version!r}")
    strangers = [*(set(document) - KNOWN_RECORD), *(set(data) - KNOWN_DATA), *(set(answer) - KNOWN_ANSWER)]
    return _Record(
        inference_id=inference_id,
        moment=_moment(about.get("inferenceTime")),
        instances=instances,
        predictions=[float(each) for each in predictions],
        version=None if version is None else str(version),
        strangers=strangers,
    )


def _side(data: Mapping[str, Any], name: str) -> Any:
    side = _object(data.get(name), f"captureData.{name}")
    encoding, text = side.get("encoding"), side.get("data")
    if not isinstance(text, str):
        raise _UnusableError("shape", f"{name}.data is no text")
    if encoding == "BASE64":
        try:
            return _json(base64.b64decode(text, validate=True))
        except (ValueError, _UnusableError) as error:
            raise _UnusableError("encoding", f"{name} is BASE64 and holds no JSON: {error}") from error
    if encoding != "JSON":
        raise _UnusableError("encoding", f"{name}.encoding is {encoding!r}, it must be JSON")
    try:
        return _json(text.encode())
    except (UnicodeEncodeError, _UnusableError) as error:
        raise _UnusableError("encoding", f"{name}.data says JSON and is none: {error}") from error


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _UnusableError("json", str(error)) from error


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _UnusableError("shape", f"{name} is no JSON object")
    return value


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _is_text(value: Any) -> TypeGuard[str]:
    """Whether it is text that can be written down: JSON may escape half a surrogate pair, UTF-8 has no such thing."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _moment(text: Any) -> datetime:
    moment = parse_moment(text) if isinstance(text, str) else None
    if moment is None:
        raise _UnusableError("shape", f"eventMetadata.inferenceTime is {text!r}")
    return moment


def parse_moment(text: str) -> datetime | None:
    """Return a moment in UTC, ``None`` when the text is none or says no time zone."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the second: in UTC it is before the year 1 or after 9999
        return None


def _parse(value: Any, wanted: pa.DataType) -> Any:
    """Return a JSON value in the column's type, ``None`` when it has another one."""
    if pa.types.is_timestamp(wanted):
        return parse_moment(value) if isinstance(value, str) else None
    if pa.types.is_string(wanted):
        return value if _is_text(value) else None
    if pa.types.is_boolean(wanted):
        return value if isinstance(value, bool) else None
    return float(value) if _is_number(value) else None


def _strange_inputs(instances: Sequence[Mapping[str, Any]], schema: pa.Schema) -> list[str]:
    known = set(schema.names)
    return [name for instance in instances for name in instance if name not in known]
