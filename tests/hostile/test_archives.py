"""Model archives: bounded, kept inside their folder, and never pickles."""

import ast
import gzip
import io
import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.steps import artifact
from pipelines.steps.failure import StepError

ROOT = Path(__file__).parents[2]
CODE = ("application", "lambdas", "ops", "pipelines", "sandbox", "stacks", "benchmarks")
UNSAFE_MODULES = frozenset({"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "_pickle"})
UNSAFE_CALLS = frozenset({"read_pickle", "to_pickle", "unsafe_load"})


def archive(path: Path, *entries: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for entry in entries:
            tar.addfile(entry, io.BytesIO(b"\0" * entry.size))
    return path


def entry(name: str, *, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = size, kind, link
    return made


def refused(path: Path, folder: Path) -> str:
    with pytest.raises(StepError) as caught:
        artifact.unpack(path, folder)
    return str(caught.value)


def test_an_archive_that_unpacks_to_more_than_any_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact, "MOST_BYTES", 1_000_000)
    path = archive(tmp_path / "model.tar.gz", entry("a", size=600_000), entry("b", size=600_000))
    assert path.stat().st_size < 10_000
    assert "holds more than 20,000 entries or 1,000,000 bytes" in refused(path, tmp_path / "to")
    assert not (tmp_path / "to" / "b").exists()


def test_an_archive_of_very_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "MOST_ENTRIES", 3)
    path = archive(tmp_path / "model.tar.gz", *(entry(str(number)) for number in range(4)))
    assert "holds more than 3 entries" in refused(path, tmp_path / "to")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
@pytest.mark.parametrize("before", [0, 1])
def test_a_header_that_would_fill_the_memory_is_refused_before_it_is_read(
    tmp_path: Path, kind: bytes, before: int
) -> None:
    announced = entry("header", size=8 << 30, kind=kind).tobuf(tarfile.GNU_FORMAT)
    first = entry("fine").tobuf(tarfile.GNU_FORMAT) * before
    path = tmp_path / "model.tar.gz"
    path.write_bytes(gzip.compress(first + announced + b"\0" * 1024))
    assert "has a header of 8,589,934,592 bytes; at most 1,048,576 are read" in refused(path, tmp_path / "to")


@pytest.mark.parametrize(
    "made",
    [
        entry("../outside"),
        entry("link", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        entry("link", kind=tarfile.SYMTYPE, link="../../outside"),
        entry("hard", kind=tarfile.LNKTYPE, link="../outside"),
        entry("device", kind=tarfile.CHRTYPE),
        entry("pipe", kind=tarfile.FIFOTYPE),
    ],
    ids=lambda made: f"{made.name} {made.linkname}",
)
def test_nothing_is_written_or_linked_outside_of_the_folder(tmp_path: Path, made: tarfile.TarInfo) -> None:
    assert "no readable model archive" in refused(archive(tmp_path / "model.tar.gz", made), tmp_path / "to")


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_an_archive_that_ends_early_is_refused(tmp_path: Path, cut: int) -> None:
    path = archive(tmp_path / "model.tar.gz", entry("a", size=50_000), entry("b", size=50_000))
    path.write_bytes(path.read_bytes()[:cut])
    assert "no readable model archive" in refused(path, tmp_path / "to")


def sources() -> Iterator[Path]:
    for folder in CODE:
        yield from (path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)


def unsafe(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name.partition(".")[0] in UNSAFE_MODULES)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in UNSAFE_MODULES:
                yield module
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in UNSAFE_CALLS:
                yield name
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=value)) if value is not False:
                yield "allow_pickle"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr="load"), keywords=keywords) if not any(
                each.arg == "allow_pickle" for each in keywords
            ):
                yield "np.load without allow_pickle=False"


def test_no_code_of_ours_reads_or_writes_pickles() -> None:
    files = list(sources())
    assert len(files) > 200
    found = {str(path.relative_to(ROOT)): list(unsafe(ast.parse(path.read_text("utf-8")))) for path in files}
    assert {name: uses for name, uses in found.items() if uses} == {}


@pytest.mark.parametrize("source", ["import pickle", "from joblib import load", "pd.read_pickle(x)", "np.load(x)"])
def test_the_search_for_pickles_finds_one(source: str) -> None:
    assert list(unsafe(ast.parse(source)))


class Attack:
    """What a pickle runs when it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return Path.write_text, (self.trace, "ran")  # type: ignore[return-value]  # enough for pickle


@pytest.mark.parametrize("project", ["flights", "late"])
def test_a_pickle_in_the_place_of_a_model_is_refused_and_not_run(tmp_path: Path, project: str) -> None:
    from pipelines.steps.plugin import load_project  # noqa: PLC0415  # XGBoost is loaded for this test only

    trace = tmp_path / "trace"
    for name in ("model.ubj", "model.json", "model.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(Attack(trace)))
    with pytest.raises(Exception, match=r"(?i)model|ubj|json|parse|unknown|invalid"):
        load_project(project).load(tmp_path)
    assert not trace.exists()
