"""Finding and reading the logs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sandbox.__main__ import app
from sandbox.errors import SandboxError
from sandbox.logs import LogKind, choose, follow, last_lines, log_files
from sandbox.state import StateDirectory


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[StateDirectory]:
    """A directory with the logs of a run."""
    found = StateDirectory(tmp_path / "state")
    found.claim()
    found.server_log.write_text("ready\n")
    found.prepare()
    (found.logs / "lambda" / "flights-sandbox-Training-StartTraining-1A2B.log").write_text("one\ntwo\nthree\n")
    (found.logs / "lambda" / "flights-sandbox-Training-CloseTraining-3C4D.log").write_text("closed\n")
    (found.logs / "jobs" / "pipelines-abc-Train.log").write_text("[0] rmse 12.5\n")
    return found


def test_a_part_of_the_name_is_enough_when_it_is_the_only_one(directory: StateDirectory) -> None:
    assert choose(log_files(directory, LogKind.LAMBDA), "starttraining").name.endswith("StartTraining-1A2B")


def test_a_name_that_fits_several_logs_or_none_is_answered_with_what_there_is(directory: StateDirectory) -> None:
    with pytest.raises(SandboxError, match=r"2 logs have 'Training'(.|\n)*StartTraining(.|\n)*") as several:
        choose(log_files(directory), "Training")
    assert "pipelines-abc-Train" not in str(several.value)
    with pytest.raises(SandboxError, match=r"No log has 'Deploy'(.|\n)*job pipelines-abc-Train"):
        choose(log_files(directory), "Deploy")


def test_the_logs_command_lists_and_prints(directory: StateDirectory) -> None:
    state = ["--state", str(directory.path)]
    listed = CliRunner().invoke(app, ["logs", *state])
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["lambda", "lambda", "job", "server"]
    printed = CliRunner().invoke(app, ["logs", "lambda", "StartTraining", "--lines", "2", *state])
    assert printed.stdout == "two\nthree\n"
    told = CliRunner().invoke(app, ["logs", "lambda", "StartTraining", "--lines", "2", "--json", *state])
    assert json.loads(told.stdout)["lines"] == ["two", "three"]
    endless = CliRunner().invoke(app, ["logs", "lambda", "StartTraining", "--follow", "--json", *state])
    assert (endless.exit_code, "--follow never ends" in endless.stderr) == (2, True)
    missing = CliRunner().invoke(app, ["logs", "endpoint", "flights", *state])
    assert (missing.exit_code, "(none yet)" in missing.stderr) == (1, True)


def test_following_gives_whole_lines_as_they_are_added_and_starts_again_when_a_log_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_text("one\ntwo\n")
    ending, position = last_lines(path, 1)
    assert ending == ["two"]
    added = follow(path, position, poll_seconds=0)

    def add(text: str) -> None:
        with path.open("a") as file:
            file.write(text)

    add("three\nhalf ")
    assert next(added) == "three"
    add("a line\nnext\n")
    assert [next(added), next(added)] == ["half a line", "next"]
    path.write_text("new\n")
    assert next(added) == "new"
