"""Files that come from outside: drops in Parquet, model archives, and what lies in a model's folder."""

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fuzzing.parser import Parser
from ops import storage
from ops.errors import OpsError, UsageError
from ops.reproduce import comparison
from ops.scaffold import fields as scaffold
from pipelines.steps import artifact, champion, drops, train
from pipelines.steps import contract as contracts
from pipelines.steps.contract import Contract, Field
from pipelines.steps.failure import StepError
from pipelines.steps.plugin import load_project

_FOLDER = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108  # memory instead of disk
_CONTRACT = Contract(
    name="toy",
    version="1",
    inputs=(
        Field("kind", "string", pattern="[a-z]"),
        Field("size", "number", minimum=-1),
        Field("wet", "boolean", nullable=True, optional=True),
    ),
    output=Field("label", "number"),
)
_SHIPPED = {
    "contract.json": contracts.source("flights").encode(),
    "model.ubj": b"\0" * 700,
    "code/inference.py": b"x = 1\n",
}
_TRAINING = {
    "project": "flights",
    "target": "air_time",
    "snapshot_id": "5",
    "contract_version": "1",
    "seed": 1,
    "hyperparameters": {"rounds": "3"},
    "rows": 10,
    "trained_until": "2013-03-01T00:00:00+00:00",
    "libraries": {"numpy": np.__version__},
    "format": 1,
}


@contextmanager
def _file(name: str, content: bytes) -> Iterator[Path]:
    with TemporaryDirectory(prefix="fuzz-", dir=_FOLDER) as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


def _drop(data: bytes) -> None:
    """A drop is reported on, and one without problems is read again as often as it was counted."""
    with _file("drop.parquet", data) as path:
        report = drops.check(path, _CONTRACT, time_column="at")
        if report.problems:
            for each in report.problems:
                json.dumps([each.column, each.rule, each.reason, each.rows, each.example])
            raise ValueError(" ".join(sorted(f"{each.rule} {each.column}" for each in report.problems)))
        batches = list(drops.read(path, drops.drop_fields(_CONTRACT, time_column="at")))
        assert sum(len(batch) for batch in batches) == report.rows


def _scaffolded(data: bytes) -> None:
    with _file("drop.parquet", data) as path:
        inputs, output = scaffold.of_parquet(path, "regression", target="label", time_column="at")
    contracts.parse(json.dumps({"name": "toy", "version": "1", "inputs": inputs, "output": output}))


def _drops() -> Iterable[bytes]:
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    table = pa.table(
        {
            "kind": pa.array(["a", "b", "c"] * 3),
            "size": [0.5, 1.5, None] * 3,
            "wet": pa.array([True, None, False] * 3),
            "label": [1.0, 2.0, 3.0] * 3,
            "at": pa.array([moment] * 9, pa.timestamp("us", tz="UTC")),
        }
    ).set_column(1, "size", pa.array([0.5, 1.5, 2.5] * 3))
    for options in ({}, {"compression": "zstd", "use_dictionary": False}, {"row_group_size": 4, "version": "1.0"}):
        buffer = io.BytesIO()
        pq.write_table(table, buffer, **options)
        yield buffer.getvalue()


