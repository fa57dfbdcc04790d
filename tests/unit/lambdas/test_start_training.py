import json

import pytest

from lambdas.shared import clock, ledger
from lambdas.shared.records import LiveModel, RunStatus
from lambdas.start_training import window
from tests.unit.lambdas.support.stage import NAME, PIPELINE, Stage, has_failed


def only_execution(stage: Stage) -> str:
    (arn,) = stage.sagemaker.executions
    return arn


def live(version: int, package_arn: str) -> LiveModel:
    return LiveModel(
        version=version,
        package_arn=package_arn,
        endpoint_config=f"{NAME}-v{version}-0123abcd",
        since=clock.now(),
        by="pipeline",
        sequence=version,
    )


def manifest(stage: Stage, snapshot_id: str) -> dict[str, object]:
    stored = stage.clients["s3"].get_object(Bucket=stage.artifacts, Key=f"snapshots/{snapshot_id}.json")
    content: dict[str, object] = json.loads(stored["Body"].read())
    return content


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


def test_a_thousand_object_events_start_one_run_on_a_snapshot_of_many_pages(stage: Stage) -> None:
    stage.drop("2013-01", name="old", content="first")
    event = stage.drop("2013-01", name="old", content="second")
    events = [event, *(stage.drop("2013-02", name=f"part-{number:04d}") for number in range(1000))]
    for first in range(0, len(events), 10):
        stage.start_training(*events[first : first + 10])

    assert not stage.ledger.training().dirty
    assert len(stage.gate.made("ListObjectVersions")) == 2
    snapshot_id = stage.ledger.training().last_snapshot_id or ""
    objects = manifest(stage, snapshot_id)["objects"]
    assert isinstance(objects, list)
    assert len(objects) == 1001
    assert [each["key"] for each in objects] == sorted(each["key"] for each in objects)
    assert objects[0]["version_id"] == event.body["detail"]["object"]["version-id"]
    assert objects[0]["period"] == "2013-01"

    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    assert stage.wake_ups() == []
    stage.start_training(stage.retrain())
    assert stage.ledger.training().last_snapshot_id == snapshot_id


