"""Wheels that travel with a job."""

import importlib
import sys
import zipfile
from pathlib import Path

import pytest

from pipelines import libraries, wheels
from pipelines.steps import vendored


def test_a_wheel_beside_the_job_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    with zipfile.ZipFile(tmp_path / "brought_along-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("brought_along/__init__.py", "ANSWER = 42")
    assert vendored.use(tmp_path) == ("brought_along-1.0-py3-none-any.whl",)
    assert importlib.import_module("brought_along").ANSWER == 42
    assert sys.path[-1] in str(importlib.import_module("brought_along").__file__), "behind what the image has"


def test_without_wheels_nothing_changes(tmp_path: Path) -> None:
    before = list(sys.path)
    assert vendored.use(tmp_path / "absent") == ()
    assert sys.path == before


def test_a_wheel_that_was_not_fetched_is_named_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(wheels.MissingWheelError, match=rf"pyarrow-{libraries.pinned('pyarrow')}.*make wheels"):
        wheels.path(folder=tmp_path)


def test_the_wheel_is_checked_against_every_hash_of_the_lock() -> None:
    locked = wheels._locked()
    assert locked.startswith(f"pyarrow=={libraries.pinned('pyarrow')}")
    assert locked.count("--hash=sha256:") > 10
    assert "\n" + "pyasn1" not in locked