def _tar(content: dict[str, bytes], kind: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as tar:
        for name, body in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


def _archives() -> Iterable[bytes]:
    content = {"training.json": json.dumps(_TRAINING).encode(), "contract.json": b"{}", "code/a.py": b"x = 1\n"}
    yield _tar(content)
    yield _tar({"n" * 150 + "/é": b"1"}, tarfile.PAX_FORMAT)
    yield _tar({"n" * 150: b"1"}, tarfile.GNU_FORMAT)


def _unpacked(archive: bytes) -> None:
    """Everything lands in the folder, and nothing of it is a link that leads out."""
    with _file("model.tar.gz", archive) as path:
        folder = path.parent / "to"
        try:
            artifact.unpack(path, folder)
            for each in folder.rglob("*"):
                assert each.resolve().is_relative_to(folder.resolve()), f"{each} leads out of the folder"
        finally:
            left = {each.name for each in path.parent.iterdir()} - {"model.tar.gz", "to"}
            assert not left, f"outside of the folder: {left}"
            for each in folder.rglob("*"):
                if not each.is_symlink():
                    each.chmod(0o700)
            shutil.rmtree(folder, ignore_errors=True)


def _compared(archive: bytes) -> None:
    with patch.object(storage, "download", lambda _s3, _uri, path: path.write_bytes(archive) and "5"):
        assert comparison._archive(SimpleNamespace(), "s3://b/model.tar.gz").sha256 == "5"  # type: ignore[arg-type]  # unused


def _packed(run: Callable[[bytes], None]) -> Callable[[bytes], None]:
    return lambda data: run(gzip.compress(data, compresslevel=1, mtime=0))


def _described(data: bytes) -> None:
    """A folder whose training.json is the case; the model in it is none, so a good one ends at the libraries."""
    with TemporaryDirectory(prefix="fuzz-", dir=_FOLDER) as name:
        folder = Path(name)
        for inner, body in _SHIPPED.items():
            (folder / inner).parent.mkdir(exist_ok=True)
            (folder / inner).write_bytes(body)
        (folder / artifact.TRAINING).write_bytes(data)
        with patch.object(artifact, "load_project", _project):
            artifact.read(folder)


def _project(name: str) -> Any:
    """The project of that name, whose model is not read."""
    load_project(name)
    return SimpleNamespace(LIBRARIES=("numpy",), load=lambda _: None)


def _contracted(data: bytes) -> None:
    """A folder whose contract.json is the case; a good one ends where the model is read, which is replaced."""
    with TemporaryDirectory(prefix="fuzz-", dir=_FOLDER) as name, patch.object(artifact, "load_project", _project):
        folder = Path(name)
        (folder / artifact.TRAINING).write_text(json.dumps(_TRAINING), "utf-8")
        (folder / artifact.CONTRACT).write_bytes(data)
        artifact.read(folder)


class _Registry:
    def describe_model_package(self, **_: Any) -> dict[str, Any]:
        containers = [{"ModelDataUrl": "s3://b/model.tar.gz"}]
        return {
            "ModelApprovalStatus": "Approved",
            "ModelPackageVersion": 1,
            "InferenceSpecification": {"Containers": containers},
        }


def _champion(data: bytes) -> None:
    body = gzip.compress(_tar({"training.json": data}), compresslevel=1)
    s3: Any = SimpleNamespace(get_object=lambda **_: {"Body": io.BytesIO(body), "ETag": "e"})
    with TemporaryDirectory(prefix="fuzz-", dir=_FOLDER) as folder:
        found = champion.fetch("arn", target="air_time", folder=Path(folder), sagemaker=_Registry(), s3=s3)  # type: ignore[arg-type]  # what is called of it
    assert found.trained_until.tzinfo is UTC


def _hyperparameters(data: bytes) -> None:
    with _file("hyperparameters.json", data) as path:
        values, seed = train._hyperparameters(SimpleNamespace(hyperparameters=path))  # type: ignore[arg-type]  # what is used of it
    assert seed >= 0
    assert all(isinstance(value, str) for value in values.values())


def _leaves(data: bytes) -> None:
    with patch.object(storage, "read", lambda *_: data):
        document = comparison._evaluation(SimpleNamespace(), "s3://b/evaluation.json")  # type: ignore[arg-type]  # unused
    dict(comparison._leaves(document))


def _compressed() -> Iterable[bytes]:
    return (gzip.compress(each, mtime=0) for each in _archives())


_TEXT_OF_PARQUET = ("PAR1", "kind", "size", "label", "at", "wet", "ARROW:schema")

PARSERS = (
    Parser(
        name="files.drop",
        reads="drops, as Validate and Accept read them (Parquet)",
        modules=("pipelines/steps/drops.py", "pipelines/steps/validate.py", "pipelines/steps/bounds.py"),
        run=_drop,
        refusals=(ValueError, StepError),
        seeds=_drops,
        syntax="bytes",
        tokens=_TEXT_OF_PARQUET,
        cases=300,
    ),
    Parser(
        name="files.scaffold",
        reads="the Parquet file of `ops new --from-parquet`",
        modules=("ops/scaffold/fields.py",),
        run=_scaffolded,
        refusals=(UsageError,),
        seeds=_drops,
        syntax="bytes",
        tokens=_TEXT_OF_PARQUET,
        cases=200,
    ),
    Parser(
        name="files.archive",
        reads="a model's archive once it is decompressed (tar)",
        modules=("pipelines/steps/artifact.py",),
        run=_packed(_unpacked),
        refusals=(StepError,),
        seeds=_archives,
        syntax="bytes",
        cases=150,
    ),
    Parser(
        name="files.gzip",
        reads="a model's archive as it is stored (gzip)",
        modules=(),
        run=_unpacked,
        refusals=(StepError,),
        seeds=_compressed,
        syntax="bytes",
        cases=150,
    ),
    Parser(
        name="files.compared-archive",
        reads="archives that `ops reproduce` compares",
        modules=("ops/reproduce/comparison.py",),
        run=_compared,
        refusals=(OpsError,),
        seeds=_compressed,
        syntax="bytes",
        cases=150,
    ),
    Parser(
        name="files.compared-evaluation",
        reads="evaluations that `ops reproduce` compares",
        modules=(),
        run=_leaves,
        refusals=(OpsError,),
        seeds=lambda: (b'{"metrics": {"rmse": 1.5}, "gate": {"promote": true}, "slices": [1, [2]]}',),
        syntax="json",
        cases=200,
    ),
    Parser(
        name="files.training",
        reads="training.json in a model's folder",
        modules=(),
        run=_described,
        refusals=(StepError,),
        seeds=lambda: (json.dumps(_TRAINING).encode(),),
        syntax="json",
        tokens=(*_TRAINING, "late", "os", "../evil", "numpy", "xgboost"),
        cases=200,
    ),
    Parser(
        name="files.model-contract",
        reads="contract.json in a model's folder",
        modules=(),
        run=_contracted,
        refusals=(StepError,),
        seeds=lambda: (_SHIPPED["contract.json"],),
        syntax="json",
        cases=100,
    ),
    Parser(
        name="files.champion",
        reads="training.json in the champion's archive",
        modules=("pipelines/steps/champion.py",),
        run=_champion,
        refusals=(StepError,),
        seeds=lambda: (json.dumps(_TRAINING).encode(),),
        syntax="json",
        tokens=tuple(_TRAINING),
        cases=150,
    ),
    Parser(
        name="files.hyperparameters",
        reads="hyperparameters of a training job",
        modules=("pipelines/steps/train.py",),
        run=_hyperparameters,
        refusals=(StepError,),
        seeds=lambda: (b'{"rounds": "300", "seed": "1"}',),
        syntax="json",
        tokens=("seed", "rounds"),
        cases=200,
    ),
)
