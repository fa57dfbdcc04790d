"""Completion of `python -m ops`: what the shells get, in real shells where they are installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops import completion
from ops.__main__ import app
from ops.completion import Shell
from ops.errors import ExitCode
from ops.stage import environment_names, project_names

REPOSITORY = Path(__file__).parents[3]


def in_bash(*words: str, home: Path) -> list[str]:
    """What bash offers for a line that begins with `python`; the words' last one is incomplete."""
    quoted = " ".join(f"'{word}'" for word in words)
    program = (
        f"source '{home}/.bashrc'; COMP_WORDS=(python {quoted}); COMP_CWORD={len(words)}; _tandem_ops python; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return run("bash", "--norc", "-c", program, home=home).split()


def run(*command: str, home: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"HOME": str(home), "PATH": path, "TERM": "dumb", "SHELL": f"/bin/{command[0]}"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of somebody who has installed completion in every shell."""
    home = tmp_path_factory.mktemp("home")
    for shell in Shell:
        completion.install(shell, home=home)
    return home


def test_bash_completes_commands_options_projects_environments_and_kinds(home: Path) -> None:
    assert in_bash("-m", "ops", "ro", home=home) == ["rollback"]
    assert in_bash("-m", "ops", "status", "--proj", home=home) == ["--project"]
    assert in_bash("-m", "ops", "status", "--project", "fl", home=home) == ["flights"]
    assert "production" in in_bash("-m", "ops", "status", "--environment", "", home=home)
    assert in_bash("-m", "ops", "report", "d", home=home) == ["drift"]


def test_bash_completes_other_uses_of_python_as_before(home: Path) -> None:
    assert in_bash("-m", "js", home=home) == []
    assert in_bash("script.py", "ops", "ro", home=home) == []


def test_bash_offers_no_versions_because_they_would_have_to_be_asked_for(home: Path) -> None:
    assert in_bash("-m", "ops", "lineage", "", home=home) == []


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes(home: Path) -> None:
    offered = run("fish", "-c", 'complete -C "python -m ops status --project fl"', home=home)

    assert offered.split() == ["flights"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_understands_the_script(home: Path) -> None:
    program = f"source '{home}/.zshrc'; print ${{_comps[python]}}"

    assert run("zsh", "-f", "-c", program, home=home).strip() == "_tandem_ops"


def test_installing_twice_changes_nothing_more_and_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".bashrc").write_text("alias ll='ls -l'")
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.setenv("HOME", str(tmp_path))

    results = [CliRunner().invoke(app, ["--install-completion"]) for _ in range(2)]

    assert [result.exit_code for result in results] == [ExitCode.OK, ExitCode.OK]
    path = tmp_path / ".local/share/tandem/tandem-ops.bash"
    assert f"completion of `python -m ops` is in {path}; a new shell has it" in results[0].stdout
    assert path.read_text() == completion.script(Shell.BASH)
    assert (tmp_path / ".bashrc").read_text() == f"alias ll='ls -l'\nsource '{path}'\n"


@pytest.mark.parametrize("shell", list(Shell))
def test_the_script_can_be_shown_instead(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")

    result = CliRunner().invoke(app, ["--show-completion"])

    assert (result.exit_code, result.stdout) == (ExitCode.OK, completion.script(shell))


@pytest.mark.parametrize(("shell", "named"), [("/bin/tcsh", "tcsh"), ("", "no shell")])
def test_a_shell_that_cannot_be_taught_is_named_with_those_that_can(
    shell: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", shell)

    result = CliRunner().invoke(app, ["--install-completion"])

    assert result.exit_code == ExitCode.USAGE
    assert f"SHELL names '{named}', completion knows bash, zsh, fish" in result.stderr
    assert "SHELL=zsh python -m ops --install-completion" in result.stderr


def test_a_home_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".local").touch()
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.setenv("HOME", str(tmp_path))

    result = CliRunner().invoke(app, ["--install-completion"])

    assert result.exit_code == ExitCode.ERROR
    assert "completion cannot be installed" in result.stderr


def test_projects_and_environments_come_from_the_folders(tmp_path: Path) -> None:
    for name, text in (("one", "[environments.dev]\n"), ("two", "[environments.prod]\n"), ("broken", "[[")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "project.toml").write_text(text)

    assert project_names(tmp_path) == ["broken", "one", "two"]
    assert environment_names(tmp_path) == ["dev", "prod"]