def test_only_the_newest_periods_and_only_current_data_objects_count(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WINDOW_PERIODS", "2")
    for period in ("2012-11", "2012-12", "2013-01", "2013-02"):
        stage.drop(period)
    s3 = stage.clients["s3"]
    s3.put_object(Bucket=stage.data, Key="data/period=2013-02/_SUCCESS", Body=b"")
    s3.put_object(Bucket=stage.data, Key="data/period=2013-02/deep/part.parquet", Body=b"")
    s3.put_object(Bucket=stage.data, Key="data/period=next/part.parquet", Body=b"")
    stage.drop("2013-01", name="withdrawn")
    s3.delete_object(Bucket=stage.data, Key="data/period=2013-01/withdrawn.parquet")

    stage.start_training(stage.retrain())

    objects = manifest(stage, stage.ledger.training().last_snapshot_id or "")["objects"]
    assert isinstance(objects, list)
    assert [each["key"] for each in objects] == [
        "data/period=2013-01/part.parquet",
        "data/period=2013-02/part.parquet",
    ]


def test_overwriting_data_changes_the_snapshot_but_not_the_old_manifest(stage: Stage) -> None:
    stage.start_training(stage.drop("2013-01", content="first"))
    first = stage.ledger.training().last_snapshot_id or ""
    before = manifest(stage, first)
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stage.start_training(stage.drop("2013-01", content="second"))

    assert stage.ledger.training().last_snapshot_id != first
    assert manifest(stage, first) == before


def test_a_late_event_about_data_of_an_earlier_run_starts_nothing_although_another_run_came_between(
    stage: Stage,
) -> None:
    good = stage.drop("2013-01")
    stage.start_training(good)
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stage.start_training(stage.drop("2013-02", name="bad"))
    second = stage.ledger.training().execution_arn or ""
    stage.sagemaker.end(second, "Failed")
    stage.close_training(second)
    stage.clients["s3"].delete_object(Bucket=stage.data, Key="data/period=2013-02/bad.parquet")

    stage.start_training(good)

    assert stage.ledger.training().run_id is None
    assert len(stage.sagemaker.executions) == 2
    (decision,) = stage.items("DECISION")
    assert decision["outcome"] == "nothing_new"


def test_data_that_was_trained_on_before_is_recorded_as_nothing_new(stage: Stage) -> None:
    event = stage.drop("2013-01")
    stage.start_training(event)
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stage.start_training(event)

    assert len(stage.sagemaker.executions) == 1
    (decision,) = stage.items("DECISION")
    assert decision["outcome"] == "nothing_new"
    assert "already trained on" in decision["reason"]


def test_data_that_a_failed_run_was_started_on_still_counts_as_new(stage: Stage) -> None:
    event = stage.drop("2013-01")
    stage.start_training(event)
    first = only_execution(stage)
    stage.sagemaker.end(first, "Failed")
    stage.close_training(first)

    stage.clock.advance(minutes=1)
    stage.start_training(event)
    (_, second) = stage.sagemaker.executions
    stage.sagemaker.end(second, "Succeeded")
    stage.close_training(second)
    stage.start_training(event)

    assert len(stage.sagemaker.executions) == 2
    (decision,) = stage.items("DECISION")
    assert stage.sagemaker.executions[second].name in decision["reason"]


def test_an_object_in_the_wrong_place_starts_nothing_and_the_ledger_says_where_data_belongs(stage: Stage) -> None:
    stage.start_training(stage.drop("2013-01"))
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stored = stage.clients["s3"].put_object(Bucket=stage.data, Key="data/february.csv", Body=b"x")
    stage.start_training(stage.object_event("data/february.csv", stored["VersionId"]))

    (decision,) = stage.items("DECISION")
    assert decision["reason"].endswith(
        "data/february.csv is not counted as data, which lies at data/period=YYYY-MM[-DD]/<name>.parquet"
    )


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


def test_too_many_objects_are_refused_clearly_and_told_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_OBJECTS", "3")
    for number in range(4):
        stage.start_training(stage.drop("2013-01", name=f"part-{number}"))
        for arn in list(stage.sagemaker.executions):
            stage.sagemaker.end(arn, "Succeeded")
            stage.close_training(arn)
    started = len(stage.sagemaker.executions)
    for number in range(4, 8):
        stage.start_training(stage.drop("2013-01", name=f"part-{number}"))

    assert len(stage.sagemaker.executions) == started == 3
    refusals = [each for each in stage.items("DECISION") if each["outcome"] == "refused"]
    assert len(refusals) == 1
    assert "max_objects=3" in refusals[0]["reason"]
    assert stage.notifications().count("Training refused") == 1
    (body,) = [call["Message"] for call in stage.gate.made("Publish") if "refused" in call["Subject"]]
    assert "raise [data] max_objects in project.toml" in body


def test_more_versions_than_a_listing_reads_are_refused_and_former_ones_are_blamed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "MOST_VERSIONS", 3)
    for content in ("first", "second", "third", "fourth"):
        event = stage.drop("2013-01", content=content)
    stage.start_training(event)

    (decision,) = stage.items("DECISION")
    assert decision["outcome"] == "refused"
    assert "object versions, former ones included (1 current objects were among them)" in decision["reason"]
    assert stage.sagemaker.executions == {}


def test_the_same_state_of_the_data_gives_the_same_snapshot(stage: Stage) -> None:
    """Also after an object came and went: what counts is what is current, not how it came to be."""
    stage.start_training(stage.drop("2013-01"))
    first = stage.ledger.training().last_snapshot_id
    stage.sagemaker.end(only_execution(stage), "Stopped")
    passing = stage.drop("2013-02")
    stage.clients["s3"].delete_object(
        Bucket=stage.data,
        Key="data/period=2013-02/part.parquet",
        VersionId=passing.body["detail"]["object"]["version-id"],
    )
    stage.start_training(stage.retrain())

    assert len(stage.sagemaker.executions) == 2
    assert stage.ledger.training().last_snapshot_id == first


def test_a_request_without_any_data_is_refused_with_the_layout_that_is_expected(stage: Stage) -> None:
    stage.start_training(stage.retrain())

    (decision,) = stage.items("DECISION")
    assert "data/period=YYYY-MM[-DD]/<name>.parquet" in decision["reason"]


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
