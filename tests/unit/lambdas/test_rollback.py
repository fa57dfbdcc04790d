"""Going back without training: by a rejection, by a person, and never by a late event."""

from collections.abc import Callable

import pytest

from lambdas.shared.records import DeploymentStatus
from tests.unit.lambdas.support.crashes import at_every_call
from tests.unit.lambdas.support.deployments import (
    approve,
    assert_one_truth,
    copy_of,
    live,
    newest,
    put_live,
    reject,
    stages,
)
from tests.unit.lambdas.support.stage import NAME, Stage

NewStage = Callable[[], Stage]


def settle(stage: Stage) -> None:
    stage.sagemaker.finish(NAME)
    stage.confirm()


def test_rejecting_the_live_version_brings_back_the_one_before_it(stage: Stage) -> None:
    put_live(stage, 1)
    put_live(stage, 2)
    reject(stage, 2)
    settle(stage)

    assert_one_truth(stage, 1)
    assert live(stage).by == "rejection of version 2"
    assert stages(stage) == {1: "Live", 2: "Retired"}
    assert stage.notifications()[-1] == "Version 1 is live"


def test_a_version_that_was_rejected_meanwhile_is_passed_over(stage: Stage) -> None:
    for version in (1, 2, 3):
        put_live(stage, version)
    stage.sagemaker.register(NAME, 2, approval="Rejected")
    reject(stage, 3)
    settle(stage)
    assert_one_truth(stage, 1)


def test_a_version_that_was_deleted_from_the_registry_is_passed_over_and_stops_nothing(stage: Stage) -> None:
    for version in (1, 2, 3):
        put_live(stage, version)
    del stage.sagemaker.packages[f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{NAME}/2"]
    reject(stage, 3)
    settle(stage)
    assert_one_truth(stage, 1)


@pytest.mark.parametrize("approval", ["Rejected", "PendingManualApproval"])
def test_who_asks_for_a_version_that_is_not_approved_gets_one_answer(stage: Stage, approval: str) -> None:
    """It may have been rejected between the request and its delivery."""
    put_live(stage, 1)
    stage.sagemaker.register(NAME, 2, approval=approval)
    request = stage.deployment_request(2)
    stage.deploy(request)
    stage.deploy(request)

    assert stage.notifications()[1:] == ["Version 2 was not deployed"]
    (decision,) = stage.items("DECISION")
    assert decision["outcome"] == "not_approved"
    assert decision["reason"] == f"version 2 is {approval}, and only an approved version may serve"
    stage.deploy(stage.deployment_request(2))
    assert stage.notifications()[2:] == ["Version 2 was not deployed"]


def test_an_event_about_a_version_that_is_not_approved_is_nobodys_question(stage: Stage) -> None:
    put_live(stage, 1)
    reject(stage, 2)
    assert stage.notifications() == ["Version 1 is live"]
    assert stage.items("DECISION") == []


def test_a_rejection_is_served_once_however_often_it_is_delivered(stage: Stage) -> None:
    put_live(stage, 1)
    put_live(stage, 2)
    reject(stage, 2)
    stage.deploy(stage.package_event(2, status="Rejected"))
    settle(stage)
    stage.deploy(stage.package_event(2, status="Rejected"))
    stage.deploy(stage.package_event(2, status="Approved"))

    assert len(stage.gate.made("UpdateEndpoint")) == 2
    assert_one_truth(stage, 1)


def test_the_version_that_was_left_does_not_come_back_with_a_late_approval(stage: Stage) -> None:
    put_live(stage, 1)
    late = put_live(stage, 2)
    stage.deploy(stage.deployment_request(1))
    settle(stage)
    stage.deploy(late)
    stage.deploy(stage.package_event(2, updated=["ModelApprovalStatus"]))
    assert_one_truth(stage, 1)


def test_a_version_rejected_during_its_deployment_is_taken_away_when_that_is_over(stage: Stage) -> None:
    put_live(stage, 1)
    approve(stage, 2)
    reject(stage, 2)
    assert stage.wake_ups(), "an update under way can not be interrupted"
    settle(stage)
    assert live(stage).version == 2
    stage.deploy(copy_of(stage.wake_ups()[-1], stage))
    settle(stage)
    assert_one_truth(stage, 1)


def test_a_version_rejected_before_its_deployment_began_is_never_deployed(stage: Stage) -> None:
    put_live(stage, 1)
    stage.sagemaker.register(NAME, 2)
    stage.gate.arm_operation("UpdateEndpoint")
    stage.deploy(stage.package_event(2))
    stage.gate.disarm()
    reject(stage, 2)
    assert stage.wake_ups(), "whoever was to start it may still be at work"
    stage.clock.advance(minutes=16)
    stage.deploy(copy_of(stage.wake_ups()[-1], stage))

    assert newest(stage).status is DeploymentStatus.REJECTED
    approve(stage, 3)
    settle(stage)
    assert_one_truth(stage, 3)


def test_a_rejected_version_without_a_predecessor_stays_and_people_are_told(stage: Stage) -> None:
    put_live(stage, 1)
    reject(stage, 1)
    assert stage.notifications()[-1] == "Version 1 was rejected while it serves"
    assert_one_truth(stage, 1)


def test_going_back_is_not_watched_by_alarms_of_the_version_that_is_left(stage: Stage) -> None:
    put_live(stage, 1)
    put_live(stage, 2)
    stage.ring(stage.alarms[0])
    stage.deploy(stage.deployment_request(1))

    assert stage.gate.made("UpdateEndpoint")[-1]["DeploymentConfig"] == {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
            "TerminationWaitInSeconds": 0,
            "MaximumExecutionTimeoutInSeconds": 3600,
        }
    }
    assert newest(stage).rollout == "all at once, unwatched: this configuration was live before"


def test_a_crash_at_any_call_of_a_rejection_converges(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        put_live(stage, 1)
        put_live(stage, 2)
        stage.clock.advance(seconds=1)
        stage.sagemaker.register(NAME, 2, approval="Rejected")
        event = stage.package_event(2, status="Rejected")
        return lambda: stage.deploy(event)

    for stage, where in at_every_call(new_stage, prepare):
        settle(stage)
        assert_one_truth(stage, 1, where)


def test_a_crash_at_any_call_of_the_confirmation_leaves_one_truth(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        for version in (1, 2):
            put_live(stage, version)
        approve(stage, 3)
        stage.sagemaker.finish(NAME)
        event = stage.endpoint_event("IN_SERVICE")
        return lambda: stage.invoke("confirm_deployment", [event])

    for stage, where in at_every_call(new_stage, prepare):
        assert_one_truth(stage, 3, where)
        assert stages(stage) == {1: "Retired", 2: "Retired", 3: "Live"}, where
        kept = {config.partition("-v")[2].partition("-")[0] for config in stage.sagemaker.configs}
        assert kept == {"2", "3"}, where
        assert len(stage.sagemaker.models) == 2, where
