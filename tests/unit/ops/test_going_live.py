"""`ops retrain --wait --until-live`: a promoted version is followed until it serves, or until it is known not to."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lambdas.shared import ledger as ledger_writes
from lambdas.shared.records import Decision, DeploymentStatus, Run, RunStatus
from ops import going_live
from ops.errors import ExitCode
from ops.going_live import Ending, Landing
from tests.unit.ops.support.desk import START, Desk

pytestmark = pytest.mark.usefixtures("maria")

WAIT = ("retrain", "--reason", "x", "--wait", "--until-live")
NEW = "20260301T110000Z-00000001"


def train(desk: Desk, *, approval: str = "Approved", status: RunStatus = RunStatus.PROMOTED) -> int | None:
    """What StartTraining, the pipeline and CloseTraining make of a request; return the version."""
    desk.await_message(desk.stage.retrain_queue_url)
    version = desk.register(approval) if status is RunStatus.PROMOTED else None
    desk.put_run(run_of(desk, version, approval=approval, status=status))
    return version


def run_of(desk: Desk, version: int | None, *, approval: str, status: RunStatus = RunStatus.PROMOTED) -> Run:
    promoted = {"version": version, "package_arn": desk.arn(version)} if version is not None else {}
    parameters = {"ApprovalStatus": approval}
    more: dict[str, Any] = {"gate_reason": "20% better", "parameters": parameters, **promoted}
    ended = START + timedelta(hours=1)
    return desk.run(NEW, status=status, reason="maria: x", trigger="maria", ended_at=ended, **more)


def refuse(desk: Desk, version: int, outcome: str, reason: str) -> None:
    """What DeployModel writes about a version that it does not deploy."""
    decision = Decision(
        at=START,
        identity=f"deploy-model-{version}-{outcome}",
        handler="deploy-model",
        outcome=outcome,
        reason=reason,
        subject=desk.arn(version),
    )
    desk.ledger.commit(ledger_writes.put_decision(decision))


def test_a_version_that_serves_is_told_with_the_verdict(desk: Desk) -> None:
    def go_on() -> None:
        version = train(desk)
        assert version is not None
        desk.deploy(version)

    with desk.handlers(go_on):
        result = desk.ask(*WAIT)

    assert result.exit_code == ExitCode.OK, result.output
    assert "promoted: version 1 is live: 20% better" in result.stdout


@pytest.mark.parametrize("status", [DeploymentStatus.ROLLED_BACK, DeploymentStatus.FAILED])
def test_a_deployment_that_does_not_become_live_has_an_exit_code_of_its_own(
    desk: Desk, status: DeploymentStatus
) -> None:
    desk.lived("Approved")

    def go_on() -> None:
        version = train(desk)
        assert version is not None
        desk.request(version)
        desk.settle(status, detail="alarm rollback-errors")

    with desk.handlers(go_on):
        result = desk.ask(*WAIT)

    assert result.exit_code == ExitCode.NOT_LIVE, result.output
    ended = status.value.replace("_", " ")
    assert (
        f"version 2 was promoted and did not become live: {ended} (alarm rollback-errors); version 1 is live"
        in result.stdout
    )


@pytest.mark.parametrize("outcome", ["incompatible", "superseded"])
def test_a_version_that_is_not_deployed_ends_the_waiting_with_the_reason_on_record(desk: Desk, outcome: str) -> None:
    def go_on() -> None:
        version = train(desk)
        assert version is not None
        refuse(desk, version + 1, "incompatible", "another version")
        refuse(desk, version, outcome, "input 'gate': the application sends it and the model does not know it")

    with desk.handlers(go_on):
        result = desk.ask(*WAIT)

    assert result.exit_code == ExitCode.NOT_LIVE, result.output
    assert f"did not become live: {outcome.replace('_', ' ')} (input 'gate'" in result.stdout
    assert "nothing is live" in result.stdout


def test_a_refusal_that_is_about_a_repeated_event_does_not_end_the_deployment(desk: Desk) -> None:
    version = desk.register()
    desk.request(version)
    refuse(desk, version, "tried_before", "a late event")
    under_way = threading.Event()

    def hear(text: str) -> None:
        if "is being deployed" in text:
            under_way.set()

    def settle() -> None:
        assert under_way.wait(10)
        desk.settle()

    with desk.handlers(settle):
        landing = follow(desk, run_of(desk, version, approval="Approved"), told=hear)

    assert landing.ending is Ending.LIVE


def test_a_version_that_is_rejected_or_deleted_before_its_deployment_is_not_waited_for(desk: Desk) -> None:
    rejected = follow(desk, run_of(desk, desk.register("Rejected"), approval="Approved"))
    deleted = desk.register()
    desk.client("sagemaker").delete_model_package(ModelPackageName=desk.arn(deleted))

    assert (rejected.ending, rejected.outcome) == (Ending.NOT_LIVE, "rejected")
    assert follow(desk, run_of(desk, deleted, approval="Approved")).outcome == "deleted"


@pytest.mark.parametrize("taken_up", ["never", "requested"])
def test_a_deployment_that_nobody_ends_is_an_error_after_the_limit(desk: Desk, taken_up: str) -> None:
    def go_on() -> None:
        version = train(desk)
        assert version is not None
        if taken_up == "requested":
            desk.request(version)

    with desk.handlers(go_on):
        result = desk.ask(*WAIT, "--live-within", "0.02")

    assert result.exit_code == ExitCode.NOT_LIVE, result.output
    assert "did not become live: not within the limit" in result.stdout
    assert "nothing else is known after 0.02 minutes" in result.stdout


def test_a_kept_champion_is_a_success_without_a_deployment(desk: Desk) -> None:
    with desk.handlers(lambda: train(desk, status=RunStatus.KEPT_CHAMPION)):
        answer = desk.ask(*WAIT, "--json")

    assert answer.exit_code == ExitCode.OK
    told = json.loads(answer.stdout)
    assert (told["outcome"], told["deployment"]) == ("kept_champion", None)


def test_a_version_that_waits_for_a_person_is_told_and_no_failure(desk: Desk) -> None:
    with desk.handlers(lambda: train(desk, approval="PendingManualApproval")):
        result = desk.ask(*WAIT)

    assert result.exit_code == ExitCode.OK, result.output
    assert "version 1 waits for approval: `python -m ops approve 1`; whether it can serve is not known" in result.stdout


def test_a_person_can_be_waited_for_and_the_limit_begins_with_the_approval(desk: Desk) -> None:
    waits = threading.Event()

    def hear(text: str) -> None:
        if "waits for approval" in text:
            waits.set()

    def approve() -> None:
        assert waits.wait(10)
        desk.decide(version, "Approved")

    version = desk.register("PendingManualApproval")
    with desk.handlers(approve):
        landing = follow(
            desk, run_of(desk, version, approval="PendingManualApproval"), through_approval=True, minutes=0, told=hear
        )

    assert (landing.ending, landing.outcome) == (Ending.NOT_LIVE, "not_within_the_limit")


def test_machines_get_what_became_of_the_deployment(desk: Desk) -> None:
    def go_on() -> None:
        version = train(desk)
        assert version is not None
        desk.deploy(version, DeploymentStatus.ROLLED_BACK)

    with desk.handlers(go_on):
        result = desk.ask(*WAIT, "--json")

    assert json.loads(result.stdout)["deployment"] == {
        "ending": "not_live",
        "outcome": "rolled_back",
        "detail": None,
        "endpoint_config": desk.config(1),
    }


@pytest.mark.parametrize("options", [("--until-live",), ("--wait", "--through-approval")])
def test_options_that_say_nothing_alone_are_refused_before_anything_is_asked(
    desk: Desk, options: tuple[str, ...]
) -> None:
    assert desk.ask("retrain", "--reason", "x", *options).exit_code == ExitCode.USAGE
    assert desk.messages(desk.stage.retrain_queue_url) == []


def follow(
    desk: Desk,
    run: Run,
    *,
    minutes: float = 1,
    through_approval: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Landing:
    return going_live.follow(desk.stage, run, within_minutes=minutes, through_approval=through_approval, told=told)
