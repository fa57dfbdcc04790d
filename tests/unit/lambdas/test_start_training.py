"""StartTraining: when a run is started, when it has to wait, and what it is told."""

import pytest

from lambdas.shared import clock, ledger
from lambdas.shared.records import LiveModel, RunStatus
from lambdas.start_training import answers
from tests.unit.lambdas.support.stage import NAME, PIPELINE, Stage, has_failed, only_execution


def live(version: int, package_arn: str) -> LiveModel:
    return LiveModel(
        version=version,
        package_arn=package_arn,
        endpoint_config=f"{NAME}-v{version}-0123abcd",
        since=clock.now(),
        by="pipeline",
        sequence=version,
    )


def test_a_drop_starts_one_run_that_says_why_and_on_what(stage: Stage) -> None:
    answer = stage.start_training(stage.drop("2013-01"))

    assert answer == {"batchItemFailures": []}
    state = stage.ledger.training()
    assert state.execution_arn == only_execution(stage)
    run = stage.ledger.run(state.run_id or "")
    assert run is not None
    assert run.status is RunStatus.RUNNING
    assert run.reason == "new data: data/period=2013-01/part.parquet"
    assert run.run_id.startswith("20130301T101500Z-")
    execution = stage.sagemaker.executions[only_execution(stage)]
    assert execution.name == run.run_id
    assert execution.parameters == {
        "RunId": run.run_id,
        "Reason": "new data: data/period=2013-01/part.parquet",
        "SnapshotUri": f"s3://{stage.artifacts}/snapshots/{run.snapshot_id}.json",
        "SnapshotId": run.snapshot_id,
        "ChampionPackageArn": "none",
        "ApprovalStatus": "Approved",
        "CodeVersion": "0123abc",
        "ContractVersion": "1",
        "ProcessingInstanceType": "ml.m5.xlarge",
        "TrainingInstanceType": "ml.m5.xlarge",
    }
    (start,) = stage.gate.made("StartPipelineExecution")
    assert start["PipelineName"] == PIPELINE
    assert stage.notifications() == ["Training started"]


def test_a_person_may_retrain_on_unchanged_data_but_a_drift_alarm_may_not(stage: Stage) -> None:
    stage.start_training(stage.drop("2013-01"))
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stage.start_training(stage.retrain("drift", requested_by="drift-alarm", requires_new_data=True))
    assert len(stage.sagemaker.executions) == 1
    stage.start_training(stage.retrain("new features"))
    assert len(stage.sagemaker.executions) == 2


def test_new_data_during_a_run_waits_and_the_close_wakes_the_next_run(stage: Stage) -> None:
    stage.start_training(stage.drop("2013-01"))
    first = only_execution(stage)
    stage.start_training(stage.drop("2013-02"))
    assert len(stage.sagemaker.executions) == 1
    assert stage.ledger.training().dirty
    stage.sagemaker.end(first, "Succeeded")
    stage.close_training(first)
    (wake_up,) = stage.wake_ups()
    assert "DelaySeconds" not in wake_up

    stage.start_training(stage.message(wake_up["MessageBody"]))

    assert len(stage.sagemaker.executions) == 2
    state = stage.ledger.training()
    assert not state.dirty
    run = stage.ledger.run(state.run_id or "")
    assert run is not None
    assert "data/period=2013-02/part.parquet" in run.reason


def test_a_persons_request_delivered_twice_is_served_once(stage: Stage) -> None:
    stage.drop("2013-01")
    request = stage.retrain()
    stage.start_training(request)
    stage.start_training(request)
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stage.start_training(request)

    assert len(stage.sagemaker.executions) == 1
    assert stage.wake_ups() == []


def test_a_persons_request_during_a_run_is_served_after_it_on_the_same_data(stage: Stage) -> None:
    stage.start_training(stage.drop("2013-01"))
    first = only_execution(stage)
    stage.start_training(stage.retrain("features changed"))
    stage.sagemaker.end(first, "Failed", steps=[{"StepName": "Train", "StepStatus": "Failed"}])
    stage.close_training(first)
    stage.start_training(stage.message(stage.wake_ups()[0]["MessageBody"]))

    assert len(stage.sagemaker.executions) == 2


def test_a_run_waits_for_the_open_deployment_and_has_to_beat_what_it_brings(stage: Stage) -> None:
    stage.sagemaker.register(NAME, 1)
    stage.deploy(stage.package_event(1))
    stage.start_training(stage.drop("2013-01"))
    assert not stage.sagemaker.executions
    (wake_up,) = stage.wake_ups()
    assert wake_up["DelaySeconds"] == 15

    stage.sagemaker.finish(NAME)
    stage.confirm()
    stage.clock.advance(seconds=15)
    stage.start_training(stage.message(wake_up["MessageBody"]))

    serving = stage.ledger.live()
    assert serving is not None
    execution = stage.sagemaker.executions[only_execution(stage)]
    assert execution.parameters["ChampionPackageArn"] == serving.package_arn


def test_a_wish_that_is_looked_at_again_and_again_is_counted_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(answers, "count", counted.append)
    stage.sagemaker.register(NAME, 1)
    stage.deploy(stage.package_event(1))
    stage.start_training(stage.drop("2013-01"))
    for _ in range(3):
        stage.clock.advance(seconds=15)
        stage.start_training(stage.message(stage.wake_ups()[-1]["MessageBody"]))

    assert counted == ["Deferred"]


def test_a_deployment_that_is_stuck_holds_training_back_for_two_hours_at_most(stage: Stage) -> None:
    stage.sagemaker.register(NAME, 1)
    stage.deploy(stage.package_event(1))
    stage.clock.advance(hours=2)

    stage.start_training(stage.drop("2013-01"))

    assert only_execution(stage)


