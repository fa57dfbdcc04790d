"""A crash at every AWS call of StartTraining, before and after it, followed by a second delivery."""

from collections.abc import Callable

import pytest

from lambdas.shared import ledger
from lambdas.shared.records import LiveModel, RunStatus
from tests.unit.lambdas.support.crashes import at_every_call
from tests.unit.lambdas.support.stage import NAME, Stage

NewStage = Callable[[], Stage]
Delivery = Callable[[], object]


def assert_one_consistent_run(stage: Stage, where: str) -> None:
    (arn,) = stage.sagemaker.executions
    state = stage.ledger.training()
    (item,) = stage.items("RUN")
    run = stage.ledger.run(item["run_id"])
    assert run is not None
    assert state.run_id == run.run_id == stage.sagemaker.executions[arn].name, where
    assert state.execution_arn == run.execution_arn == arn, where
    assert run.status is RunStatus.RUNNING, where
    assert run.snapshot_id == state.last_snapshot_id, where
    assert stage.clients["s3"].head_object(Bucket=stage.artifacts, Key=f"snapshots/{run.snapshot_id}.json")
    assert not state.dirty, where
    assert 1 <= stage.notifications().count("Training started") <= 2, where


def end_first_run(stage: Stage, status: str = "Succeeded") -> str:
    (first,) = stage.sagemaker.executions
    stage.sagemaker.end(first, status)
    return first


def serve_wake_ups(stage: Stage) -> None:
    for call in stage.wake_ups():
        stage.start_training(stage.message(call["MessageBody"]))


def test_a_drop_ends_in_exactly_one_run(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Delivery:
        event = stage.drop("2013-01")
        return lambda: stage.start_training(event)

    for stage, where in at_every_call(new_stage, prepare):
        assert_one_consistent_run(stage, where)


def test_a_persons_request_ends_in_exactly_one_run(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Delivery:
        stage.drop("2013-01")
        request = stage.retrain()
        return lambda: stage.start_training(request)

    for stage, where in at_every_call(new_stage, prepare):
        assert_one_consistent_run(stage, where)


def test_new_data_during_a_run_is_never_forgotten(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Delivery:
        stage.start_training(stage.drop("2013-01"))
        event = stage.drop("2013-02")
        return lambda: stage.start_training(event)

    for stage, where in at_every_call(new_stage, prepare):
        assert stage.ledger.training().dirty, where
        stage.close_training(end_first_run(stage))
        serve_wake_ups(stage)
        assert len(stage.sagemaker.executions) == 2, where
        assert not stage.ledger.training().dirty, where


def test_a_deferred_wish_always_has_a_message_that_comes_back(
    new_stage: NewStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(stage: Stage) -> Delivery:
        monkeypatch.setenv("COOLDOWN_SECONDS", "600")
        stage.start_training(stage.drop("2013-01"))
        stage.close_training(end_first_run(stage))
        event = stage.drop("2013-02")
        return lambda: stage.start_training(event)

    for stage, where in at_every_call(new_stage, prepare):
        assert stage.ledger.training().dirty, where
        assert 1 <= len(stage.wake_ups()) <= 2, where
        stage.clock.advance(seconds=600)
        serve_wake_ups(stage)
        assert len(stage.sagemaker.executions) == 2, where


def test_a_missed_end_is_healed(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Delivery:
        stage.start_training(stage.drop("2013-01"))
        end_first_run(stage, "Stopped")
        event = stage.drop("2013-02")
        return lambda: stage.start_training(event)

    for stage, where in at_every_call(new_stage, prepare):
        serve_wake_ups(stage)
        assert len(stage.sagemaker.executions) == 2, where
        assert sorted(item["status"] for item in stage.items("RUN")) == ["failed", "running"], where
        assert not stage.ledger.training().dirty, where


def serve_live_model(stage: Stage) -> None:
    """Train on January and let the ledger hold the result for live."""
    stage.start_training(stage.drop("2013-01"))
    stage.end_run()
    model = LiveModel(
        version=1,
        package_arn=stage.sagemaker.register(NAME, 1),
        endpoint_config=f"{NAME}-v1-0123abcd",
        since=stage.clock.now(),
        by="pipeline",
        sequence=1,
    )
    stage.ledger.commit(ledger.put_live(model))
    stage.clock.advance(minutes=1)


def test_an_alarm_without_new_data_is_remembered_and_recorded_once(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Delivery:
        serve_live_model(stage)
        event = stage.alarm("drift")
        return lambda: stage.start_training(event)

    for stage, where in at_every_call(new_stage, prepare):
        alarm = stage.ledger.training().alarms["drift"]
        assert (alarm.on, alarm.asks) == (True, False), where
        assert [item["outcome"] for item in stage.items("DECISION")] == ["no_new_data"], where
        assert 1 <= stage.notifications().count("Drift alarm, but no new data") <= 2, where
        assert len(stage.sagemaker.executions) == 1, where
        stage.start_training(stage.drop("2013-02"))
        assert stage.items("RUN")[-1]["trigger"] == "drift", where


def test_an_alarm_that_data_waited_for_ends_in_exactly_one_run(
    new_stage: NewStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(stage: Stage) -> Delivery:
        monkeypatch.setenv("NEW_DATA", "first")
        serve_live_model(stage)
        stage.start_training(stage.drop("2013-02"))
        event = stage.alarm("drift")
        return lambda: stage.start_training(event)

    for stage, where in at_every_call(new_stage, prepare):
        assert len(stage.sagemaker.executions) == 2, where
        first, second = stage.items("RUN")
        assert (first["trigger"], second["trigger"]) == ("data", "drift"), where
        state = stage.ledger.training()
        assert (state.run_id, state.waits) == (second["run_id"], False), where


def test_data_that_waits_for_an_alarm_is_recorded_once(new_stage: NewStage, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(stage: Stage) -> Delivery:
        monkeypatch.setenv("NEW_DATA", "first")
        serve_live_model(stage)
        event = stage.drop("2013-02")
        return lambda: stage.start_training(event)

    for stage, where in at_every_call(new_stage, prepare):
        assert [item["outcome"] for item in stage.items("DECISION")] == ["waits_for_a_reason"], where
        assert stage.notifications() == [], where
        assert not stage.ledger.training().waits, where


def test_an_alarm_that_the_cooldown_holds_back_always_has_a_message_that_comes_back(
    new_stage: NewStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(stage: Stage) -> Delivery:
        monkeypatch.setenv("NEW_DATA", "first")
        monkeypatch.setenv("COOLDOWN_SECONDS", "600")
        serve_live_model(stage)
        stage.start_training(stage.drop("2013-02"))
        event = stage.alarm("quality")
        return lambda: stage.start_training(event)

    for stage, where in at_every_call(new_stage, prepare):
        assert stage.ledger.training().waits, where
        assert 1 <= len(stage.wake_ups()) <= 2, where
        stage.clock.advance(seconds=600)
        serve_wake_ups(stage)
        assert len(stage.sagemaker.executions) == 2, where


def test_an_alarm_during_a_run_is_answered_after_it(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Delivery:
        stage.start_training(stage.drop("2013-01"))
        event = stage.alarm("drift")
        return lambda: stage.start_training(event)

    for stage, where in at_every_call(new_stage, prepare):
        assert stage.ledger.training().alarms["drift"].asks, where
        stage.close_training(end_first_run(stage))
        serve_wake_ups(stage)
        assert [item["outcome"] for item in stage.items("DECISION")] == ["no_new_data"], where
        assert len(stage.sagemaker.executions) == 1, where
