"""What a model is made of on disk, and the archive that carries it.

``model.tar.gz`` holds the project's model files, ``contract.json``, ``training.json`` and ``code/`` (the serving
script and this package). SageMaker's own archive of a training job carries time stamps; ours is normalised, so the
same model gives the same bytes.
"""

import gzip
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self

from pipelines.steps import contract as contracts
from pipelines.steps.failure import StepError
from pipelines.steps.plugin import Model, Project, library_versions, load_project

ARCHIVE = "model.tar.gz"
CONTRACT = "contract.json"
TRAINING = "training.json"
_FORMAT = 1
_COMPRESSION = 6  # level 9 takes six times as long to save one percent
MOST_ENTRIES, MOST_BYTES = 20_000, 20 << 30
"""What an archive may unpack to."""
_HEADERS = frozenset(
    {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
)
_LONGEST_HEADER = 1 << 20
_CODE_SUFFIXES = frozenset({".py", ".json"})


@dataclass(frozen=True)
class Training:
    """How a model came to be: everything that its bytes depend on, and nothing that changes from run to run.

    ``trained_until`` is the time of the newest training row (ISO 8601): a later run judges the model on newer rows.
    """

    project: str
    target: str
    snapshot_id: str
    contract_version: str
    seed: int
    hyperparameters: Mapping[str, str]
    rows: int
    trained_until: str
    libraries: Mapping[str, str]
    format: int = _FORMAT


@dataclass(frozen=True)
class Artifact:
    """A model read back from disk."""

    model: Model
    contract: contracts.Contract
    training: Training


def write(folder: Path, model: Model, training: Training) -> None:
    """Write everything that serving needs into a folder, the code included."""
    model.save(folder)
    (folder / CONTRACT).write_text(contracts.source(training.project), "utf-8")
    (folder / TRAINING).write_text(json.dumps(asdict(training), indent=2, sort_keys=True) + "\n", "utf-8")
    for name, content in _code(training.project):
        path = folder / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read(folder: Path) -> Artifact:
    """Load a model, after checking that the libraries that wrote it are the ones that read it.

    Raises:
        StepError: when the folder holds no model that can be read, or a library has another version.
    """
    path = folder / TRAINING
    if not path.is_file():
        raise StepError(f"{folder} holds no model: {TRAINING} is missing")
    try:
        training = _described(json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError, RecursionError) as error:
        raise StepError(f"{path} does not describe a model: {type(error).__name__} {error}") from error
    project = load_project(training.project)
    _check_versions(project, training)
    try:
        contract = contracts.parse((folder / CONTRACT).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StepError(f"{folder / CONTRACT} is no contract: {error}") from error
    return Artifact(model=project.load(folder), contract=contract, training=training)


def _described(document: Mapping[str, Any]) -> Training:
    training = Training(**document)
    told: Mapping[str, Any] = vars(training)
    if not isinstance(told["project"], str) or not isinstance(told["libraries"], Mapping):
        raise TypeError("project must be a text and libraries an object of versions by name")
    return training


def pack(folder: Path, archive: Path) -> None:
    """Pack a model folder: sorted names, no owner, no time, one mode, so that equal content gives equal bytes."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=_COMPRESSION, fileobj=raw, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in paths:
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size, entry.mode, entry.mtime = path.stat().st_size, 0o644, 0
            with path.open("rb") as file:
                tar.addfile(entry, file)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive into a folder; entries that would land outside of it are refused.

    Raises:
        StepError: when it is no archive, or holds more than any model of ours: a small archive can unpack to anything.
    """
    try:
        with tarfile.open(archive, "r:gz", tarinfo=_Entry) as tar:
            tar.extractall(folder, members=_bounded(tar, archive), filter="data")
    except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError) as error:
        raise StepError(f"{archive} is no readable model archive: {error}") from error


class _Entry(tarfile.TarInfo):
    """An entry whose headers are bounded: the module reads a long name or a PAX header into memory as a whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header block."""
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _HEADERS and entry.size > _LONGEST_HEADER:
            raise StepError(f"an archive has a header of {entry.size:,} bytes; at most {_LONGEST_HEADER:,} are read")
        return entry


def _bounded(tar: tarfile.TarFile, archive: Path) -> Iterator[tarfile.TarInfo]:
    size = 0
    for number, entry in enumerate(tar, start=1):
        size += entry.size
        if number > MOST_ENTRIES or size > MOST_BYTES:
            most = f"{MOST_ENTRIES:,} entries or {MOST_BYTES:,} bytes"
            raise StepError(f"{archive} holds more than {most}, which no model archive does")
        yield entry


def _code(project: str) -> Iterator[tuple[str, bytes]]:
    """Yield the serving script and the package behind it, from wherever the package is: a folder or a zip."""
    package = resources.files("pipelines")
    yield "inference.py", package.joinpath("steps", "inference.py").read_bytes()
    for name in ("__init__.py", "projects/__init__.py"):
        yield f"pipelines/{name}", package.joinpath(*name.split("/")).read_bytes()
    for folder in ("steps", f"projects/{project}"):
        yield from _files(package.joinpath(*folder.split("/")), f"pipelines/{folder}")


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _files(entry, f"{prefix}/{entry.name}")
        elif Path(entry.name).suffix in _CODE_SUFFIXES:
            yield f"{prefix}/{entry.name}", entry.read_bytes()


def _check_versions(project: Project, training: Training) -> None:
    present = library_versions(project)
    for name in project.LIBRARIES:
        if present[name] != training.libraries.get(name):
            raise StepError(
                f"the model was trained with {name} {training.libraries.get(name)} and this is {name} "
                f"{present[name]}: predictions would differ without an error; use the image it was trained with"
            )
