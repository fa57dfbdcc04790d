"""A run that never ends: every job has a limit, the platform stops it there, and people are told."""

import json
from pathlib import Path
from typing import Any

import pytest

from lambdas.shared.closing import judge
from lambdas.shared.records import RunStatus
from tests.unit.lambdas.support.quick_stage import QuickStage

PROJECTS = Path(__file__).parents[2] / "pipelines" / "projects"
DEFINITIONS = sorted(PROJECTS.glob("*/*.pipeline.json"))
LIMIT = {"MaxRuntimeInSeconds": {"Get": "Parameters.MaxRuntimeSeconds"}}


def steps_of(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All steps, those in branches included."""
    found = []
    for step in steps:
        found.append(step)
        for branch in ("IfSteps", "ElseSteps"):
            found += steps_of(step.get("Arguments", {}).get(branch, []))
    return found


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_job_of_every_pipeline_has_the_limit_of_the_settings(path: Path) -> None:
    definition = json.loads(path.read_text("utf-8"))
    jobs = [step for step in steps_of(definition["Steps"]) if step["Type"] in {"Processing", "Training"}]
    assert jobs
    assert {step["Name"]: step["Arguments"].get("StoppingCondition") for step in jobs} == {
        step["Name"]: LIMIT for step in jobs
    }
    (limit,) = [each for each in definition["Parameters"] if each["Name"] == "MaxRuntimeSeconds"]
    assert 60 <= limit["DefaultValue"] <= 7200 * 60


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("ClientError: The job exceeded its MaxRuntimeInSeconds of 3600.", "step Train: ClientError: The job exceeded"),
        (None, "step Train: the pipeline failed"),
    ],
)
def test_a_run_that_was_stopped_at_its_limit_has_failed_and_says_at_which_step(reason: str | None, said: str) -> None:
    step: dict[str, Any] = {"StepName": "Train", "StepStatus": "Failed"} | ({"FailureReason": reason} if reason else {})
    verdict = judge("Failed", steps=[step], failure_reason="the pipeline failed")  # type: ignore[list-item]  # as listed
    assert verdict.status is RunStatus.FAILED
    assert (verdict.failure or "").startswith(said)


def test_people_are_told_and_the_lock_is_free_for_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = QuickStage(monkeypatch, COOLDOWN_SECONDS="0", MAX_RUNS_PER_DAY="100")
    stage.deliver(stage.drop())
    stage.end_run("Failed")
    assert stage.told("Training failed") == 1
    assert stage.state.run_id is None
    stage.clock.advance(minutes=1)
    stage.deliver(stage.drop())
    assert [run.status for run in stage.runs] == [RunStatus.FAILED, RunStatus.RUNNING]
