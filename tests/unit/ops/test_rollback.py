"""`ops rollback`: which version takes the place of the live one, and what is said about it."""

import json
import threading

import pytest

from lambdas.deploy_model.events import DeploymentMessage, DeploymentRequested
from lambdas.shared import ledger as ledger_writes
from lambdas.shared.events import parse_body
from lambdas.shared.records import ApplicationContract, DeploymentStatus
from ops import deployments, rollback
from ops.commands import common
from ops.errors import ExitCode
from ops.stage import PROJECTS
from tests.unit.ops.support.desk import CANARY, START, Desk

APPROVED, REJECTED = "Approved", "Rejected"


def take_up(desk: Desk, status: DeploymentStatus = DeploymentStatus.LIVE, detail: str | None = None) -> None:
    """What the handlers make of a request in the deployment queue."""
    _, body = desk.await_message(desk.stage.deployment_queue_url)
    message = parse_body(body, DeploymentMessage).root
    assert isinstance(message, DeploymentRequested)
    desk.request(
        int(message.detail.package_arn.rpartition("/")[2]),
        by=message.detail.requested_by,
        reason=message.detail.reason,
    )
    desk.wait_for(lambda: deployments.under_way(desk.stage))
    desk.settle(status, detail)


def test_the_version_that_was_live_before_serves_again_and_the_seconds_are_told(desk: Desk, maria: str) -> None:
    desk.lived(APPROVED, APPROVED, APPROVED)

    with desk.handlers(lambda: take_up(desk)):
        result = desk.ask("rollback", "--yes", "--reason", "wrong  answers")

    assert result.exit_code == ExitCode.OK, result.output
    assert result.stdout.startswith("version 2 is live, ")
    assert result.stdout.strip().endswith(" s after it was asked for")
    live = desk.ledger.live()
    assert live is not None
    assert (live.version, live.by) == (2, maria)
    assert desk.ledger.deployments_of(2)[0].reason == "wrong answers"


def test_machines_get_both_versions_the_outcome_and_the_seconds(desk: Desk, maria: str) -> None:
    desk.lived(APPROVED, APPROVED)

    with desk.handlers(lambda: take_up(desk)):
        answer = desk.answer("rollback", "--yes")

    assert answer["seconds"] >= 0
    assert {name: answer[name] for name in ("from_version", "version", "outcome", "requested_by", "reason")} == {
        "from_version": 2,
        "version": 1,
        "outcome": "live",
        "requested_by": maria,
        "reason": "rolled back from version 2 to version 1",
    }
    assert (answer["package_arn"], answer["rollout"]) == (desk.arn(1), CANARY)


def test_the_progress_is_told_beside_the_answer(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)

    def slowly() -> None:
        desk.await_message(desk.stage.deployment_queue_url)
        desk.request(1)
        assert seen.wait(10)
        desk.settle()

    seen = threading.Event()
    told: list[str] = []

    def hear(text: str) -> None:
        told.append(text)
        if "is being deployed" in text:
            seen.set()

    with desk.handlers(slowly):
        planned = rollback.plan(desk.stage, to=None)
        rollback.carry_out(desk.stage, planned, by="maria", reason=None, wait=True, told=hear)

    assert told == [
        "version 1 was asked for; the endpoint is absent",
        f"version 1 is being deployed: {CANARY}; the endpoint is absent",
    ]


def test_versions_that_may_not_serve_any_more_are_passed_over(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED, REJECTED, APPROVED)
    desk.client("sagemaker").delete_model_package(ModelPackageName=desk.arn(2))

    assert desk.answer("rollback", "--yes", "--no-wait")["version"] == 1


def test_a_version_that_was_rolled_back_is_no_place_to_return_to(desk: Desk) -> None:
    desk.lived(APPROVED)
    desk.register()
    desk.deploy(2, DeploymentStatus.ROLLED_BACK)
    desk.register()
    desk.deploy(3)

    assert desk.answer("rollback", "--yes", "--no-wait")["version"] == 1


def test_versions_that_the_delivered_application_cannot_work_with_are_passed_over(desk: Desk) -> None:
    spoken = (PROJECTS / "flights" / "contract.json").read_text()
    for contract in (spoken, None, spoken):
        desk.deploy(desk.register(contract=contract))
    application = ApplicationContract(contract=spoken, commit="abc", deployed_at=START, by="maria")
    desk.ledger.commit(ledger_writes.put_application(application))

    assert desk.answer("rollback", "--yes", "--no-wait")["version"] == 1
    named = desk.ask("rollback", "--to", "2", "--yes")
    assert named.exit_code == ExitCode.ERROR
    assert "it is nothing that the delivered application can work with (version 2 was registered by an" in named.stderr
    assert "docs/contract.md" in named.stderr


