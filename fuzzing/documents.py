"""Documents that one part leaves for another: contracts, manifests, evaluations, profiles, baselines, counts."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
from botocore.exceptions import ClientError

from fuzzing.parser import ROOT, Parser, text_of
from lambdas.shared import compatibility, snapshot
from lambdas.shared.attributes import encode_item
from lambdas.shared.evaluation import read_evaluation
from ops import judgement
from ops.errors import OpsError
from pipelines.steps import contract, profile
from pipelines.steps.contract import Field
from pipelines.steps.drift import baseline
from pipelines.steps.failure import StepError
from pipelines.steps.monitor import collect
from pipelines.steps.monitor.store import Store
from pipelines.steps.snapshot import SnapshotReader

_PROJECTS = ROOT / "pipelines" / "projects"
_SHIPPED = [(_PROJECTS / name / "contract.json").read_bytes() for name in ("flights", "late")]
_FIELD = ("name", "type", "nullable", "optional", "minimum", "maximum", "categories", "pattern", "unit", "description")
_CONTRACT_TOKENS = (
    *_FIELD,
    "inputs",
    "output",
    "version",
    "string",
    "integer",
    "number",
    "boolean",
    "timestamp",
    "[A-Z]{3}",
)
_SMALL = json.dumps(
    {
        "name": "toy",
        "version": "1",
        "inputs": [
            {"name": "at", "type": "timestamp"},
            {"name": "kind", "type": "string", "categories": ["a", "b"], "nullable": True, "optional": True},
            {"name": "code", "type": "string", "pattern": "[A-Z]{2}"},
            {"name": "size", "type": "number", "minimum": 0, "maximum": 1.5, "unit": "m", "description": "d"},
        ],
        "output": {"name": "label", "type": "integer", "minimum": 0},
    }
).encode()
_INSTANCE = {"at": "2013-01-01T00:00:00Z", "kind": "a", "code": "AB", "size": 1, "label": 0}
_LIVE = compatibility.parse(_SMALL)


def _steps_contract(data: bytes) -> None:
    found = contract.parse(text_of(data))
    try:
        found.parse_instance(_INSTANCE)
    except contract.FieldError as error:
        assert str(error)
    for field in found.inputs:
        assert field.allowed()


def _pairing(data: bytes) -> None:
    document = compatibility.parse(data)
    compatibility.canonical(document)
    for pair in ((document, _LIVE), (_LIVE, document)):
        assert isinstance(compatibility.in_words(compatibility.incompatibilities(*pair)), str)
    assert compatibility.incompatibilities(document, document) == [], "a contract does not agree with itself"


def _manifest(data: bytes) -> None:
    found = snapshot.parse(data)
    assert snapshot.parse(found.manifest).id == found.id


def _steps_manifest(data: bytes) -> None:
    body = SimpleNamespace(read=lambda: data)
    client: Any = SimpleNamespace(
        get_object=lambda **_: {"Body": body}, exceptions=SimpleNamespace(ClientError=ClientError)
    )
    found = SnapshotReader(client).manifest("s3://b/k", snapshot_id=hashlib.sha256(data).hexdigest())
    assert found.objects


def _evaluation(data: bytes) -> None:
    found = read_evaluation(data)
    if found is None:
        raise ValueError("it is no evaluation")
    stored = encode_item(dataclasses.asdict(found))
    assert len(json.dumps(stored, ensure_ascii=False).encode()) < 100_000, "an item of DynamoDB holds 400 KB"
    assert all(name for name in (*found.metrics, *found.champion_metrics, *found.naive_metrics))


def _judgement(data: bytes) -> None:
    found = judgement.parse(data, uri="s3://b/k")
    assert len(found.by_distance) == len(found.features)
    json.loads(data)  # `ops drift --json` hands on the document as it is


def _counts(data: bytes) -> None:
    found = collect.parse_text(text_of(data))
    assert collect.parse_text(found.as_text()).as_document() == found.as_document()


def _baseline(data: bytes) -> None:
    found = baseline.parse(data)
    assert baseline.parse(found.as_text()).as_text() == found.as_text()


def _stored(data: bytes) -> None:
    store: Any = SimpleNamespace(uri=lambda name: name)
    Store._parsed(store, "k", data)


def _measured() -> baseline.Baseline:
    fields = [
        Field("size", "number"),
        Field("kind", "string", nullable=True),
        Field("wet", "boolean"),
        Field("label", "number"),
    ]
    numbers = np.linspace(0, 1, 20)
    rows = pa.table(
        {"size": numbers, "kind": ["a", "b"] * 9 + [None, "c"], "wet": [True, False] * 10, "label": numbers}
    )
    subject = baseline.Subject(project="toy", task="regression", target="label", snapshot_id="5")
    held_out = baseline.HeldOut(target=numbers, prediction=numbers + 0.1, intervals={"rmse": (0.1, 0.2)})
    return baseline.measure(rows, fields, held_out, subject)


def _baselines() -> Iterable[bytes]:
    yield _measured().as_text().encode()


def _window_counts() -> Iterable[bytes]:
    found = collect.WindowCounts(inputs=_measured().rows, predictions=_measured().predictions, files=1, records=2)
    yield found.as_text().encode()


def _profiles() -> Iterable[bytes]:
    fields = [Field("at", "timestamp"), Field("size", "number"), Field("kind", "string")]
    profiler = profile.Profiler(fields, label="size")
    moment = pa.array([datetime(2020, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("us", tz="UTC"))
    profiler.add(pa.table({"at": moment, "size": [1.0, 2.0], "kind": ["a", "b"]}))
    yield json.dumps(dataclasses.asdict(profiler.profile())).encode()


EVALUATION = {
    "format": 2,
    "metrics": {"rmse": 1.0, "slices": {"EWR": 2}},
    "naive": {"metrics": {"rmse": 2.0}},
    "champion": {"metrics": {"rmse": 1.5}},
    "gate": {"rule": "improvement", "reason": "better", "improvement": 0.1},
    "comparison": {"lower_bound": 0.01},
}
_FEATURE = {
    "name": "size",
    "rows": 500,
    "robust_linf": 0.1,
    "psi": 0.2,
    "js": 0.1,
    "judged": True,
    "drifted": False,
    "limit": 0.3,
}
_JUDGED = {
    "format": 1,
    "window": {"start": "2013-01-01T00:00:00Z", "end": "2013-01-02T00:00:00Z", "length": "day", "span": 3},
    "model": {"version": "1", "age_days": 1.5},
    "traffic": {"records": 1, "rows": 2},
    "capture": {"problems": [{"kind": "json", "count": 1}]},
    "labels": {"rows": 1, "share": 0.5},
    "features": [_FEATURE],
    "prediction": _FEATURE,
    "target": None,
    "violations": {"share": 0.0},
    "quality": None,
    "estimate": {"metric": "rmse", "value": 1.0, "method": "m", "assumption": "a"},
    "breaches": {"drift": True},
    "since": {"drift": "2013-01-01T00:00:00Z"},
}
_MANIFEST = snapshot.Snapshot("b", "data/", (snapshot.SnapshotObject("k", "v", "e", 1, "2013-01"),)).manifest
_COUNT_TOKENS = (
    "format",
    "columns",
    "rows",
    "bins",
    "lengths",
    "nulls",
    "minimum",
    "maximum",
    "layout",
    "categories",
    "edges",
    "type",
)

PARSERS = (
    Parser(
        name="documents.contract",
        reads="the contract in the code bundle and in a model's archive",
        modules=("pipelines/steps/contract.py",),
        run=_steps_contract,
        refusals=(contract.ContractError,),
        seeds=lambda: (*_SHIPPED, _SMALL),
        syntax="json",
        tokens=_CONTRACT_TOKENS,
    ),
    Parser(
        name="documents.pairing",
        reads="contracts of application and model, which are compared",
        modules=("lambdas/shared/compatibility.py", "ops/contract.py", "lambdas/shared/contracts.py"),
        run=_pairing,
        refusals=(compatibility.ContractError,),
        seeds=lambda: (*_SHIPPED, _SMALL),
        syntax="json",
        tokens=_CONTRACT_TOKENS,
    ),
    Parser(
        name="documents.manifest",
        reads="manifests of snapshots",
        modules=("lambdas/shared/snapshot.py",),
        run=_manifest,
        refusals=(ValueError,),
        seeds=lambda: (_MANIFEST,),
        syntax="json",
        tokens=("objects", "bucket", "prefix", "key", "version_id", "etag", "size", "period", "format"),
    ),
    Parser(
        name="documents.steps-manifest",
        reads="the same, as the steps read them",
        modules=("pipelines/steps/snapshot.py",),
        run=_steps_manifest,
        refusals=(StepError,),
        seeds=lambda: (_MANIFEST,),
        syntax="json",
        tokens=("objects", "bucket", "prefix", "key", "version_id", "etag", "size", "period", "format"),
        cases=200,
    ),
    Parser(
        name="documents.evaluation",
        reads="evaluation.json, as CloseTraining and the application read it",
        modules=("lambdas/shared/evaluation.py",),
        run=_evaluation,
        refusals=(ValueError,),
        seeds=lambda: (json.dumps(EVALUATION).encode(),),
        syntax="json",
        tokens=("metrics", "naive", "champion", "gate", "comparison", "rule", "reason", "improvement", "lower_bound"),
    ),
    Parser(
        name="documents.judgement",
        reads="the monitor's newest judgement, as ops reads it",
        modules=("ops/judgement.py", "ops/drift.py"),
        run=_judgement,
        refusals=(OpsError,),
        seeds=lambda: (json.dumps(_JUDGED).encode(),),
        syntax="json",
        tokens=tuple(_JUDGED),
    ),
    Parser(
        name="documents.profile",
        reads="the champion's profile",
        modules=("pipelines/steps/profile.py", "pipelines/steps/quality/baseline.py"),
        run=profile.parse,
        refusals=(StepError,),
        seeds=_profiles,
        syntax="json",
        tokens=(
            "columns",
            "format",
            "rows",
            "label",
            "type",
            "nulls",
            "distinct",
            "categories",
            "minimum",
            "maximum",
            "sum",
        ),
    ),
    Parser(
        name="documents.baseline",
        reads="the live version's baseline, as the monitor reads it",
        modules=("pipelines/steps/drift/baseline.py",),
        run=_baseline,
        refusals=(StepError,),
        seeds=_baselines,
        syntax="json",
        tokens=(*_COUNT_TOKENS, "subject", "prediction_layout", "predictions", "outcomes", "intervals"),
    ),
    Parser(
        name="documents.window-counts",
        reads="counts of a window from Spark's workers and from earlier runs",
        modules=("pipelines/steps/monitor/collect.py",),
        run=_counts,
        refusals=(StepError,),
        seeds=_window_counts,
        syntax="json",
        tokens=(*_COUNT_TOKENS, "inputs", "predictions", "files", "records", "mistyped", "problems"),
    ),
    Parser(
        name="documents.stored",
        reads="whatever JSON the monitor stored before",
        modules=("pipelines/steps/monitor/store.py",),
        run=_stored,
        refusals=(StepError,),
        seeds=lambda: (json.dumps(_JUDGED).encode(),),
        syntax="json",
        cases=100,
    ),
)
