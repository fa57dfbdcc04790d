import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.shared.records import Run, RunStatus
from tests.unit.lambdas.support.crashes import at_every_call
from tests.unit.lambdas.support.stage import NAME, Stage, has_failed

PACKAGE = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{NAME}/3"
PASSED: list[dict[str, Any]] = [
    {"StepName": "Validate", "StepStatus": "Succeeded"},
    {"StepName": "Prepare", "StepStatus": "Succeeded"},
    {"StepName": "Train", "StepStatus": "Succeeded"},
    {"StepName": "Evaluate", "StepStatus": "Succeeded"},
]


def running(stage: Stage) -> tuple[str, str]:
    stage.start_training(stage.drop("2013-01"))
    state = stage.ledger.training()
    assert state.run_id
    assert state.execution_arn
    return state.run_id, state.execution_arn


def ended(stage: Stage, status: str, steps: list[dict[str, Any]], report: dict[str, Any] | None = None) -> Run:
    run_id, arn = running(stage)
    if report is not None:
        key = f"runs/{run_id}/evaluate/evaluation.json"
        stage.clients["s3"].put_object(Bucket=stage.artifacts, Key=key, Body=json.dumps(report).encode())
    stage.sagemaker.end(arn, status, steps=steps)
    stage.close_training(arn)
    run = stage.ledger.run(run_id)
    assert run is not None
    assert stage.ledger.training().run_id is None
    return run


def test_a_registered_model_promotes_the_run_with_its_metrics(stage: Stage) -> None:
    gate = {"StepName": "Gate", "StepStatus": "Succeeded", "Metadata": {"Condition": {"Outcome": "True"}}}
    register = {
        "StepName": "Register-RegisterModel",
        "StepStatus": "Succeeded",
        "Metadata": {"RegisterModel": {"Arn": PACKAGE}},
    }
    report = {"gate": {"promote": "true"}, "metrics": {"rmse": 12.5, "naive": {"rmse": 20}, "note": "text"}}
    run = ended(stage, "Succeeded", [*PASSED, gate, register], report)

    assert run.status is RunStatus.PROMOTED
    assert (run.version, run.package_arn) == (3, PACKAGE)
    assert run.metrics == {"rmse": 12.5, "naive.rmse": 20.0}
    assert run.report_uri == f"s3://{stage.artifacts}/runs/{run.run_id}/evaluate/evaluation.json"
    assert stage.notifications()[-1] == "Training promoted version 3"


