"""Alarms that ask for training: what they start, what they wait for, and what people are told."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas.shared import clock, ledger
from lambdas.shared.attributes import encode_item
from lambdas.shared.records import LiveModel, Run, RunStatus
from tests.unit.lambdas.support.stage import CROSSED, NAME, PIPELINE, Message, Stage

DRIFT = "drift alarm since 2013-03-01 09:00 UTC: 3 out of the last 5 datapoints [0.3123, 0.25, 0.11] were greater than"


@pytest.fixture(name="trained")
def _trained(stage: Stage) -> Stage:
    """A stage whose model was trained on January and serves."""
    stage.start_training(stage.drop("2013-01"))
    stage.end_run()
    go_live(stage)
    stage.gate.calls.clear()
    return stage


@pytest.fixture(name="waiting")
def _waiting(trained: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The same with the setting that new data is no reason by itself."""
    monkeypatch.setenv("NEW_DATA", "first")
    return trained


def go_live(stage: Stage, version: int = 1) -> None:
    model = LiveModel(
        version=version,
        package_arn=stage.sagemaker.register(NAME, version),
        endpoint_config=f"{NAME}-v{version}-0123abcd",
        since=clock.now(),
        by="pipeline",
        sequence=0,
    )
    stage.ledger.commit(ledger.put_live(model))


def runs(stage: Stage) -> list[Run]:
    """All runs in the order of their start."""
    return sorted(stage.ledger.runs(limit=100), key=lambda run: run.started_at)


def decisions(stage: Stage) -> list[dict[str, Any]]:
    return stage.items("DECISION")


def outcomes(stage: Stage) -> list[str]:
    return [each["outcome"] for each in decisions(stage)]


def later(stage: Stage, *messages: Message, **duration: float) -> None:
    """Deliver messages after a while."""
    stage.clock.advance(**(duration or {"minutes": 1}))
    stage.start_training(*messages)


def wake(stage: Stage) -> None:
    """Deliver the wake-up that was sent last."""
    stage.start_training(stage.message(stage.wake_ups()[-1]["MessageBody"]))


def test_without_new_data_an_alarm_starts_nothing_and_people_are_told_why(trained: Stage) -> None:
    later(trained, trained.alarm("drift"))

    assert len(runs(trained)) == 1
    (decision,) = decisions(trained)
    assert (decision["outcome"], decision["trigger"], decision["subject"]) == ("no_new_data", "drift", f"{NAME}-drift")
    assert decision["reason"].startswith(DRIFT)
    assert "no new data up to 2013-01: run " in decision["reason"]
    assert trained.notifications() == ["Drift alarm, but no new data"]
    (told,) = trained.gate.made("Publish")
    assert CROSSED in told["Message"]
    assert trained.wake_ups() == []


def test_the_wish_waits_and_the_next_drop_starts_a_run_that_names_alarm_and_data(trained: Stage) -> None:
    later(trained, trained.alarm("drift"))
    later(trained, trained.drop("2013-02"))

    (_, run) = runs(trained)
    assert run.trigger == "drift"
    assert run.reason.startswith(DRIFT)
    assert run.reason.endswith("; new data: data/period=2013-02/part.parquet")
    execution = trained.sagemaker.executions[run.execution_arn or ""]
    assert "new data: data/period=2013-02/part.parquet" in execution.parameters["Reason"]


def test_an_alarm_that_went_off_has_withdrawn_its_wish(trained: Stage) -> None:
    later(trained, trained.alarm("drift"))
    later(trained, trained.alarm("drift", "OK", at="2013-03-01T09:30"))
    later(trained, trained.drop("2013-02"))

    (_, run) = runs(trained)
    assert (run.trigger, run.reason) == ("data", "new data: data/period=2013-02/part.parquet")


def test_a_repeated_event_is_told_once(trained: Stage) -> None:
    event = trained.alarm("drift")
    later(trained, event, trained.alarm("drift"))
    later(trained, event)
    later(trained, trained.alarm("drift"))

    assert outcomes(trained) == ["no_new_data"]
    assert trained.notifications() == ["Drift alarm, but no new data"]


