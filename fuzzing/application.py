"""Requests to the application and what it reads to answer them; its AWS is made of dictionaries."""

import base64
import io
import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from application import endpoint_client, trained_range
from application.api import Api
from application.contract import Contract
from application.endpoint_client import Endpoint
from application.live_version import LiveVersion
from application.outcomes import Outcomes
from application.problems import ProblemError
from fuzzing.parser import ROOT, Parser
from lambdas.shared.compatibility import parse
from lambdas.shared.records import LiveModel
from lambdas.shared.telemetry import metrics
from pipelines.steps import columns, serve
from pipelines.steps import contract as model_contract
from pipelines.steps.contract import Field
from pipelines.steps.drift.baseline import HeldOut, Subject, measure
from pipelines.steps.monitor import ground_truth

_MOST = 5
_SOURCE = model_contract.source("flights")
_CONTRACT = Contract.of(parse(_SOURCE))
_MODEL = model_contract.parse(_SOURCE)
_RECORD = json.loads((ROOT / "pipelines" / "projects" / "flights" / "example.json").read_text("utf-8"))
_RECORDS = {"records": [_RECORD, _RECORD]}
_OUTCOMES = {
    "outcomes": [{"inference_id": "JKJaXmPLvHcESHA=.1", "outcome": 120.5}, {"inference_id": "a.0", "outcome": 1}]
}
_TOKENS = (
    *_RECORD,
    "records",
    "outcomes",
    "inference_id",
    "outcome",
    "a.0",
    "x.999",
    "2013-07-01T10:00:00+00:00",
    "1e400",
)


class _Model:
    """An endpoint that serves by the model's own rules, and a bucket."""

    def __init__(self) -> None:
        self.told: list[bytes] = []

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        instances = serve.input_fn(request["Body"], request["ContentType"])
        assert not isinstance(instances, serve.Refusal), f"the model refuses what the application takes: {instances}"
        parsed = [_MODEL.parse_instance(instance) for instance in instances]
        rows = columns.from_instances(parsed, _MODEL)
        body = json.dumps({"predictions": [1.0] * len(rows), "model_version": "1"})
        return {"Body": io.BytesIO(body.encode())}

    def put_object(self, **request: Any) -> None:
        self.told.append(request["Body"])


class _Ledger:
    def live(self) -> LiveModel | None:
        return None

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def _posted(path: str, data: bytes) -> dict[str, Any]:
    """Text as it is, anything else in base64: so API Gateway hands it over."""
    try:
        return _event("POST", path, data.decode())
    except UnicodeDecodeError:
        return _event("POST", path, base64.b64encode(data).decode(), isBase64Encoded=True)


def _event(method: str, path: str, body: str, **more: Any) -> dict[str, Any]:
    return {
        "rawPath": path,
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method}, "requestId": "JKJaXmPLvHcESHA="},
        "body": body,
        "isBase64Encoded": False,
    } | more


_CONTEXT: Any = SimpleNamespace(aws_request_id="r", get_remaining_time_in_millis=lambda: 15_000)
_AWS = _Model()
_API = Api(
    _CONTRACT,
    endpoint=Endpoint(_AWS, name="e"),  # type: ignore[arg-type]  # all that is called of it
    live=LiveVersion(ledger=_Ledger, s3=lambda: _AWS, artifacts_bucket="b", contract=_CONTRACT),  # type: ignore[arg-type,return-value]  # the same
    outcomes=Outcomes(lambda: _AWS, bucket="b"),  # type: ignore[arg-type,return-value]  # the same
    max_records=_MOST,
    code_version="c",
)


class _Refused(Exception):
    """The application answered with a problem of the caller; the message says which."""


def _answered(event: object) -> dict[str, Any]:
    _AWS.told.clear()
    try:
        answer = _API.answer(event, _CONTEXT)
    finally:
        metrics.clear_metrics()  # they would be printed when there are many
    document = json.loads(answer["body"])
    assert answer["statusCode"] < 500, f"{answer['statusCode']}: {document}"
    assert len(answer["body"]) < 100_000, "what was sent is shortened"
    if answer["statusCode"] >= 400:
        fields = " ".join(sorted({f"{each['field']}: {each['allowed']}" for each in document.get("errors", ())}))
        raise _Refused(f"{document['title']} {fields}" if fields else document["detail"])
    return dict(document)


def _predictions(data: bytes) -> None:
    answer = _answered(_posted("/predictions", data))
    assert 1 <= len(answer["predictions"]) <= _MOST


def _outcomes(data: bytes) -> None:
    """What the application accepts, the monitor reads as labels."""
    answer = _answered(_posted("/outcomes", data))
    assert 1 <= answer["accepted"] <= _MOST
    (content,) = _AWS.told
    labels = ground_truth.read([("k", content)])
    assert labels.problems == []
    assert sum(label is not None for of in labels.of.values() for label in of) >= 1


