"""`ops approve` and `ops reject`: what is decided, on whose word, and what follows from it."""

import json

import pytest

from lambdas.shared.records import DeploymentStatus
from ops.commands import common
from ops.errors import ExitCode
from tests.unit.ops.support.desk import Desk

APPROVED, REJECTED, PENDING = "Approved", "Rejected", "PendingManualApproval"


def replace_rejected(desk: Desk, version: int, by: int, status: DeploymentStatus = DeploymentStatus.LIVE) -> None:
    """What the handlers make of the rejection of a live version."""
    desk.wait_for(lambda: desk.approval(version)[0] == REJECTED)
    desk.request(by, by=f"rejection of version {version}")
    desk.settle(status)


def test_an_approval_is_on_record_with_who_and_why_and_the_deployment_starts_by_itself(desk: Desk, maria: str) -> None:
    desk.register(PENDING)

    result = desk.ask("approve", "1", "--reason", "figures\nchecked")

    assert result.exit_code == ExitCode.OK, result.output
    assert desk.approval(1) == (APPROVED, f"{maria}: figures checked")
    assert "version 1 is approved; its deployment starts by itself" in result.stdout
    assert "(maria: figures checked)" in result.stdout


@pytest.mark.usefixtures("maria")
def test_machines_get_the_same(desk: Desk) -> None:
    desk.register(PENDING)

    answer = desk.answer("approve", "1")

    assert (answer["version"], answer["approval"], answer["changed"]) == (1, APPROVED, True)
    assert answer["description"] == "maria: no reason given"
    assert answer["package_arn"] == desk.arn(1)


@pytest.mark.usefixtures("maria")
def test_what_is_approved_already_stays_as_it_is(desk: Desk) -> None:
    desk.register(PENDING)
    desk.ask("approve", "1", "--reason", "first")

    again = desk.ask("approve", "1", "--reason", "second")

    assert again.exit_code == ExitCode.OK
    assert "version 1 was approved already, nothing changed; `python -m ops rollback --to 1` deploys it" in again.stdout
    assert desk.approval(1) == (APPROVED, "maria: first")


@pytest.mark.parametrize(("settled", "words"), [(True, "it is live"), (False, "it is being deployed")])
def test_what_is_approved_and_deployed_already_says_how_far_it_is(desk: Desk, words: str, *, settled: bool) -> None:
    desk.register()
    desk.request(1)
    if settled:
        desk.settle()

    assert f"nothing changed; {words}" in desk.ask("approve", "1").stdout


def test_a_version_older_than_the_live_one_is_not_said_to_be_deployed(desk: Desk) -> None:
    desk.register(PENDING)
    desk.register()
    desk.deploy(2)

    result = desk.ask("approve", "1")

    assert result.exit_code == ExitCode.OK
    assert "it is older than the live version 2 and is not deployed by itself" in result.stdout
    assert "`python -m ops rollback --to 1` deploys it" in result.stdout


def test_a_rejected_live_version_that_is_approved_again_stays_live(desk: Desk) -> None:
    desk.lived(REJECTED)

    assert "version 1 is approved; it is live already" in desk.ask("approve", "1").stdout


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (DeploymentStatus.ROLLED_BACK, "it was deployed before and is rolled back, so it is not deployed by itself: "),
        (DeploymentStatus.FAILED, "is failed, so it is not deployed by itself, unless the settings changed since: "),
    ],
)
def test_a_version_that_was_tried_before_is_not_said_to_be_deployed(
    desk: Desk, status: DeploymentStatus, words: str
) -> None:
    desk.lived(APPROVED)
    desk.register(PENDING)
    desk.deploy(2, status)

    assert f"{words}`python -m ops rollback --to 2` deploys it" in desk.ask("approve", "2").stdout


def test_a_newer_version_that_was_live_before_is_not_said_to_be_deployed(desk: Desk) -> None:
    desk.lived(APPROVED, REJECTED)
    desk.deploy(1)

    expected = "it was live before, so it is not deployed by itself: `python -m ops rollback --to 2` deploys it"
    assert expected in desk.ask("approve", "2").stdout


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_a_version_that_does_not_exist_is_an_error(desk: Desk, command: str) -> None:
    result = desk.ask(command, "7")

    assert result.exit_code == ExitCode.ERROR
    assert "has no version 7" in result.stderr


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_a_version_has_to_be_named(desk: Desk, command: str) -> None:
    assert desk.ask(command).exit_code == ExitCode.USAGE


