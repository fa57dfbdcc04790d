"""A buildspec runs as AWS CodeBuild runs it: one shell, phases in order, and what happens after a failure."""

import subprocess
from pathlib import Path

import pytest

from sandbox.delivery.buildspec import STARTED, Buildspec
from sandbox.errors import SandboxError


def run(text: str, folder: Path) -> tuple[int, list[str]]:
    """Exit code, and what the commands printed."""
    script = folder / "script"
    script.write_text(Buildspec.of(text).script(exports=folder / "exports"))
    done = subprocess.run(["/bin/sh", str(script)], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, [line for line in done.stdout.splitlines() if not line.startswith(STARTED)]


def spec(phases: str, rest: str = "") -> str:
    return f"version: 0.2\n{rest}\nphases:\n{phases}"


def test_what_a_command_exports_and_where_it_goes_holds_for_the_next_phase(tmp_path: Path) -> None:
    text = spec(
        "  pre_build: {commands: [mkdir inside, cd inside, export COLOUR=blue]}\n"
        "  build: {commands: ['basename $PWD', 'echo $COLOUR']}\n"
    )

    assert run(text, tmp_path) == (0, ["inside", "blue"])


def test_a_phase_ends_at_its_first_failing_command_and_post_build_still_runs_after_a_failed_build(
    tmp_path: Path,
) -> None:
    text = spec(
        "  build: {commands: ['false', echo never], finally: [echo tidy]}\n"
        "  post_build: {commands: ['echo succeeding $CODEBUILD_BUILD_SUCCEEDING']}\n"
    )

    assert run(text, tmp_path) == (1, ["tidy", "succeeding 0"])


def test_a_failed_installation_is_the_end(tmp_path: Path) -> None:
    text = spec(
        "  install: {commands: [exit_code_of_nothing_that_exists]}\n"
        "  build: {commands: [echo never]}\n"
        "  post_build: {commands: [echo never]}\n"
    )

    status, said = run(text, tmp_path)

    assert (status, said) == (127, [])


def test_a_failure_keeps_its_exit_code_whatever_comes_after(tmp_path: Path) -> None:
    text = spec("  build: {commands: [sh -c 'exit 10']}\n  post_build: {commands: ['true']}\n")

    assert run(text, tmp_path)[0] == 10


def test_exported_variables_are_written_down(tmp_path: Path) -> None:
    text = spec("  build: {commands: ['VERSION=7']}\n", rest="env: {exported-variables: [VERSION]}")

    assert run(text, tmp_path)[0] == 0
    assert (tmp_path / "exports").read_text() == "VERSION=7\n"


def test_a_command_of_several_lines_is_one_command(tmp_path: Path) -> None:
    text = spec("  build:\n    commands:\n      - |\n        for one in a b; do\n          echo $one\n        done\n")

    assert run(text, tmp_path) == (0, ["a", "b"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("version: 0.1\nphases: {}", 'no version "0.2"'),
        ("version: 0.2\nphase: {}", "unknown key 'phase'"),
        ("version: 0.2\nphases: {built: {}}", "unknown phase 'built'"),
        ("version: 0.2\nphases: {build: [", "no YAML"),
    ],
)
def test_a_document_that_codebuild_would_refuse_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SandboxError, match=reason):
        Buildspec.of(text)


def test_artifacts_are_found_below_their_folder_with_their_names_in_it(tmp_path: Path) -> None:
    for name in ("cdk.out/manifest.json", "cdk.out/deep/asset.txt", "elsewhere.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    artifacts = Buildspec.of(spec("  {}", "artifacts: {base-directory: cdk.out, files: ['**/*']}")).artifacts

    assert artifacts is not None
    assert [inside for _, inside in artifacts.below(tmp_path)] == ["deep/asset.txt", "manifest.json"]