def test_an_alarm_that_flaps_within_the_cooldown_is_told_once_and_still_waits(
    trained: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COOLDOWN_SECONDS", "3600")
    trained.clock.advance(hours=2)
    for hour, minute in ((9, 0), (9, 20), (9, 40)):
        later(trained, trained.alarm("drift", at=f"2013-03-01T{hour:02d}:{minute:02d}"))
        later(trained, trained.alarm("drift", "OK", at=f"2013-03-01T{hour:02d}:{minute + 10:02d}"))
    later(trained, trained.alarm("drift", at="2013-03-01T10:00"))
    assert trained.notifications() == ["Drift alarm, but no new data"]

    later(trained, trained.drop("2013-02"))
    assert runs(trained)[-1].trigger == "drift"


def test_an_alarm_that_comes_back_after_the_cooldown_is_told_again(trained: Stage) -> None:
    later(trained, trained.alarm("drift"))
    later(trained, trained.alarm("drift", "OK", at="2013-03-02T09:00"))
    later(trained, trained.alarm("drift", at="2013-03-03T09:00"))

    assert trained.notifications() == ["Drift alarm, but no new data"] * 2


def test_too_little_data_for_cloudwatch_changes_nothing(trained: Stage) -> None:
    later(trained, trained.alarm("drift"))
    later(trained, trained.alarm("drift", "INSUFFICIENT_DATA", at="2013-03-01T09:30"))

    assert trained.ledger.training().alarms["drift"].on
    assert outcomes(trained) == ["no_new_data"]


@pytest.mark.parametrize("name", [f"{NAME}-no-traffic", "other-sandbox-drift", "drift"])
def test_an_alarm_that_asks_for_no_training_is_a_fault_of_the_rule(trained: Stage, name: str) -> None:
    event = trained.alarm("drift")
    event.body["detail"]["alarmName"] = name
    answer = trained.start_training(event)

    assert answer == {"batchItemFailures": [{"itemIdentifier": event.id}]}
    assert trained.ledger.training().alarms == {}


def test_several_alarms_are_told_together_and_the_strongest_is_the_trigger(trained: Stage) -> None:
    later(trained, trained.alarm("drift"), trained.alarm("quality"))
    assert trained.notifications() == ["Quality and drift alarms, but no new data"]

    later(trained, trained.drop("2013-02"))
    run = runs(trained)[-1]
    assert run.trigger == "quality"
    assert "quality alarm since" in run.reason
    assert "drift alarm since" in run.reason


def test_data_of_a_failed_run_is_new_to_an_alarm(trained: Stage) -> None:
    later(trained, trained.drop("2013-02"), trained.drop("2013-03"))
    trained.end_run("Failed")
    later(trained, trained.alarm("model-age"))

    run = runs(trained)[-1]
    assert (len(runs(trained)), run.trigger) == (3, "model-age")
    assert run.reason.endswith("; new data: data/period=2013-02/part.parquet and 1 more")


def test_data_that_was_refused_is_no_new_data(trained: Stage) -> None:
    later(trained, trained.drop("2013-02"))
    steps = [{"StepName": "RejectData", "StepStatus": "Failed", "FailureReason": "bad rows"}]
    execution = trained.ledger.training().execution_arn or ""
    trained.sagemaker.end(execution, "Failed", steps=steps)
    trained.close_training(execution)
    assert runs(trained)[-1].status is RunStatus.REJECTED_DATA

    later(trained, trained.alarm("drift"))
    assert len(runs(trained)) == 2
    assert outcomes(trained) == ["no_new_data"]


def test_data_that_was_only_taken_away_is_no_new_data(trained: Stage) -> None:
    later(trained, trained.drop("2013-02"))
    trained.end_run()
    trained.clients["s3"].delete_object(Bucket=trained.data, Key="data/period=2013-01/part.parquet")
    later(trained, trained.alarm("drift"))

    assert len(runs(trained)) == 2
    (decision,) = decisions(trained)
    assert "the last run that was judged has read everything that lies there" in decision["reason"]


def test_an_alarm_during_a_run_is_answered_when_the_run_has_ended(trained: Stage) -> None:
    later(trained, trained.drop("2013-02"))
    later(trained, trained.alarm("quality"))
    assert decisions(trained) == []
    trained.end_run()
    wake(trained)

    assert len(runs(trained)) == 2
    assert outcomes(trained) == ["no_new_data"]


def test_an_alarm_and_a_drop_during_a_run_start_the_next_one_together(trained: Stage) -> None:
    later(trained, trained.drop("2013-02"))
    later(trained, trained.alarm("quality"))
    later(trained, trained.drop("2013-03"))
    trained.end_run()
    wake(trained)

    assert [run.trigger for run in runs(trained)] == ["data", "data", "quality"]
    assert runs(trained)[-1].reason.endswith("; new data: data/period=2013-03/part.parquet")


def test_a_missed_end_is_healed_by_an_alarm(trained: Stage) -> None:
    later(trained, trained.drop("2013-02"))
    trained.sagemaker.end(trained.ledger.training().execution_arn or "", "Stopped")
    later(trained, trained.alarm("drift"))

    assert [run.status for run in runs(trained)][1:] == [RunStatus.FAILED, RunStatus.RUNNING]
    assert runs(trained)[-1].trigger == "drift"


def test_a_persons_request_answers_the_alarm_too_and_stays_the_trigger(trained: Stage) -> None:
    later(trained, trained.alarm("drift"))
    later(trained, trained.retrain("try the new features"))

    run = runs(trained)[-1]
    assert run.trigger == "ana"
    assert run.reason.startswith("ana: try the new features; drift alarm since")


def test_the_cooldown_holds_an_alarm_back_and_an_alarm_that_goes_off_meanwhile_starts_nothing(
    waiting: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COOLDOWN_SECONDS", "3600")
    later(waiting, waiting.drop("2013-02"))
    for minute in (0, 10, 20):
        later(waiting, waiting.alarm("drift", at=f"2013-03-01T09:{minute:02d}"))
        later(waiting, waiting.alarm("drift", "OK", at=f"2013-03-01T09:{minute + 5:02d}"))
    later(waiting, waiting.alarm("drift", at="2013-03-01T09:30"))
    assert outcomes(waiting) == ["waits_for_a_reason", "deferred"]
    assert len(waiting.wake_ups()) == 1, "one cooldown, one message"

    later(waiting, waiting.alarm("drift", "OK", at="2013-03-01T10:00"))
    waiting.clock.advance(hours=1)
    wake(waiting)
    assert len(runs(waiting)) == 1


def test_after_the_cooldown_the_alarm_gets_its_run(waiting: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOLDOWN_SECONDS", "900")
    later(waiting, waiting.drop("2013-02"), waiting.drop("2013-02", name="second"))
    later(waiting, waiting.alarm("drift"))
    assert len(runs(waiting)) == 1
    waiting.clock.advance(minutes=15)
    wake(waiting)

    run = runs(waiting)[-1]
    assert run.trigger == "drift"
    assert run.reason.endswith("; new data: data/period=2013-02/part.parquet and 1 more")


def test_the_daily_budget_counts_for_alarms_and_is_told_once(waiting: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_RUNS_PER_DAY", "1")
    later(waiting, waiting.drop("2013-02"))
    for minute in (0, 10, 20):
        later(waiting, waiting.alarm("drift", at=f"2013-03-01T09:{minute:02d}"))
        later(waiting, waiting.alarm("drift", "OK", at=f"2013-03-01T09:{minute + 5:02d}"))

    assert len(runs(waiting)) == 1
    assert waiting.notifications() == ["Retrain budget used up"]


def test_an_alarm_waits_for_the_deployment_in_progress(waiting: Stage) -> None:
    waiting.sagemaker.register(NAME, 2)
    waiting.deploy(waiting.package_event(2))
    later(waiting, waiting.drop("2013-02"))
    later(waiting, waiting.alarm("drift"))
    assert outcomes(waiting) == ["waits_for_a_reason", "deferred"]

    waiting.sagemaker.finish(NAME)
    waiting.confirm()
    later(waiting, waiting.message(waiting.wake_ups()[-1]["MessageBody"]))
    run = runs(waiting)[-1]
    assert run.trigger == "drift"
    assert run.parameters["ChampionPackageArn"].endswith("/2")


def test_while_nothing_is_live_a_drop_is_reason_enough(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_DATA", "first")
    stage.start_training(stage.drop("2013-01"))
    stage.end_run()
    later(stage, stage.drop("2013-02"))

    assert [run.trigger for run in runs(stage)] == ["data", "data"]


def test_once_something_is_live_new_data_waits_for_a_reason_and_that_is_recorded_once(waiting: Stage) -> None:
    for number in range(5):
        later(waiting, waiting.drop("2013-02", name=f"part-{number}"))
    later(waiting, waiting.drop("2013-03"))

    assert len(runs(waiting)) == 1
    first, second = decisions(waiting)
    assert (first["outcome"], first["trigger"]) == ("waits_for_a_reason", "data")
    assert first["reason"].startswith("version 1 is live and no alarm is on: new data waits for one")
    assert "2013-03" in second["reason"]
    assert waiting.notifications() == []
    assert not waiting.ledger.training().dirty


def test_an_alarm_is_the_reason_that_new_data_waits_for(waiting: Stage) -> None:
    later(waiting, waiting.drop("2013-02"))
    later(waiting, waiting.drop("2013-03"))
    later(waiting, waiting.alarm("quality"))

    run = runs(waiting)[-1]
    assert run.trigger == "quality"
    assert run.reason.endswith("; new data: data/period=2013-02/part.parquet and 1 more")


def test_persistent_drift_is_tried_again_with_each_new_drop(waiting: Stage) -> None:
    later(waiting, waiting.alarm("drift"))
    for period in ("2013-02", "2013-03"):
        later(waiting, waiting.drop(period))
        waiting.end_run()
    later(waiting, waiting.alarm("drift", "OK", at="2013-03-02T09:00"))
    later(waiting, waiting.drop("2013-04"))

    assert [run.trigger for run in runs(waiting)] == ["data", "drift", "drift"]
    assert outcomes(waiting)[-1] == "waits_for_a_reason"


def test_a_drop_during_a_run_waits_for_a_reason_after_it(waiting: Stage) -> None:
    later(waiting, waiting.retrain())
    later(waiting, waiting.drop("2013-02"))
    waiting.end_run()
    wake(waiting)

    assert len(runs(waiting)) == 2
    assert outcomes(waiting) == ["waits_for_a_reason"]
    assert not waiting.ledger.training().dirty


def test_who_asks_by_name_needs_no_alarm(waiting: Stage) -> None:
    later(waiting, waiting.drop("2013-02"), waiting.retrain("monthly", requested_by="schedule", requires_new_data=True))

    assert runs(waiting)[-1].trigger == "schedule"


def test_a_ledger_of_an_earlier_release_is_read_and_an_alarm_names_the_newest_data(stage: Stage) -> None:
    stage.drop("2013-01")
    stage.drop("2013-02")
    old = {
        "pk": "STATE#training",
        "sk": "STATE",
        "revision": 3,
        "dirty": False,
        "dirty_requires_new_data": True,
        "last_started_at": datetime(2013, 2, 1, tzinfo=UTC),
        "last_snapshot_id": "0" * 64,
        "recent_starts": [],
    }
    stage.clients["dynamodb"].put_item(TableName=stage.table, Item=encode_item(old))
    stage.start_training(stage.alarm("drift"))

    (run,) = runs(stage)
    assert run.trigger == "drift"
    assert run.reason.endswith("; new data: data/period=2013-02/part.parquet")
    assert stage.gate.made("StartPipelineExecution")[0]["PipelineName"] == PIPELINE


def test_an_alarm_about_a_stage_without_data_is_refused_once(stage: Stage) -> None:
    stage.start_training(stage.alarm("drift"))
    stage.start_training(stage.alarm("drift", "OK", at="2013-03-01T09:30"))
    stage.start_training(stage.alarm("drift", at="2013-03-01T10:00"))

    assert outcomes(stage) == ["refused"]
    assert stage.notifications() == ["Training refused"]


def test_an_alarm_whose_known_data_is_gone_trains_on_what_is_there(trained: Stage) -> None:
    known = trained.ledger.training().trained_snapshot_id
    trained.clients["s3"].delete_object(Bucket=trained.artifacts, Key=f"snapshots/{known}.json")
    trained.drop("2013-02")
    later(trained, trained.alarm("drift"))

    assert runs(trained)[-1].reason.endswith("; new data: data/period=2013-02/part.parquet")