def test_going_back_twice_returns_to_where_it_began(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)
    for expected in (1, 2):
        with desk.handlers(lambda: take_up(desk)):
            assert desk.answer("rollback", "--yes")["version"] == expected


def test_an_approved_version_that_never_served_can_be_named(desk: Desk) -> None:
    desk.lived(APPROVED)
    desk.register()

    with desk.handlers(lambda: take_up(desk)):
        result = desk.ask("rollback", "--to", "2", "--yes")

    assert result.exit_code == ExitCode.OK, result.output
    assert "version 2 is live" in result.stdout


@pytest.mark.parametrize("status", [DeploymentStatus.ROLLED_BACK, DeploymentStatus.FAILED, DeploymentStatus.REJECTED])
def test_a_deployment_that_did_not_become_live_has_an_exit_code_of_its_own(
    desk: Desk, status: DeploymentStatus
) -> None:
    desk.lived(APPROVED, APPROVED)

    with desk.handlers(lambda: take_up(desk, status, "alarm [errors] went on")):
        result = desk.ask("rollback", "--yes")

    assert result.exit_code == ExitCode.NOT_LIVE
    assert result.stdout.startswith("version 1 did not become live: after ")
    assert f"it is {status.value.replace('_', ' ')} (alarm [errors] went on); version 2 is live" in result.stdout


def test_an_older_deployment_of_the_same_version_is_not_taken_for_this_one(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)

    with desk.handlers(lambda: take_up(desk, DeploymentStatus.FAILED, "no capacity")):
        result = desk.ask("rollback", "--to", "1", "--yes")

    assert result.exit_code == ExitCode.NOT_LIVE, "version 1 was live once, but not this time"


def test_without_waiting_the_message_is_sent_and_nothing_else_happens(desk: Desk, maria: str) -> None:
    desk.lived(APPROVED, APPROVED)

    result = desk.ask("rollback", "--yes", "--no-wait")

    assert result.exit_code == ExitCode.OK
    assert "version 1 was asked for; `python -m ops status` tells" in result.stdout
    ((_, body),) = desk.messages(desk.stage.deployment_queue_url)
    assert json.loads(body) == {
        "source": "tandem",
        "detail-type": "Deployment Requested",
        "detail": {
            "package_arn": desk.arn(1),
            "reason": "rolled back from version 2 to version 1",
            "requested_by": maria,
        },
    }


def test_it_asks_first_and_a_no_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.lived(APPROVED, APPROVED)
    monkeypatch.setattr(common, "has_terminal", lambda: True)

    result = desk.ask("rollback", typed="n\n")

    assert result.exit_code == ExitCode.ERROR
    assert "Version 2 is live since 2026-03-01 10:02 UTC. Deploy version 1, which was live before?" in result.stderr
    assert "nothing was changed" in result.stderr
    assert desk.messages(desk.stage.deployment_queue_url) == []


def test_it_asks_first_and_a_yes_does_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.lived(APPROVED, APPROVED)
    desk.register()
    monkeypatch.setattr(common, "has_terminal", lambda: True)

    result = desk.ask("rollback", "--to", "3", "--no-wait", "--json", typed="y\n")

    assert result.exit_code == ExitCode.OK
    assert "Deploy version 3, which has never been live and goes out like any new version?" in result.stderr
    echoed, _, answer = result.stdout.partition("\n")
    assert echoed == " y", "the question does not stand in the answer"
    assert json.loads(answer)["version"] == 3
    assert len(desk.messages(desk.stage.deployment_queue_url)) == 1


def test_without_a_terminal_it_does_nothing_unless_told_yes(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)

    result = desk.ask("rollback")

    assert result.exit_code == ExitCode.USAGE
    assert "There is no terminal to ask on: pass --yes" in result.stderr
    assert desk.messages(desk.stage.deployment_queue_url) == []


def test_with_nothing_live_there_is_nothing_to_go_back_from(desk: Desk) -> None:
    result = desk.ask("rollback", "--yes")

    assert result.exit_code == ExitCode.NOTHING_LIVE
    assert f"nothing is live in {desk.name}" in result.stderr
    assert "`python -m ops status` says what is missing" in result.stderr


def test_after_a_first_deployment_that_failed_the_version_can_be_asked_for_again(desk: Desk) -> None:
    desk.register()
    desk.deploy(1, DeploymentStatus.FAILED)

    with desk.handlers(lambda: take_up(desk)):
        answer = desk.answer("rollback", "--to", "1", "--yes")

    assert (answer["from_version"], answer["outcome"]) == (None, "live")
    assert answer["reason"] == "rolled back from nothing to version 1"


