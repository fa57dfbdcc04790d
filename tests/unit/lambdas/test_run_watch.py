"""A run that hangs is stopped at its limit, one whose end was missed is closed, and no lock stays for ever."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from function_inputs import RUN_LIMIT_SECONDS

from lambdas.close_training.watch import STARTING, STOPPING
from lambdas.shared.records import Run, RunStatus
from tests.unit.lambdas.support.crashes import at_every_call
from tests.unit.lambdas.support.gate import Crash
from tests.unit.lambdas.support.stage import Stage, has_failed, only_execution

HANGS = [{"StepName": "Validate", "StepStatus": "Succeeded"}, {"StepName": "Train", "StepStatus": "Starting"}]


def started(stage: Stage) -> Run:
    stage.start_training(stage.drop("2013-01"))
    (run,) = stage.ledger.runs(limit=2)
    stage.gate.calls.clear()
    return run


def at_its_limit(stage: Stage) -> Run:
    run = started(stage)
    stage.clock.advance(seconds=RUN_LIMIT_SECONDS + 60)
    return run


def stops(stage: Stage) -> int:
    return len(stage.gate.made("StopPipelineExecution"))


def of(stage: Stage, run: Run) -> Run:
    found = stage.ledger.run(run.run_id)
    assert found is not None
    return found


def limit(run: Run) -> datetime:
    assert run.ends_by is not None
    return run.ends_by


def test_the_limit_of_a_run_is_on_record_when_it_starts(stage: Stage) -> None:
    run = started(stage)
    assert limit(run) - run.started_at == pytest.approx(timedelta(seconds=RUN_LIMIT_SECONDS), abs=timedelta(seconds=1))


def test_without_a_run_in_flight_a_look_changes_nothing(stage: Stage) -> None:
    assert not has_failed(stage.look())
    assert set(stage.gate.names()) == {"GetItem"}


def test_a_run_below_its_limit_is_left_alone(stage: Stage) -> None:
    run = started(stage)
    stage.clock.advance(seconds=RUN_LIMIT_SECONDS - 60)
    assert not has_failed(stage.look())
    assert (of(stage, run), stops(stage), stage.notifications()) == (run, 0, [])


def test_a_run_that_hangs_is_stopped_at_its_limit_and_the_record_and_people_know_where_it_hung(stage: Stage) -> None:
    run = at_its_limit(stage)
    stage.sagemaker.executions[only_execution(stage)].steps = HANGS
    assert not has_failed(stage.look())

    assert stage.sagemaker.executions[only_execution(stage)].status == "Stopping"
    assert stage.notifications() == ["Training is stopped at its limit"]
    asked = of(stage, run)
    assert asked.status is RunStatus.RUNNING
    assert "6:00:00 after its start; Train Starting" in (asked.stop_reason or "")

    stage.end_run("Stopped")
    closed = of(stage, run)
    assert (closed.status, closed.abandoned) == (RunStatus.FAILED, False)
    assert (closed.failure or "").startswith("the execution was stopped: Executing at its limit, 2013-03-01T16:15:")
    assert stage.notifications()[1:] == ["Training failed"]
    assert stage.ledger.training().run_id is None


def test_an_execution_between_two_steps_is_stopped_as_well(stage: Stage) -> None:
    run = at_its_limit(stage)
    stage.look()
    assert (of(stage, run).stop_reason or "").endswith("no step was running")


def test_the_next_drop_trains_once_the_run_was_stopped(stage: Stage) -> None:
    at_its_limit(stage)
    stage.start_training(stage.drop("2013-02"))
    stage.look()
    stage.end_run("Stopped")
    stage.start_training(
        stage.message(
            {
                "source": "tandem",
                "detail-type": "Retrain Requested",
                "detail": {"reason": "wake up", "requested_by": "close-training", "wake_up": True},
            }
        )
    )
    assert sorted(run.status for run in stage.ledger.runs(limit=5)) == [RunStatus.FAILED, RunStatus.RUNNING]


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Stopped"])
def test_an_end_whose_event_was_lost_is_closed_as_the_event_would_have(stage: Stage, status: str) -> None:
    run = started(stage)
    stage.sagemaker.end(only_execution(stage), status)
    assert not has_failed(stage.look())

    closed = of(stage, run)
    assert closed.status is (RunStatus.KEPT_CHAMPION if status == "Succeeded" else RunStatus.FAILED)
    assert stage.ledger.training().run_id is None
    assert len(stage.notifications()) == 1
    stage.close_training(only_execution(stage))
    assert (of(stage, run), len(stage.notifications())) == (closed, 1)


def test_a_deleted_execution_holds_no_lock(stage: Stage) -> None:
    run = started(stage)
    stage.sagemaker.executions.clear()
    stage.look()
    assert of(stage, run).failure == "the execution was deleted"
    assert stage.ledger.training().run_id is None


def test_an_execution_that_does_not_stop_is_abandoned_and_people_are_told_what_to_do(stage: Stage) -> None:
    run = at_its_limit(stage)
    stage.look()
    stage.clock.advance(seconds=STOPPING.total_seconds() - 60)
    stage.look()
    assert of(stage, run).status is RunStatus.RUNNING

    stage.clock.advance(minutes=2)
    stage.look()
    closed = of(stage, run)
    assert (closed.status, closed.abandoned) == (RunStatus.FAILED, True)
    assert "still Stopping, though it was told to stop at" in (closed.failure or "")
    assert stage.notifications()[-1] == "Training failed, and its execution does not stop"
    assert stage.ledger.training().run_id is None
    assert stops(stage) == 1

    stage.sagemaker.end(only_execution(stage), "Stopped")
    stage.close_training(only_execution(stage))
    assert of(stage, run) == closed


def test_an_execution_that_somebody_else_stops_has_its_time_to_stop_as_well(stage: Stage) -> None:
    run = at_its_limit(stage)
    stage.sagemaker.executions[only_execution(stage)].status = "Stopping"
    stage.look()
    assert (of(stage, run).status, stops(stage)) == (RunStatus.RUNNING, 0)
    assert (of(stage, run).stop_reason or "").startswith("Stopping at its limit")


def test_one_that_goes_on_executing_is_told_to_stop_again_and_never_abandoned(stage: Stage) -> None:
    run = at_its_limit(stage)
    for hour in range(3):
        stage.look()
        assert stops(stage) == hour + 1
        stage.sagemaker.executions[only_execution(stage)].status = "Executing"
        stage.clock.advance(hours=1)
    assert of(stage, run).status is RunStatus.RUNNING
    tokens = {call["ClientRequestToken"] for call in stage.gate.made("StopPipelineExecution")}
    assert len(tokens) == 3
    assert stage.notifications() == ["Training is stopped at its limit"]


def test_a_late_look_says_nothing_about_a_run_that_began_after_it(stage: Stage) -> None:
    run = started(stage)
    due = limit(run) - timedelta(minutes=1)
    stage.clock.advance(days=3)
    stage.look(due)
    assert (of(stage, run), stops(stage)) == (run, 0)


def test_one_that_ends_while_it_is_being_stopped_is_closed_by_the_next_delivery(stage: Stage) -> None:
    run = at_its_limit(stage)
    execution = only_execution(stage)
    stop = stage.sagemaker.stop_pipeline_execution

    def too_late(request: dict[str, str]) -> dict[str, str]:
        stage.sagemaker.end(execution, "Succeeded")
        return stop(request)

    stage.sagemaker.stop_pipeline_execution = too_late  # type: ignore[method-assign]  # the race
    at = stage.clock.now()
    assert has_failed(stage.look(at))
    assert not has_failed(stage.look(at))
    assert of(stage, run).status is RunStatus.KEPT_CHAMPION
    assert stage.notifications() == ["Training kept the champion"]


def test_a_lock_whose_execution_was_never_started_is_taken_up_again(stage: Stage) -> None:
    stage.gate.arm_operation("StartPipelineExecution")
    with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever it is, Lambda delivers again, until it gives up
        stage.start_training(stage.drop("2013-01"))
    stage.gate.disarm()
    stage.look()
    assert stage.wake_ups() == []

    stage.clock.advance(seconds=STARTING.total_seconds())
    stage.look()
    (wake_up,) = stage.wake_ups()
    stage.start_training(stage.message(wake_up["MessageBody"]))
    (run,) = stage.ledger.runs(limit=2)
    assert run.status is RunStatus.RUNNING
    assert limit(run) == stage.clock.now() + timedelta(seconds=RUN_LIMIT_SECONDS)


def test_a_run_of_an_older_release_has_no_limit_and_is_closed_when_it_ended(stage: Stage) -> None:
    run = started(stage)
    key = {"pk": {"S": "RUN"}, "sk": {"S": run.run_id}}
    stage.clients["dynamodb"].update_item(TableName=stage.table, Key=key, UpdateExpression="REMOVE ends_by")
    stage.clock.advance(days=9)
    stage.look()
    assert stops(stage) == 0
    stage.sagemaker.end(only_execution(stage), "Failed")
    stage.look()
    assert of(stage, run).status is RunStatus.FAILED


def test_what_waits_is_woken_up_though_the_look_that_closed_the_run_ended_before_it_did(stage: Stage) -> None:
    started(stage)
    stage.start_training(stage.drop("2013-02"))
    stage.sagemaker.end(only_execution(stage), "Failed")
    stage.gate.arm_operation("SendMessage")
    at = stage.clock.now()
    with suppress(Crash):
        stage.look(at)
    assert stage.gate.crashed
    stage.gate.disarm()

    assert stage.ledger.training().run_id is None
    stage.gate.calls.clear()
    assert not has_failed(stage.look(at))
    assert len(stage.wake_ups()) == 1


def test_whichever_call_of_stopping_fails_the_next_delivery_comes_to_the_same_end(
    new_stage: Callable[[], Stage],
) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        at_its_limit(stage)
        at = stage.clock.now()
        return lambda: stage.look(at)

    for stage, where in at_every_call(new_stage, prepare):
        (run,) = stage.ledger.runs(limit=2)
        assert stage.sagemaker.executions[only_execution(stage)].status == "Stopping", where
        assert (run.status, stage.ledger.training().run_id) == (RunStatus.RUNNING, run.run_id), where
        assert run.stop_reason, where
        assert set(stage.notifications()) == {"Training is stopped at its limit"}, where
