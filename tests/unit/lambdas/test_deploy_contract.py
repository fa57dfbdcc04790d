"""A version that the delivered application cannot call is not deployed, whoever asks for it."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.shared import ledger as writes
from lambdas.shared.compatibility import canonical
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import ApplicationContract, DeploymentStatus
from tests.unit.lambdas.support.crashes import at_every_call
from tests.unit.lambdas.support.deployments import approve, assert_one_truth, copy_of, live, newest, reject
from tests.unit.lambdas.support.stage import NAME, Message, Stage, has_failed

NewStage = Callable[[], Stage]
REFUSED = "cannot serve the application"


def contract(**of_x: Any) -> dict[str, Any]:
    return {
        "name": "flights",
        "version": "1",
        "inputs": [{"name": "x", "type": "number", "unit": "miles", **of_x}],
        "output": {"name": "y", "type": "number", "unit": "minutes"},
    }


WIDE, NARROW = contract(), contract(minimum=0)


def deliver(stage: Stage, document: dict[str, Any] = WIDE) -> ApplicationContract:
    """The application is delivered."""
    before = stage.ledger.application()
    application = ApplicationContract(
        contract=canonical(document),
        commit="0123abc",
        deployed_at=stage.clock.now(),
        by="delivery",
        revision=before.revision + 1 if before else 1,
    )
    stage.ledger.commit(writes.put_application(application))
    return application


def register(stage: Stage, version: int, document: dict[str, Any] | None, *, approval: str = "Approved") -> Message:
    """Register a version, with its contract beside its evaluation or without one; return its event."""
    folder = f"runs/{stage.table}-{version}/evaluate"
    metadata = {"run_id": f"run-of-{version}", "evaluation_uri": f"s3://{stage.artifacts}/{folder}/evaluation.json"}
    stage.sagemaker.register(NAME, version, approval=approval, metadata=metadata)
    if document is not None:
        put(stage, version, json.dumps(document))
    return stage.package_event(version)


def put(stage: Stage, version: int, content: str) -> None:
    key = f"runs/{stage.table}-{version}/evaluate/contract.json"
    stage.clients["s3"].put_object(Bucket=stage.artifacts, Key=key, Body=content.encode())


def go_live(stage: Stage, version: int, document: dict[str, Any] | None) -> None:
    stage.deploy(register(stage, version, document))
    settle(stage)
    assert live(stage).version == version


def settle(stage: Stage) -> None:
    stage.sagemaker.finish(NAME)
    stage.confirm()


def refusals(stage: Stage) -> list[dict[str, Any]]:
    return [each for each in stage.items("DECISION") if each["outcome"] == "incompatible"]


def test_without_an_application_anything_goes_and_no_contract_is_read(stage: Stage) -> None:
    go_live(stage, 1, NARROW)
    go_live(stage, 2, None)
    assert stage.gate.made("GetObject") == []


def test_a_compatible_version_is_deployed(stage: Stage) -> None:
    deliver(stage)
    go_live(stage, 1, WIDE)
    go_live(stage, 2, WIDE)
    assert len(stage.gate.made("GetObject")) == 2, "read once a deployment, and only then"
    assert refusals(stage) == []


def test_an_incompatible_version_is_refused_once_and_the_message_names_field_rule_and_way_out(stage: Stage) -> None:
    go_live(stage, 1, WIDE)
    deliver(stage)
    event = register(stage, 2, NARROW)
    stage.deploy(event)
    stage.deploy(event)
    stage.deploy(stage.package_event(2, updated=["ModelApprovalStatus"]))

    assert_one_truth(stage, 1)
    assert stage.gate.made("UpdateEndpoint") == []
    (decision,) = refusals(stage)
    assert "input 'x': the application sends any number, the model takes at least 0" in decision["reason"]
    assert "(input-range)" in decision["reason"]
    assert "commit 0123abc" in decision["reason"]
    assert stage.notifications()[1:] == [f"Version 2 {REFUSED}"]
    told = stage.gate.made("Publish")[-1]["Message"]
    assert "input 'x'" in told
    assert "python -m ops rollback --to 2" in told
    assert stage.wake_ups() == []


def test_a_version_of_an_earlier_release_is_refused_because_nobody_knows_what_it_speaks(stage: Stage) -> None:
    deliver(stage)
    stage.deploy(register(stage, 1, None))
    approve(stage, 2)  # it does not even name its evaluation

    assert stage.sagemaker.endpoints == {}
    assert [each["reason"].count("registered by an earlier release") for each in refusals(stage)] == [1, 1]


def test_an_unreadable_contract_is_refused_with_what_is_wrong(stage: Stage) -> None:
    deliver(stage)
    event = register(stage, 1, None)
    put(stage, 1, json.dumps(contract(minmum=3)))
    assert not has_failed(stage.deploy(event))
    assert "key 'minmum' is none of" in refusals(stage)[0]["reason"]


def test_once_the_application_speaks_it_a_person_gets_the_refused_version(stage: Stage) -> None:
    go_live(stage, 1, WIDE)
    deliver(stage)
    stage.deploy(register(stage, 2, NARROW))
    deliver(stage, NARROW)
    stage.deploy(stage.deployment_request(2))
    settle(stage)
    assert_one_truth(stage, 2)


def test_a_person_is_refused_too_and_hears_it_for_every_request(stage: Stage) -> None:
    go_live(stage, 1, NARROW)
    go_live(stage, 2, WIDE)
    deliver(stage)
    request = stage.deployment_request(1)
    stage.deploy(request)
    stage.deploy(request)
    stage.deploy(stage.deployment_request(1))

    assert_one_truth(stage, 2)
    assert stage.notifications().count(f"Version 1 {REFUSED}") == len(refusals(stage)) == 2


def test_an_approval_is_refused_again_after_another_delivery(stage: Stage) -> None:
    deliver(stage)
    event = register(stage, 1, NARROW)
    stage.deploy(event)
    deliver(stage, contract(maximum=9))
    stage.deploy(event)
    assert len(refusals(stage)) == 2


def test_a_rejection_passes_over_versions_that_cannot_serve_the_application(stage: Stage) -> None:
    for version, document in enumerate([WIDE, NARROW, WIDE], start=1):
        go_live(stage, version, document)
    deliver(stage)
    reject(stage, 3)
    settle(stage)
    assert_one_truth(stage, 1)


def test_a_rejection_without_any_compatible_version_is_told_once_and_leaves_the_endpoint_alone(stage: Stage) -> None:
    go_live(stage, 1, NARROW)
    go_live(stage, 2, NARROW)
    go_live(stage, 3, WIDE)
    deliver(stage)
    reject(stage, 3)
    stage.deploy(stage.package_event(3, status="Rejected"))

    assert_one_truth(stage, 3)
    (decision,) = refusals(stage)
    assert decision["reason"].startswith("version 3 was rejected and keeps answering requests, because version 2 and")
    assert stage.notifications()[-1] == f"Version 2 {REFUSED}"


def test_waiting_for_the_endpoint_reads_no_contract(stage: Stage) -> None:
    go_live(stage, 1, WIDE)
    deliver(stage)
    stage.deploy(register(stage, 2, WIDE))
    read = len(stage.gate.made("GetObject"))
    stage.deploy(register(stage, 3, NARROW))
    assert len(stage.gate.made("GetObject")) == read
    stage.sagemaker.finish(NAME)
    stage.deploy(copy_of(stage.wake_ups()[-1], stage))
    assert_one_truth(stage, 2)
    assert len(refusals(stage)) == 1


def test_a_deployment_that_never_began_ends_when_the_application_no_longer_speaks_it(stage: Stage) -> None:
    go_live(stage, 1, WIDE)
    event = register(stage, 2, NARROW)
    stage.gate.arm_operation("UpdateEndpoint")
    stage.deploy(event)
    stage.gate.disarm()
    assert newest(stage).is_open
    deliver(stage)
    stage.deploy(event)

    assert newest(stage).status is DeploymentStatus.REJECTED
    assert newest(stage).detail == "the application cannot work with the version, before the endpoint was changed"
    assert_one_truth(stage, 1)
    assert len(refusals(stage)) == 1


@pytest.mark.parametrize("first", [True, False])
def test_an_application_delivered_at_the_last_moment_is_seen(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, first: bool
) -> None:
    go_live(stage, 1, WIDE)
    reads = itertools.chain([None if first else deliver(stage)], itertools.repeat("what is on record"))
    event = register(stage, 2, WIDE)
    deliver(stage, contract(unit="kilometres"))
    read = Ledger.application
    monkeypatch.setattr(
        Ledger, "application", lambda ledger: read(ledger) if (seen := next(reads)) == "what is on record" else seen
    )
    stage.deploy(event)

    assert stage.gate.made("UpdateEndpoint") == []
    assert_one_truth(stage, 1)
    assert newest(stage).status is DeploymentStatus.REJECTED
    assert "(input-unit)" in refusals(stage)[0]["reason"]


def test_a_crash_at_any_call_of_a_refusal_converges(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        go_live(stage, 1, WIDE)
        deliver(stage)
        event = register(stage, 2, NARROW)
        return lambda: stage.deploy(event)

    for stage, where in at_every_call(new_stage, prepare):
        assert_one_truth(stage, 1, where)
        assert len(refusals(stage)) == 1, where
        assert f"Version 2 {REFUSED}" in stage.notifications(), where
        assert stage.gate.made("UpdateEndpoint") == [], where


def test_a_crash_at_any_call_of_a_compatible_update_converges(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        go_live(stage, 1, WIDE)
        deliver(stage)
        event = register(stage, 2, WIDE)
        return lambda: stage.deploy(event)

    for stage, where in at_every_call(new_stage, prepare):
        settle(stage)
        assert_one_truth(stage, 2, where)
        assert refusals(stage) == [], where


def test_a_crash_at_any_call_of_giving_up_a_deployment_converges(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        go_live(stage, 1, WIDE)
        event = register(stage, 2, NARROW)
        stage.gate.arm_operation("UpdateEndpoint")
        stage.deploy(event)
        stage.gate.disarm()
        deliver(stage)
        return lambda: stage.deploy(event)

    for stage, where in at_every_call(new_stage, prepare):
        assert newest(stage).status is DeploymentStatus.REJECTED, where
        assert_one_truth(stage, 1, where)
        assert len(refusals(stage)) == 1, where


def test_a_crash_at_any_call_of_a_rejection_beside_an_application_converges(new_stage: NewStage) -> None:
    def prepare(stage: Stage) -> Callable[[], object]:
        go_live(stage, 1, WIDE)
        go_live(stage, 2, WIDE)
        deliver(stage)
        stage.clock.advance(seconds=1)
        register(stage, 2, WIDE, approval="Rejected")
        event = stage.package_event(2, status="Rejected")
        return lambda: stage.deploy(event)

    for stage, where in at_every_call(new_stage, prepare):
        settle(stage)
        assert_one_truth(stage, 1, where)