def test_the_first_version_has_none_before_it(desk: Desk) -> None:
    desk.lived(APPROVED)

    result = desk.ask("rollback", "--yes")

    assert result.exit_code == ExitCode.ERROR
    assert "nothing to go back to from version 1, no other version was ever live" in result.stderr
    assert "python -m ops rollback --to VERSION" in result.stderr


def test_when_no_earlier_version_may_serve_each_is_named_with_the_reason(desk: Desk) -> None:
    desk.lived(REJECTED, APPROVED, APPROVED)
    desk.client("sagemaker").delete_model_package(ModelPackageName=desk.arn(2))

    result = desk.ask("rollback", "--yes")

    assert result.exit_code == ExitCode.ERROR
    assert "version 2 is not in the registry any more; version 1 is Rejected" in result.stderr
    assert "python -m ops approve VERSION" in result.stderr


def test_a_version_that_does_not_exist_is_refused(desk: Desk) -> None:
    desk.lived(APPROVED)

    result = desk.ask("rollback", "--to", "9", "--yes")

    assert result.exit_code == ExitCode.ERROR
    assert f"{desk.name} has no version 9" in result.stderr


@pytest.mark.parametrize("approval", [REJECTED, "PendingManualApproval"])
def test_a_version_that_is_not_approved_is_refused_with_the_fix(desk: Desk, approval: str) -> None:
    desk.lived(APPROVED)
    desk.register(approval)

    result = desk.ask("rollback", "--to", "2", "--yes")

    assert result.exit_code == ExitCode.ERROR
    assert f"version 2 cannot be deployed, it is {approval}: `python -m ops approve 2` approves it" in result.stderr
    assert desk.messages(desk.stage.deployment_queue_url) == []


def test_the_version_that_serves_already_is_refused(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)
    desk.serve(desk.config(2))

    result = desk.ask("rollback", "--to", "2", "--yes")

    assert result.exit_code == ExitCode.ERROR
    assert "version 2 is live already, and the endpoint serves it" in result.stderr


def test_the_live_version_can_be_restored_when_somebody_changed_the_endpoint(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.lived(APPROVED, APPROVED)
    desk.serve(f"{desk.name}-by-hand")
    monkeypatch.setattr(common, "has_terminal", lambda: True)

    result = desk.ask("rollback", "--to", "2", "--no-wait", typed="y\n")

    assert result.exit_code == ExitCode.OK, result.output
    assert "The endpoint serves something else than version 2. Deploy version 2?" in result.stderr


def test_while_a_deployment_is_under_way_the_version_has_to_be_named(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)
    desk.register()
    desk.request(3)

    unnamed, same = desk.ask("rollback", "--yes"), desk.ask("rollback", "--to", "3", "--yes")
    named = desk.ask("rollback", "--to", "1", "--yes", "--no-wait")

    assert unnamed.exit_code == same.exit_code == ExitCode.ERROR
    assert "version 3 is being deployed, and until its outcome is known" in unnamed.stderr
    assert "--to 2" in unnamed.stderr
    assert "version 3 is being deployed already" in same.stderr
    assert named.exit_code == ExitCode.OK
    assert len(desk.messages(desk.stage.deployment_queue_url)) == 1


def test_a_request_that_nobody_takes_up_ends_with_where_to_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.lived(APPROVED, APPROVED)
    monkeypatch.setattr(deployments, "_PATIENCE_SECONDS", 0)

    result = desk.ask("rollback", "--yes")

    assert result.exit_code == ExitCode.ERROR
    assert "nothing took up the request for version 1 within" in result.stderr
    assert "dead-letter queue" in result.stderr


def test_interrupted_it_says_that_the_request_goes_on(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)
    told: list[str] = []

    def hear(text: str) -> None:
        told.append(text)
        if len(told) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deployments.follow(desk.stage, 1, after=2, told=hear)

    assert told[1] == "the request goes on without this command; `python -m ops status` tells what became of it"


@pytest.mark.parametrize(("reason", "length"), [("  ", 0), ("x" * 1001, 1001)])
def test_a_reason_that_the_handlers_would_refuse_is_refused_at_once(desk: Desk, reason: str, length: int) -> None:
    result = desk.ask("rollback", "--yes", "--reason", reason)

    assert result.exit_code == ExitCode.USAGE
    assert f"{length} characters: a reason has 1 to 1000" in result.stderr
