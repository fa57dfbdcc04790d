"""What the monitor reads: lines of data capture and of ground truth, and the answers that it kept."""

import base64
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa

from fuzzing.parser import Parser
from pipelines.steps.failure import StepError
from pipelines.steps.monitor import capture, collect, ground_truth, lines
from pipelines.steps.monitor.answers import ANSWERS, Captured

_SCHEMA = pa.schema(
    [
        ("at", pa.timestamp("us", tz="UTC")),
        ("size", pa.float64()),
        ("kind", pa.string()),
        ("wet", pa.bool_()),
    ]
)
_ROW = {"at": "2020-03-02T00:00:00+00:00", "size": 0.5, "kind": "a", "wet": True}


def _captured(instances: list[dict[str, Any]], predictions: list[float], **answer: Any) -> dict[str, Any]:
    about = {"observedContentType": "application/json", "encoding": "JSON"}
    return {
        "captureData": {
            "endpointInput": {**about, "mode": "INPUT", "data": json.dumps({"instances": instances})},
            "endpointOutput": {**about, "mode": "OUTPUT", "data": json.dumps({"predictions": predictions, **answer})},
        },
        "eventMetadata": {"eventId": "e", "inferenceId": "i", "inferenceTime": "2020-03-02T00:00:00Z"},
        "eventVersion": "0",
    }


def _capture_files() -> Iterable[bytes]:
    one = _captured([_ROW, _ROW | {"size": None}], [1.0, 2.0], model_version="1")
    other = _captured([_ROW | {"kind": "b", "wet": False}], [3.5])
    yield b"".join(json.dumps(each).encode() + b"\n" for each in (one, other))
    yield json.dumps(one).encode()
    data = base64.b64encode(b'{"instances": [{}]}').decode()
    encoded = {**other["captureData"]["endpointInput"], "encoding": "BASE64", "data": data}
    yield json.dumps({**other, "captureData": {**other["captureData"], "endpointInput": encoded}}).encode()


def _shown(found: Captured) -> tuple[object, ...]:
    return (
        [repr(row) for row in found.inputs.to_pylist()],  # repr: not-a-number is like itself
        [repr(row) for row in found.answers.to_pylist()],
        found.records,
        dict(found.mistyped),
    )


def _capture(data: bytes) -> None:
    """The reader that trusts gives the same as the one that does not, and no line is lost."""
    found = capture.decode(data, _SCHEMA, key="k")
    assert _shown(found) == _shown(lines.decode(data, _SCHEMA, key="k"))
    wanted = sum(1 for line in data.split(b"\n") if line.strip())
    assert found.records + sum(each.count for each in found.problems if each.kind != "fields") == wanted
    if not found.records:
        raise ValueError(" ".join(sorted({each.kind for each in found.problems})))


def _labels(data: bytes) -> None:
    found = ground_truth.read([("k", data)])
    wanted = sum(1 for line in data.split(b"\n") if line.strip())
    assert len(found.of) + len(found.problems) <= wanted
    json.dumps([each.kind for each in found.problems])
    rows = pa.table(
        [pa.array([value], field.type) for value, field in zip(("e", 0, None, "1", 1.0), ANSWERS, strict=True)],
        schema=ANSWERS,
    )
    assert len(ground_truth.label(rows, found)) == 1
    if not found.of:
        raise ValueError(" ".join(sorted({each.kind for each in found.problems})))


def _label_files() -> Iterable[bytes]:
    def line(text: str, encoding: str | None, event: str = "e") -> bytes:
        data = {"data": text} if encoding is None else {"data": text, "encoding": encoding}
        return json.dumps({"groundTruthData": data, "eventMetadata": {"eventId": event}, "eventVersion": "0"}).encode()

    yield b"\n".join([line("[1, null, true]", "JSON"), line("1.5,,nan", "CSV", "f"), line("0.5", None, "g")])
    yield line("[2]", "JSON")


def _kept(data: bytes) -> None:
    collect.unpack(data)


def _kept_answers() -> Iterable[bytes]:
    moment = datetime.fromisoformat("2020-03-02T00:00:00Z")
    rows = [dict(zip(ANSWERS.names, ("i", 0, moment, "1", 0.5), strict=True))] * 5
    yield collect.pack(pa.Table.from_pylist(rows, schema=ANSWERS))


_LINE_TOKENS = (
    "captureData",
    "endpointInput",
    "endpointOutput",
    "data",
    "encoding",
    "JSON",
    "BASE64",
    "CSV",
    "eventMetadata",
    "eventId",
)

PARSERS = (
    Parser(
        name="monitor.capture",
        reads="files of data capture",
        modules=("pipelines/steps/monitor/capture.py", "pipelines/steps/monitor/lines.py"),
        run=_capture,
        refusals=(ValueError,),
        seeds=_capture_files,
        syntax="lines",
        tokens=(*_LINE_TOKENS, "inferenceId", "inferenceTime", "instances", "predictions", "model_version", *_ROW),
    ),
    Parser(
        name="monitor.labels",
        reads="files of ground truth",
        modules=("pipelines/steps/monitor/ground_truth.py",),
        run=_labels,
        refusals=(ValueError,),
        seeds=_label_files,
        syntax="lines",
        tokens=(*_LINE_TOKENS, "groundTruthData", "nan", "null", "true"),
    ),
    Parser(
        name="monitor.answers",
        reads="answers of a window that the monitor kept, as Parquet",
        modules=(),
        run=_kept,
        refusals=(StepError, OSError, pa.ArrowException),
        seeds=_kept_answers,
        syntax="bytes",
        cases=150,
    ),
)
