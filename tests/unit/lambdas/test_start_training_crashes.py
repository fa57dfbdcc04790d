"""A crash at every AWS call of StartTraining, before and after it, followed by a second delivery."""

from collections.abc import Callable

import pytest

from lambdas.shared.records import RunStatus
from tests.unit.lambdas.support.crashes import at_every_call
from tests.unit.lambdas.support.stage import Stage

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