def _any_event(data: bytes) -> None:
    _answered(json.loads(data))


def _endpoint(data: bytes) -> None:
    answer = endpoint_client._read(data, records=2)
    assert len(answer.predictions) == 2
    json.dumps(list(answer.predictions), allow_nan=False)


def _range(data: bytes) -> None:
    ranges = trained_range.read(data, _CONTRACT.inputs)
    for warned in ranges.warnings(_RECORD):
        json.dumps([warned.field, warned.value, warned.trained])


def _serve(data: bytes) -> None:
    instances = serve.input_fn(data, "application/json")
    if isinstance(instances, serve.Refusal):
        list(instances({}, lambda *_: None))
        raise _Refused(instances.error)
    parsed = []
    for instance in instances:
        try:
            parsed.append(_MODEL.parse_instance(instance))
        except model_contract.FieldError as error:
            list(serve.Refusal("400 Bad Request", str(error), field=error.field)({}, lambda *_: None))
            raise
    assert len(columns.from_instances(parsed, _MODEL)) == len(parsed)


def _baseline() -> Iterable[bytes]:
    fields = [
        Field("distance", "integer"),
        Field("origin", "string"),
        Field("seats", "integer", nullable=True),
        Field("air_time", "number"),
    ]
    times = [60.0, 120.0, 300.0]
    rows = pa.table(
        {
            "distance": [200, 1000, 2500],
            "origin": ["JFK", "JFK", "LGA"],
            "seats": pa.array([100, 200, None]),
            "air_time": times,
        }
    )
    numbers = pa.array(times).to_numpy()
    subject = Subject(project="flights", task="regression", target="air_time", snapshot_id="5")
    yield measure(rows, fields, HeldOut(target=numbers, prediction=numbers, intervals={}), subject).as_text().encode()


PARSERS = (
    Parser(
        name="application.predictions",
        reads="bodies of POST /predictions; what is taken, the model has to take",
        modules=("application/api.py", "application/bodies.py", "application/values.py", "application/models.py"),
        run=_predictions,
        refusals=(_Refused,),
        seeds=lambda: (json.dumps(_RECORDS).encode(),),
        syntax="json",
        tokens=_TOKENS,
    ),
    Parser(
        name="application.outcomes",
        reads="bodies of POST /outcomes; what is taken, the monitor has to read",
        modules=("application/outcomes.py",),
        run=_outcomes,
        refusals=(_Refused,),
        seeds=lambda: (json.dumps(_OUTCOMES).encode(),),
        syntax="json",
        tokens=_TOKENS,
    ),
    Parser(
        name="application.event",
        reads="whole events of the HTTP API",
        modules=("application/handler.py", "application/predictions.py"),
        run=_any_event,
        refusals=(
            _Refused,
            ValueError,
            RecursionError,
        ),  # the last two: Lambda reads the event, and hands over no other
        seeds=lambda: (
            json.dumps(_event("POST", "/predictions", json.dumps(_RECORDS))).encode(),
            json.dumps(_event("GET", "/health", "")).encode(),
            json.dumps(_event("POST", "/outcomes", "e30=", isBase64Encoded=True)).encode(),
        ),
        syntax="json",
        tokens=(
            *_TOKENS,
            "POST",
            "GET",
            "/predictions",
            "/outcomes",
            "/health",
            "/openapi.json",
            "isBase64Encoded",
            "Content-Type",
        ),
    ),
    Parser(
        name="application.endpoint-answer",
        reads="the model's answer",
        modules=("application/endpoint_client.py",),
        run=_endpoint,
        refusals=(ProblemError,),
        seeds=lambda: (b'{"predictions": [1.5, 2], "model_version": "7"}', b'{"predictions": [0, -1e3]}'),
        syntax="json",
        tokens=("predictions", "model_version"),
    ),
    Parser(
        name="application.trained-range",
        reads="the baseline of the live version",
        modules=("application/trained_range.py",),
        run=_range,
        refusals=(ValueError,),
        seeds=_baseline,
        syntax="json",
        tokens=(
            "columns",
            "rows",
            "layout",
            "minimum",
            "maximum",
            "nulls",
            "bins",
            "categories",
            "distance",
            "origin",
            "seats",
        ),
    ),
    Parser(
        name="application.model-server",
        reads="requests to the model server, which checks the contract again",
        modules=("pipelines/steps/serve.py",),
        run=_serve,
        refusals=(_Refused, model_contract.FieldError),
        seeds=lambda: (json.dumps({"instances": _RECORDS["records"]}).encode(),),
        syntax="json",
        tokens=(*_TOKENS, "instances"),
    ),
)