def test_the_cooldown_defers_with_one_message_and_keeps_every_wish(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COOLDOWN_SECONDS", "3600")
    stage.start_training(stage.drop("2013-01"))
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stage.clock.advance(minutes=10)
    for period in ("2013-02", "2013-03", "2013-04"):
        stage.start_training(stage.drop(period))
    (deferred,) = stage.wake_ups()
    assert deferred["DelaySeconds"] == 900
    assert [each["outcome"] for each in stage.items("DECISION")] == ["deferred"]

    for minutes, delay in ((15, 900), (15, 900), (15, 300)):
        stage.clock.advance(minutes=minutes)
        stage.start_training(stage.message(stage.wake_ups()[-1]["MessageBody"]))
        assert stage.wake_ups()[-1]["DelaySeconds"] == delay
    stage.clock.advance(minutes=5)
    stage.start_training(stage.message(stage.wake_ups()[-1]["MessageBody"]))

    assert len(stage.sagemaker.executions) == 2
    assert len(stage.wake_ups()) == 4


def test_wake_ups_do_not_multiply(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each keeps one alive, however many copies of it arrive, and CloseTraining's are no reason for another."""
    monkeypatch.setenv("MAX_RUNS_PER_DAY", "1")
    stage.start_training(stage.drop("2013-01"))
    stage.end_run()
    stage.start_training(stage.drop("2013-02"))
    (first,) = stage.wake_ups()
    stage.close_training(only_execution(stage))
    from_close_training = stage.wake_ups()[-1]
    stage.start_training(stage.message(from_close_training["MessageBody"]))
    assert stage.wake_ups() == [first, from_close_training]

    for number in range(1, 4):
        stage.clock.advance(minutes=15)
        due = stage.wake_ups()[0 if number == 1 else -1]
        for _ in range(3):
            stage.start_training(stage.message(due["MessageBody"]))
            stage.clock.advance(milliseconds=200)
        assert len(stage.wake_ups()) == 2 + number


def test_the_daily_budget_defers_and_people_are_told_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_RUNS_PER_DAY", "2")
    for period in ("2013-01", "2013-02", "2013-03", "2013-04"):
        stage.start_training(stage.drop(period))
        for arn, execution in stage.sagemaker.executions.items():
            if execution.status == "Executing":
                stage.sagemaker.end(arn, "Succeeded")
                stage.close_training(arn)

    assert len(stage.sagemaker.executions) == 2
    assert stage.notifications().count("Retrain budget used up") == 1
    stage.clock.advance(days=1)
    stage.start_training(stage.message(stage.wake_ups()[-1]["MessageBody"]))
    assert len(stage.sagemaker.executions) == 3


def test_the_champion_is_the_version_that_the_ledger_holds_for_live(stage: Stage) -> None:
    """A newer approved version that was rolled back, or is still on its way, is not what a challenger has to beat."""
    first = stage.sagemaker.register(NAME, 1)
    stage.sagemaker.register(NAME, 2)
    stage.ledger.commit(ledger.put_live(live(1, first)))
    stage.start_training(stage.drop("2013-01"))
    assert stage.sagemaker.executions[only_execution(stage)].parameters["ChampionPackageArn"] == first


def test_without_a_live_version_there_is_no_champion(stage: Stage) -> None:
    stage.sagemaker.register(NAME, 1)
    stage.start_training(stage.drop("2013-01"))
    assert stage.sagemaker.executions[only_execution(stage)].parameters["ChampionPackageArn"] == "none"


def test_a_reason_is_written_so_that_the_registry_takes_it(stage: Stage) -> None:
    stage.drop("2013-01")
    stage.start_training(stage.retrain("drift; 'carrier' > 0.2 (July)! " + "x" * 300))

    reason = stage.sagemaker.executions[only_execution(stage)].parameters["Reason"]
    assert len(reason) == 256
    assert reason.startswith("ana: drift carrier 0.2 July xxx")


def test_a_lock_whose_execution_ended_unnoticed_is_healed_by_the_next_request(stage: Stage) -> None:
    stage.start_training(stage.drop("2013-01"))
    first = only_execution(stage)
    lost = stage.ledger.training().run_id or ""
    stage.sagemaker.end(first, "Stopped")

    stage.start_training(stage.drop("2013-02"))

    closed = stage.ledger.run(lost)
    assert closed is not None
    assert closed.status is RunStatus.FAILED
    assert len(stage.sagemaker.executions) == 2
    assert stage.ledger.training().run_id != lost


def test_a_lock_whose_execution_was_deleted_is_healed_too(stage: Stage) -> None:
    stage.start_training(stage.drop("2013-01"))
    lost = stage.ledger.training().run_id or ""
    stage.sagemaker.executions.clear()

    stage.start_training(stage.retrain())

    closed = stage.ledger.run(lost)
    assert closed is not None
    assert closed.failure == "the execution was deleted"
    assert len(stage.sagemaker.executions) == 1


def test_a_malformed_message_fails_alone(stage: Stage) -> None:
    bad = stage.message({"detail-type": "Something Else", "detail": {}})
    answer = stage.start_training(stage.drop("2013-01"), bad, stage.message("{"))

    assert {each["itemIdentifier"] for each in answer["batchItemFailures"]} == {bad.id, "message-0003"}
    assert len(stage.sagemaker.executions) == 1


def test_a_batch_of_malformed_messages_comes_back_without_failing_the_invocation(stage: Stage) -> None:
    assert has_failed(stage.start_training(stage.message("[]")))