def test_manual_approval_tells_people_that_a_version_waits_for_them(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPROVAL_STATUS", "PendingManualApproval")
    register = {"StepName": "Register", "StepStatus": "Succeeded", "Metadata": {"RegisterModel": {"Arn": PACKAGE}}}
    ended(stage, "Succeeded", [register])
    assert stage.notifications()[-1] == "Version 3 waits for approval"
    assert PACKAGE in stage.gate.made("Publish")[-1]["Message"]


JUDGED = {
    "format": 2,
    "metrics": {"rmse": 12.4},
    "naive": {"predictor": "mean", "value": 150.0, "metrics": {"rmse": 93.1}},
    "champion": {"package_arn": PACKAGE, "version": 2, "metrics": {"rmse": 12.5}},
    "comparison": {"metric": "rmse", "improvement": 0.008, "lower_bound": -0.0125, "clusters": 14},
    "gate": {
        "promote": False,
        "rule": "champion",
        "metric": "rmse",
        "improvement": 0.008,
        "reason": "the lower bound -1.25 % of the improvement does not clear the margin 1 %",
    },
}
SAID_NO = {"StepName": "Gate", "StepStatus": "Succeeded", "Metadata": {"Condition": {"Outcome": "False"}}}


def told(stage: Stage) -> str:
    message: str = stage.gate.made("Publish")[-1]["Message"]
    return message


def test_a_kept_champion_is_no_failure_and_people_see_both_models_and_why(stage: Stage) -> None:
    run = ended(stage, "Succeeded", [*PASSED, SAID_NO], JUDGED)

    assert run.status is RunStatus.KEPT_CHAMPION
    assert run.failure is None
    assert (run.gate_rule, run.improvement, run.lower_bound) == ("champion", 0.008, -0.0125)
    assert "does not clear the margin" in (run.gate_reason or "")
    assert (run.metrics, run.champion_metrics, run.naive_metrics) == ({"rmse": 12.4}, {"rmse": 12.5}, {"rmse": 93.1})
    assert stage.notifications()[-1] == "Training kept the champion"
    assert "challenger 12.4 (champion 12.5, naive 93.1)" in told(stage)
    assert "+0.80%, lower bound -1.25%" in told(stage)
    assert "does not clear the margin 1 %" in told(stage)
    assert f"aws s3 cp {run.report_uri} ." in told(stage)


def test_a_gate_of_the_first_format_is_read_as_well(stage: Stage) -> None:
    report = {"format": 1, "champion": None, "gate": {"promote": "false", "reason": "3 % better than naive"}}
    run = ended(stage, "Succeeded", [*PASSED, SAID_NO], report)

    assert run.status is RunStatus.KEPT_CHAMPION
    assert run.gate_reason == "3 % better than naive"
    assert run.champion_metrics == {}


def test_a_champion_that_could_not_be_scored_is_a_failure_that_says_what_to_do(stage: Stage) -> None:
    reason = "model package 2 does not exist any more: approve the version that serves, or roll back"
    gate = {"promote": False, "rule": "champion_unreadable", "reason": reason}
    run = ended(stage, "Succeeded", [*PASSED, SAID_NO], {"format": 2, "metrics": {"rmse": 12.4}, "gate": gate})

    assert run.status is RunStatus.FAILED
    assert run.failure == reason
    assert stage.notifications()[-1] == "The champion could not be judged"
    assert reason in told(stage)
    assert "request a run again" in told(stage)


def test_the_report_for_people_is_linked_once_it_exists(stage: Stage) -> None:
    run_id, arn = running(stage)
    for name in ("evaluate/evaluation.html", "evaluate/evaluation.json"):
        body = json.dumps(JUDGED).encode()
        stage.clients["s3"].put_object(Bucket=stage.artifacts, Key=f"runs/{run_id}/{name}", Body=body)
    stage.sagemaker.end(arn, "Succeeded", steps=[*PASSED, SAID_NO])
    stage.close_training(arn)

    run = stage.ledger.run(run_id)
    assert run is not None
    assert run.report_uri == f"s3://{stage.artifacts}/runs/{run_id}/evaluate/evaluation.html"


def test_data_that_validation_refused_is_named_in_ledger_and_message(stage: Stage) -> None:
    reason = "data/period=2013-01/part.parquet: column 'air_time' is missing"
    accept = {"StepName": "Accept", "StepStatus": "Succeeded", "Metadata": {"Condition": {"Outcome": "False"}}}
    reject = {"StepName": "RejectData", "StepStatus": "Failed", "Metadata": {"Fail": {"ErrorMessage": reason}}}
    run = ended(stage, "Failed", [PASSED[0], accept, reject])

    assert run.status is RunStatus.REJECTED_DATA
    assert run.failure == reason
    assert reason in stage.gate.made("Publish")[-1]["Message"]


@pytest.mark.parametrize(
    ("status", "steps", "failure"),
    [
        (
            "Failed",
            [{"StepName": "Validate", "StepStatus": "Failed", "FailureReason": "AlgorithmError: unexpected KeyError"}],
            "step Validate: AlgorithmError: unexpected KeyError",
        ),
        (
            "Failed",
            [*PASSED[:2], {"StepName": "Train", "StepStatus": "Failed", "FailureReason": "AlgorithmError: no rows"}],
            "step Train: AlgorithmError: no rows",
        ),
        ("Failed", [], "SageMaker gave no reason"),
        ("Stopped", PASSED[:1], "the execution was stopped"),
        ("Succeeded", PASSED, "the execution succeeded, but it registered no model and its gate refused none"),
    ],
)
def test_every_other_end_is_a_failure_with_its_reason(
    stage: Stage, status: str, steps: list[dict[str, Any]], failure: str
) -> None:
    run = ended(stage, status, steps)
    assert run.status is RunStatus.FAILED
    assert run.failure == failure
    assert stage.notifications()[-1] == "Training failed"


def test_a_report_that_cannot_be_read_costs_the_metrics_and_not_the_closing(stage: Stage) -> None:
    run_id, arn = running(stage)
    key = f"runs/{run_id}/evaluate/evaluation.json"
    stage.clients["s3"].put_object(Bucket=stage.artifacts, Key=key, Body=b"[1, 2")
    stage.sagemaker.end(arn, "Stopped")
    stage.close_training(arn)
    run = stage.ledger.run(run_id)
    assert run is not None
    assert run.metrics == {}


def test_closing_twice_changes_and_tells_nothing_more(stage: Stage) -> None:
    run_id, arn = running(stage)
    stage.sagemaker.end(arn, "Stopped")
    stage.close_training(arn)
    before, told = stage.ledger.run(run_id), len(stage.notifications())
    stage.clock.advance(minutes=5)
    stage.close_training(arn)

    assert stage.ledger.run(run_id) == before
    assert len(stage.notifications()) == told


def test_a_late_close_of_an_old_run_does_not_free_the_lock_of_the_next(stage: Stage) -> None:
    _, first = running(stage)
    stage.sagemaker.end(first, "Stopped")
    stage.close_training(first)
    stage.start_training(stage.drop("2013-02"))
    state = stage.ledger.training()
    stage.close_training(first)

    assert stage.ledger.training() == state
    assert state.run_id is not None


def test_a_close_before_sagemaker_shows_the_end_is_delivered_again(stage: Stage) -> None:
    run_id, arn = running(stage)
    assert has_failed(stage.close_training(arn))
    run = stage.ledger.run(run_id)
    assert run is not None
    assert run.status is RunStatus.RUNNING


def test_an_execution_that_somebody_started_by_hand_is_ignored(stage: Stage) -> None:
    answer = stage.sagemaker.start_pipeline_execution(
        {
            "PipelineName": f"{NAME}-training",
            "PipelineExecutionDisplayName": "my-test",
            "PipelineParameters": [],
            "ClientRequestToken": "t" * 32,
        }
    )
    stage.sagemaker.end(answer["PipelineExecutionArn"], "Succeeded")
    stage.close_training(answer["PipelineExecutionArn"])
    assert stage.items("RUN") == []


def test_a_crash_at_any_call_and_a_redelivery_close_the_run_and_wake_what_waits(
    new_stage: Callable[[], Stage],
) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        _, arn = running(stage)
        stage.start_training(stage.drop("2013-02"))
        stage.sagemaker.end(arn, "Stopped", steps=PASSED)
        return lambda: stage.close_training(arn)

    for stage, where in at_every_call(new_stage, prepare):
        assert [item["status"] for item in stage.items("RUN")] == [RunStatus.FAILED], where
        state = stage.ledger.training()
        assert state.run_id is None, where
        assert state.dirty, where
        assert 1 <= len(stage.wake_ups()) <= 2, where
        assert 1 <= stage.notifications().count("Training failed") <= 2, where
