from collections.abc import Callable

import pytest

from lambdas.shared.errors import ConflictError
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import DeploymentStatus
from tests.unit.lambdas.support.crashes import at_every_call
from tests.unit.lambdas.support.stage import NAME, Stage, has_failed

NewStage = Callable[[], Stage]


def request(stage: Stage, version: int) -> str:
    stage.sagemaker.register(NAME, version)
    stage.deploy(stage.package_event(version))
    deployment = stage.ledger.newest_deployment()
    assert deployment is not None
    return deployment.endpoint_config


def put_live(stage: Stage, version: int) -> str:
    config = request(stage, version)
    stage.sagemaker.finish(NAME)
    stage.confirm()
    return config


def status(stage: Stage) -> DeploymentStatus:
    deployment = stage.ledger.newest_deployment()
    assert deployment is not None
    return deployment.status


def test_what_serves_becomes_live_with_who_and_when(stage: Stage) -> None:
    config = put_live(stage, 1)
    live = stage.ledger.live()
    assert live is not None
    assert (live.version, live.endpoint_config, live.by) == (1, config, "approval of version 1")
    assert live.since == stage.clock.now()
    assert live.run_id == "run-of-1"


def test_an_event_before_the_update_is_through_decides_nothing(stage: Stage) -> None:
    put_live(stage, 1)
    request(stage, 2)
    assert not has_failed(stage.confirm("UPDATING"))
    assert status(stage) is DeploymentStatus.REQUESTED


@pytest.mark.parametrize("announced", ["IN_SERVICE", "FAILED", "UPDATE_ROLLBACK_FAILED"])
def test_an_outcome_that_sagemaker_does_not_show_yet_comes_back_and_is_not_lost(stage: Stage, announced: str) -> None:
    put_live(stage, 1)
    request(stage, 2)
    assert has_failed(stage.confirm(announced))
    assert status(stage) is DeploymentStatus.REQUESTED

    stage.sagemaker.finish(NAME)
    assert not has_failed(stage.confirm(announced))
    assert status(stage) is DeploymentStatus.LIVE


def test_a_late_outcome_from_before_the_update_does_not_come_back(stage: Stage) -> None:
    put_live(stage, 1)
    told = stage.sagemaker.endpoints[NAME].modified.timestamp() * 1000
    request(stage, 2)
    assert not has_failed(stage.confirm("IN_SERVICE", LastModifiedTime=told))
    told = stage.sagemaker.endpoints[NAME].modified.timestamp() * 1000
    assert has_failed(stage.confirm("IN_SERVICE", LastModifiedTime=told))


def test_a_late_in_service_event_of_the_old_version_is_no_rollback_of_a_request_just_made(stage: Stage) -> None:
    put_live(stage, 1)
    stage.sagemaker.register(NAME, 2)
    stage.deploy(stage.package_event(2))
    # As if UpdateEndpoint had not reached SageMaker yet: the endpoint is the one from before the request.
    endpoint, deployment = stage.sagemaker.endpoints[NAME], stage.ledger.newest_deployment()
    assert deployment is not None
    endpoint.status, endpoint.pending = "InService", None
    endpoint.modified = endpoint.modified.replace(microsecond=int(deployment.endpoint_modified_at[-4:-1]) * 1000)
    stage.confirm("IN_SERVICE")
    assert status(stage) is DeploymentStatus.REQUESTED


def test_a_silent_rollback_is_recognised_and_told_although_the_status_is_in_service(stage: Stage) -> None:
    config = put_live(stage, 1)
    request(stage, 2)
    stage.sagemaker.roll_back(NAME, failure="alarm fired")
    stage.confirm("IN_SERVICE")

    assert status(stage) is DeploymentStatus.ROLLED_BACK
    live = stage.ledger.live()
    assert live is not None
    assert (live.version, live.endpoint_config) == (1, config)
    assert stage.notifications()[-1] == "Version 2 was rolled back"
    assert "alarm fired" in stage.gate.made("Publish")[-1]["Message"]


def test_an_endpoint_that_could_not_be_created_is_a_failed_deployment(stage: Stage) -> None:
    request(stage, 1)
    stage.sagemaker.fail(NAME, failure="the container does not answer /ping")
    stage.confirm("FAILED")

    assert status(stage) is DeploymentStatus.FAILED
    assert stage.ledger.live() is None
    assert "/ping" in stage.gate.made("Publish")[-1]["Message"]


def test_duplicate_events_confirm_and_tell_once(stage: Stage) -> None:
    put_live(stage, 1)
    before = stage.ledger.live()
    stage.clock.advance(minutes=1)
    stage.confirm()
    stage.confirm()
    assert stage.ledger.live() == before
    assert stage.notifications() == ["Version 1 is live"]


def test_a_change_by_hand_is_noticed_and_told_once(stage: Stage) -> None:
    first = put_live(stage, 1)
    put_live(stage, 2)
    stage.sagemaker.update_endpoint({"EndpointName": NAME, "EndpointConfigName": first})
    stage.sagemaker.finish(NAME)
    stage.confirm()
    stage.confirm()

    live = stage.ledger.live()
    assert live is not None
    assert live.version == 2
    assert stage.notifications()[2:] == ["The endpoint was changed by hand"]
    (decision,) = stage.items("DECISION")
    assert first in decision["reason"]


def test_a_deleted_endpoint_is_noticed(stage: Stage) -> None:
    put_live(stage, 1)
    del stage.sagemaker.endpoints[NAME]
    stage.confirm("DELETING")
    assert stage.notifications()[-1] == "The endpoint was changed by hand"


def test_an_outcome_that_the_ledger_did_not_take_is_told_and_recorded_with_the_next_delivery(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB may cancel a transaction only because another one touches the same item at that moment."""
    request(stage, 1)
    stage.sagemaker.finish(NAME)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "commit", _refuse)
        assert has_failed(stage.confirm())
    assert status(stage) is DeploymentStatus.REQUESTED

    assert not has_failed(stage.confirm())
    assert status(stage) is DeploymentStatus.LIVE


def _refuse(*_: object) -> None:
    raise ConflictError("another transaction is under way")


def test_an_event_before_any_deployment_is_ignored(stage: Stage) -> None:
    stage.confirm()
    assert stage.notifications() == []


def test_an_event_of_another_endpoint_fails_loudly(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENDPOINT_NAME", "other")
    assert has_failed(stage.confirm())


def test_a_crash_at_any_call_of_a_confirmation_converges(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        put_live(stage, 1)
        request(stage, 2)
        stage.sagemaker.finish(NAME)
        return stage.confirm

    for stage, where in at_every_call(new_stage, prepare):
        live = stage.ledger.live()
        assert live is not None
        assert live.version == 2, where
        assert status(stage) is DeploymentStatus.LIVE, where
        assert 1 <= stage.notifications().count("Version 2 is live") <= 2, where
