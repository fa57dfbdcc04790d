"""`python -m docgen` writes what is derived into its page, or tells that a page is stale."""

import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from docgen import __main__ as command
from docgen.insertion import insert
from docgen.permissions.reasons import UnexplainedError
from stacks.errors import ConfigurationError

PAGE = "docs/page.md"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one page, whose derived part is told by `derived`."""
    page = tmp_path / PAGE
    page.parent.mkdir()
    page.write_text("# Page\n\n<!-- sums -->\n\nold\n\n<!-- end of sums -->\n")
    derived = SimpleNamespace(PAGE=PAGE, page=lambda root: insert((root / PAGE).read_text(), "sums", "new"))
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "GENERATORS", {"sums": derived})
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(command.app, list(arguments))
    return done.exit_code, done.output


def test_a_page_is_written_once_and_then_up_to_date(root: Path) -> None:
    assert run() == (0, f"{PAGE}: written\n")
    assert "new" in (root / PAGE).read_text()
    assert run("sums") == (0, f"{PAGE}: up to date\n")
    assert run("--check") == (0, f"{PAGE}: up to date\n")


def test_a_check_writes_nothing_and_names_what_is_stale(root: Path) -> None:
    assert run("--check") == (1, f"{PAGE}: stale: run python -m docgen sums\n")
    assert "old" in (root / PAGE).read_text()


@pytest.mark.usefixtures("root")
def test_an_unknown_part_is_wrong_usage() -> None:
    code, said = run("sum")
    assert code == 2
    assert "there is no part 'sum'; there are sums" in said


def broken_toml() -> Exception:
    with pytest.raises(tomllib.TOMLDecodeError) as raised:
        tomllib.loads("hours =")
    return raised.value


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UnexplainedError("Role may s3:GetObject: write why"), 1, "error: Role may s3:GetObject: write why\n"),
        (ConfigurationError("a stale pipeline: make compile"), 2, "error: a stale pipeline: make compile\n"),
        (broken_toml(), 2, "error: docs/sums.toml: Invalid value"),
    ],
)
def test_what_cannot_be_written_is_one_message(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    def fails(_: Path) -> str:
        raise error

    monkeypatch.setattr(command, "GENERATORS", {"sums": SimpleNamespace(PAGE=PAGE, page=fails)})
    ended, output = run()
    assert ended == code
    assert output.startswith(said)


def test_a_page_without_the_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for gate"):
        insert("# Page", "gate", "table")
