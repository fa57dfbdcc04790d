"""The folder of a demo's record is emptied only when a demo wrote it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sandbox.__main__ import app
from sandbox.demo import record
from sandbox.errors import SandboxError


def test_what_a_person_keeps_in_a_folder_stays_and_the_error_names_it(tmp_path: Path) -> None:
    own = tmp_path / "thesis.txt"
    own.write_text("mine")

    with pytest.raises(SandboxError, match=rf"{tmp_path} is not empty and was not made by the demo.*--output"):
        record.renew(tmp_path)

    assert own.read_text() == "mine"


def test_the_command_refuses_such_a_folder_before_it_starts_anything(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    state = tmp_path / "state"

    done = CliRunner().invoke(app, ["demo", "--output", str(tmp_path), "--state", str(state)])

    assert (done.exit_code, state.exists()) == (1, False)
    assert (tmp_path / "thesis.txt").exists()


def test_a_file_in_its_place_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file")

    with pytest.raises(SandboxError, match="demo is a file"):
        record.renew(tmp_path / "demo")


def test_the_record_of_a_former_demo_makes_room(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "demo"
    record.renew(folder)
    (folder / "timing.json").write_text("{}")

    record.renew(folder)

    assert not (folder / "timing.json").exists()
