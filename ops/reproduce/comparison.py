"""Two results side by side: every figure of the evaluation, the archive's bytes, and every file in the archive."""

import hashlib
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ops import storage
from ops.errors import OpsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_JUDGEMENT = ("rows", "window", "metrics", "naive", "champion", "comparison", "gate")
"""The sections of an evaluation that follow from data, code, parameters and seed alone."""


@dataclass(frozen=True)
class Difference:
    """One thing that did not come out the same; None where a side has nothing."""

    what: str
    registered: str | None
    reproduced: str | None


@dataclass(frozen=True)
class Archive:
    """A model archive: its SHA-256, and that of each file in it by path."""

    sha256: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Comparison:
    """What two results have in common and what not.

    Attributes:
        figures: how many figures and texts of the evaluation were compared.
        metrics: of the challenger, as registered.
    """

    registered: Archive
    reproduced: Archive
    figures: int
    metrics: Mapping[str, float]
    differences: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        """Whether figures and bytes are the same."""
        return not self.differences

    @property
    def is_same_model(self) -> bool:
        """Whether the bytes are the same. The judgement may still differ: its champion can be gone by now."""
        return self.registered.sha256 == self.reproduced.sha256


@dataclass(frozen=True)
class Result:
    """Where one result lies."""

    model_uri: str
    evaluation_uri: str


def compare(s3: "S3Client", registered: Result, reproduced: Result) -> Comparison:
    """Read both results and compare them.

    Raises:
        OpsError: one of them cannot be read.
    """
    archives = [_archive(s3, result.model_uri) for result in (registered, reproduced)]
    documents = [_evaluation(s3, result.evaluation_uri) for result in (registered, reproduced)]
    figures = [dict(_leaves({name: each.get(name) for name in _JUDGEMENT})) for each in documents]
    differences = [
        *_differing(figures[0], figures[1], prefix=""),
        *_differing({"model.tar.gz": archives[0].sha256}, {"model.tar.gz": archives[1].sha256}, prefix="sha256 of "),
        *_differing(archives[0].files, archives[1].files, prefix="sha256 of model.tar.gz/"),
    ]
    metrics = {name: value for name, value in documents[0].get("metrics", {}).items() if isinstance(value, int | float)}
    return Comparison(archives[0], archives[1], len(figures[0]), metrics, tuple(differences))


def _archive(s3: "S3Client", uri: str) -> Archive:
    with TemporaryDirectory(prefix="model-") as folder:
        path = Path(folder) / "model.tar.gz"
        sha256 = storage.download(s3, uri, path)
        try:
            return Archive(sha256, dict(_files(path)))
        except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError) as error:
            raise OpsError(f"{uri} is no readable model archive: {error}") from error


def _files(path: Path) -> Iterator[tuple[str, str]]:
    with tarfile.open(path, "r:gz") as tar:
        for entry in tar:
            content = tar.extractfile(entry) if entry.isfile() else None
            if content is not None:
                yield entry.name, hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]  # a reader


def _evaluation(s3: "S3Client", uri: str) -> dict[str, Any]:
    body = storage.read(s3, uri)
    if body is None:
        raise OpsError(f"the evaluation {uri} does not exist")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OpsError(f"the evaluation {uri} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise OpsError(f"the evaluation {uri} is no evaluation: {body[:80]!r}")
    return document


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in sorted(value.items()):
            yield from _leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    elif value is not None:
        yield path, json.dumps(value)  # shortest text that reads back as the same number


def _differing(registered: Mapping[str, str], reproduced: Mapping[str, str], *, prefix: str) -> Iterator[Difference]:
    for name in sorted(registered.keys() | reproduced.keys()):
        if registered.get(name) != reproduced.get(name):
            yield Difference(f"{prefix}{name}", registered.get(name), reproduced.get(name))
