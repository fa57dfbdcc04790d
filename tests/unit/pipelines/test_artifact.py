"""The archive of a model."""

import os
import tarfile
from pathlib import Path

import pytest

from pipelines.steps import artifact
from pipelines.steps.failure import StepError


def folder(path: Path, *, names: list[str], mtime: int, mode: int) -> Path:
    for name in names:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"content of {name}")
        os.utime(file, (mtime, mtime))
        file.chmod(mode)
    return path


def test_equal_content_gives_equal_bytes_whenever_and_by_whomever_it_was_written(tmp_path: Path) -> None:
    names = ["model.ubj", "code/inference.py", "code/pipelines/__init__.py"]
    first = folder(tmp_path / "a", names=names, mtime=1, mode=0o600)
    second = folder(tmp_path / "b", names=names[::-1], mtime=10**9, mode=0o755)
    folder(second / "code" / "__pycache__", names=["inference.pyc"], mtime=2, mode=0o644)
    artifact.pack(first, tmp_path / "a.tar.gz")
    artifact.pack(second, tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


def test_what_is_packed_can_be_unpacked(tmp_path: Path) -> None:
    source = folder(tmp_path / "source", names=["model.ubj", "code/inference.py"], mtime=1, mode=0o644)
    artifact.pack(source, tmp_path / "model.tar.gz")
    artifact.unpack(tmp_path / "model.tar.gz", tmp_path / "target")
    assert (tmp_path / "target" / "code" / "inference.py").read_text() == "content of code/inference.py"


def test_an_archive_that_reaches_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evil").write_text("evil")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "evil", arcname="../outside")
    with pytest.raises(StepError, match="no readable model archive"):
        artifact.unpack(tmp_path / "model.tar.gz", tmp_path / "target")
    assert not (tmp_path / "outside").exists()


def test_something_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"not an archive")
    with pytest.raises(StepError, match="no readable model archive"):
        artifact.unpack(tmp_path / "model.tar.gz", tmp_path / "target")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"training\.json is missing"):
        artifact.read(tmp_path)
