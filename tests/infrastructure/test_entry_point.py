"""What a person sees who runs `python app.py` on files with a mistake: one message, exit code 2, no stack trace."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile, copytree, ignore_patterns

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLIGHTS = Path("pipelines", "projects", "flights")
FILE = FLIGHTS.as_posix() + "/project.toml"
LINE_OF_GATE = (ROOT / FILE).read_text("utf-8").splitlines().index("[gate]") + 1


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a copy of app.py beside a changed copy of the reference project."""

    def run(change: Callable[[str], str] = str, *, context: str = "{}") -> subprocess.CompletedProcess[str]:
        copytree(ROOT / FLIGHTS, tmp_path / FLIGHTS, ignore=ignore_patterns("__pycache__"))
        for name in ("app.py", "cdk.json"):
            copyfile(ROOT / name, tmp_path / name)
        file = tmp_path / FILE
        file.write_text(change(file.read_text("utf-8")), "utf-8")
        return subprocess.run(
            [sys.executable, "app.py"],
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "CDK_OUTDIR": str(tmp_path / "cdk.out"), "CDK_CONTEXT_JSON": context},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "alpha = 0.01",
            "alpah = 0.01",
            (
                f"error: {FILE}: gate.alpah: unknown key (given: 0.01). Allowed: metric, direction, margin, alpha, "
                'min_improvement_over_naive, cluster, min_clusters, guards, slices. Did you mean "alpha"?\n'
            ),
        ),
        (
            "instance_count = 2 ",
            "instance_count = 0 ",
            (
                f"error: {FILE}: serving.instance_count: not allowed (given: 0). "
                "Allowed: a whole number, at least 1 and at most 100.\n"
            ),
        ),
        (
            "[gate]",
            "[gate",
            (
                f"error: {FILE}: TOML syntax error: Expected ']' at the end of a table declaration "
                f"(at line {LINE_OF_GATE}, column 6). Allowed: TOML 1.0.\n"
            ),
        ),
    ],
    ids=["unknown key", "out of bounds", "syntax"],
)
def test_a_mistake_in_a_file_is_one_message_and_exit_code_2(
    run: Callable[..., subprocess.CompletedProcess[str]], old: str, new: str, message: str
) -> None:
    done = run(lambda text: text.replace(old, new))

    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_an_unknown_environment_is_one_message_and_exit_code_2(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run(context='{"environment": "producton"}')

    assert (done.returncode, done.stderr) == (
        2,
        (
            "error: -c environment=producton: unknown environment. Allowed: sandbox, staging, production, year. "
            'Did you mean "production"?\n'
        ),
    )


def test_a_stale_pipeline_is_one_message_and_exit_code_2(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run(lambda text: text.replace("seed = 2013", "seed = 2014"))

    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "run `make compile`" in done.stderr
