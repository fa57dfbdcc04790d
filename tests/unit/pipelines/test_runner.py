"""The entry point of every job."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import inputs
from pipelines.steps.__main__ import main
from pipelines.steps.failure import StepError, exit_message
from pipelines.steps.plugin import load_project


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: step"),
        (["bake", "--project", "flights"], "invalid choice: 'bake'"),
        (["train", "--project", "flights", "--target", "air_time"], "--snapshot-id"),
        (["prepare", "--holdout-days", "many"], "invalid int value: 'many'"),
    ],
)
def test_wrong_arguments_end_the_job_with_a_reason(base: Path, arguments: list[str], words: str) -> None:
    assert main(arguments) == 1
    assert words in (base / "output" / "message").read_text()
    assert words in (base / "output" / "failure").read_text()


def test_an_unexpected_error_is_told_too(base: Path) -> None:
    (base / "input" / "config").mkdir(parents=True)
    (base / "input" / "config" / "hyperparameters.json").write_text('{"seed": "1"}')
    (base / "input" / "data" / "train").mkdir(parents=True)
    (base / "input" / "data" / "train" / "rows.parquet").write_bytes(b"no Parquet")
    assert (
        main(["train", "--project", "flights", "--target", "air_time", "--time-column", "at", "--snapshot-id", "s"])
        == 1
    )
    assert (base / "output" / "failure").read_text().startswith("unexpected ArrowInvalid: ")


@pytest.mark.parametrize("name", ["trains", "../flights", "Flights"])
def test_a_project_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(StepError, match=name):
        load_project(name)


def test_a_long_reason_is_cut_to_what_sagemaker_keeps() -> None:
    cut = exit_message("first line\nsecond  line " + "x" * 2000)
    assert cut.startswith("first line second line xxx")
    assert len(cut) == 1024


@pytest.mark.parametrize("step", ["validate", "prepare"])
def test_steps_that_only_read_data_do_not_wait_for_a_learning_library(step: str) -> None:
    code = f"import sys; import pipelines.steps.__main__, pipelines.steps.{step}, boto3; print(*sys.modules)"
    finished = subprocess.run([sys.executable, "-c", code], cwd=inputs.ROOT, capture_output=True, text=True, check=True)
    assert not {"xgboost", "sklearn", "pandas", "scipy"} & set(finished.stdout.split())