@pytest.mark.usefixtures("maria")
def test_a_version_that_does_not_serve_is_rejected_and_that_is_all(desk: Desk) -> None:
    desk.lived(APPROVED)
    desk.register(PENDING)

    result = desk.ask("reject", "2", "--yes", "--reason", "biased")

    assert result.exit_code == ExitCode.OK
    assert "version 2 is rejected; version 2 does not serve: it will not be deployed" in result.stdout
    assert desk.approval(2) == (REJECTED, "maria: biased")


def test_what_is_rejected_already_says_so_without_a_question(desk: Desk) -> None:
    desk.register(REJECTED)

    result = desk.ask("reject", "1")

    assert result.exit_code == ExitCode.OK
    assert "version 1 was rejected already, nothing changed" in result.stdout
    assert desk.answer("reject", "1")["changed"] is False


def test_what_is_rejected_already_and_still_serves_says_how_to_replace_it(desk: Desk) -> None:
    desk.lived(REJECTED)

    result = desk.ask("reject", "1")

    assert result.exit_code == ExitCode.OK
    assert "it still serves: `python -m ops rollback --to VERSION` replaces it" in result.stdout


def test_the_live_version_is_named_with_its_successor_before_it_is_rejected(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.lived(APPROVED, REJECTED, APPROVED)
    monkeypatch.setattr(common, "has_terminal", lambda: True)

    result = desk.ask("reject", "3", typed="n\n")

    question = f"Version 3 is live: version 1, which was live before, takes its place. Reject version 3 of {desk.name}?"
    assert question in result.stderr
    assert result.exit_code == ExitCode.ERROR
    assert desk.approval(3) == (APPROVED, None), "nothing was changed"


def test_without_a_terminal_nothing_is_rejected_unless_told_yes(desk: Desk) -> None:
    desk.lived(APPROVED)

    result = desk.ask("reject", "1")

    assert result.exit_code == ExitCode.USAGE
    assert "pass --yes" in result.stderr
    assert desk.approval(1)[0] == APPROVED


def test_a_rejected_live_version_is_replaced_and_the_command_waits_for_it(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)

    with desk.handlers(lambda: replace_rejected(desk, 2, by=1)):
        result = desk.ask("reject", "2", "--yes", "--json")

    assert result.exit_code == ExitCode.OK, result.output
    answer = json.loads(result.stdout)
    assert answer["explanation"].startswith("version 2 is rejected; version 1 is live, ")
    assert (answer["deployment"]["version"], answer["deployment"]["outcome"]) == (1, "live")
    assert answer["still_serves"] is False
    assert desk.messages(desk.stage.deployment_queue_url) == [], "the registry's event does it"


def test_when_the_successor_does_not_become_live_the_exit_code_says_so(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)

    with desk.handlers(lambda: replace_rejected(desk, 2, by=1, status=DeploymentStatus.FAILED)):
        result = desk.ask("reject", "2", "--yes")

    assert result.exit_code == ExitCode.NOT_LIVE
    assert "version 1 did not become live: " in result.stdout
    assert "version 2 is live" in result.stdout


def test_without_waiting_it_says_what_will_happen(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)

    result = desk.ask("reject", "2", "--yes", "--no-wait")

    assert result.exit_code == ExitCode.OK
    assert "version 2 is live: version 1, which was live before, takes its place" in result.stdout


def test_a_live_version_that_nothing_can_replace_goes_on_and_the_exit_code_says_so(desk: Desk) -> None:
    desk.lived(APPROVED)

    result = desk.ask("reject", "1", "--yes")

    assert result.exit_code == ExitCode.NOT_LIVE
    assert "keeps answering requests: no version that was live before may serve" in result.stdout
    assert desk.approval(1)[0] == REJECTED


def test_a_version_under_way_cannot_be_interrupted(desk: Desk) -> None:
    desk.lived(APPROVED)
    desk.register()
    desk.request(2)

    result = desk.ask("reject", "2", "--yes")

    assert result.exit_code == ExitCode.OK
    assert "version 2 is being deployed, which cannot be interrupted: when it goes live, version 1" in result.stdout


def test_the_live_version_is_not_waited_for_while_another_one_is_being_deployed(desk: Desk) -> None:
    desk.lived(APPROVED, APPROVED)
    desk.register()
    desk.request(3)

    result = desk.ask("reject", "2", "--yes")

    assert result.exit_code == ExitCode.OK
    assert "unless version 3, being deployed, replaces it, version 1, which was live before" in result.stdout
