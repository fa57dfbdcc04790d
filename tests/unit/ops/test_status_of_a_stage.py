"""`ops status` of a deployed stage: what it names beside the version, and what to do when something is missing."""

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from lambdas.shared import ledger as ledger_writes
from lambdas.shared.records import RunStatus
from ops import registry
from ops.__main__ import app
from ops.errors import ExitCode, OpsError
from tests.unit.ops.support.desk import CANARY, Desk
from tests.unit.ops.support.workshop import Workshop

RUN = "20260301T100000Z-00000001"


def text(desk: Desk) -> str:
    return " ".join(desk.ask("status").stdout.split())


def serves_as_recorded(desk: Desk, *, lived: int = 2) -> None:
    for version in range(1, lived + 1):
        desk.register(run_id=RUN)
        desk.deploy(version)
    desk.put_run(desk.run(RUN, metrics={"rmse": 9.682}))
    desk.stage_is(lived, "Live")
    desk.serve(desk.config(lived), version=lived)


def test_it_names_version_moment_author_reason_figures_data_and_commit(desk: Desk) -> None:
    serves_as_recorded(desk)

    told = text(desk)

    assert "version 2" in told
    assert "since 2026-03-01 10:02:00 UTC, by pipeline: the model package was approved" in told
    assert "hold-out rmse 9.68" in told
    assert f"data snapshot {'f' * 64}" in told
    assert "git commit 0123abc" in told
    assert "trained because new data" in told
    assert "before it version 1, what `python -m ops rollback` returns to" in told


def test_machines_get_what_is_before_it_and_nothing_to_do(desk: Desk) -> None:
    serves_as_recorded(desk)

    answer = desk.answer("status")

    assert (answer["version"], answer["previous_version"], answer["by"]) == (2, 1, "pipeline")
    assert answer["because"] == "the model package was approved"
    assert (answer["code_version"], answer["metrics"]) == ("0123abc", {"rmse": 9.682})
    assert (answer["notes"], answer["next_step"], answer["deploying"]) == ([], None, None)


def test_the_version_before_it_is_the_one_that_a_rollback_takes(desk: Desk) -> None:
    desk.lived("Approved", "Rejected", "Approved")

    assert desk.answer("status")["previous_version"] == 1
    assert desk.answer("rollback", "--yes", "--no-wait")["version"] == 1


def test_the_first_version_has_none_before_it(desk: Desk) -> None:
    serves_as_recorded(desk, lived=1)

    assert "before it nothing that may serve" in text(desk)


def test_an_endpoint_that_was_changed_by_hand_is_a_mismatch_with_the_way_back(desk: Desk) -> None:
    desk.lived("Approved")
    desk.serve("by-hand")

    result = desk.ask("status")

    assert result.exit_code == ExitCode.MISMATCH
    told = " ".join(result.stdout.split())
    assert "the endpoint serves by-hand: somebody or something else changed it" in told
    assert "to do find out who changed it; `python -m ops rollback --to 1` restores version 1" in told


def test_a_deployment_under_way_is_told_with_its_rollout(desk: Desk) -> None:
    serves_as_recorded(desk)
    desk.register()
    desk.request(3)

    assert f"deploying version 3 since 10:00:00 UTC: {CANARY}" in text(desk)
    assert desk.answer("status")["deploying"]["rollout"] == CANARY


@pytest.mark.parametrize("status", ["Retired", "RolledBack"])
def test_a_life_cycle_stage_that_disagrees_is_told(desk: Desk, status: str) -> None:
    serves_as_recorded(desk)
    desk.stage_is(2, status)

    assert (
        f"the registry's life-cycle stage of version 2 says sandbox: {status}, expected sandbox: Live; the next "
        "deployment or event of the endpoint corrects it"
    ) in text(desk)


def test_a_life_cycle_stage_that_was_never_written_is_told(desk: Desk) -> None:
    desk.lived("Approved")

    assert "version 1 says nothing, expected sandbox: Live" in text(desk)


def test_a_live_version_that_is_rejected_is_told(desk: Desk) -> None:
    serves_as_recorded(desk)
    desk.decide(2, "Rejected")

    assert desk.answer("status")["notes"] == ["version 2 is Rejected in the registry while it serves"]


def test_a_live_version_that_was_deleted_from_the_registry_is_told(desk: Desk) -> None:
    desk.lived("Approved", "Approved")
    desk.client("sagemaker").delete_model_package(ModelPackageName=desk.arn(2))

    told = text(desk)

    assert "the model package of version 2 was deleted from the registry while it serves" in told
    assert "version 1, what `python -m ops rollback` returns to" in told


def test_with_no_model_yet_it_says_where_to_drop_data(desk: Desk) -> None:
    result = desk.ask("status")

    assert result.exit_code == ExitCode.NOTHING_LIVE
    told = " ".join(result.stdout.split())
    assert "there is no endpoint: no deployment has been confirmed yet" in told
    assert f"--endpoint-url {desk.sandbox.endpoint_url} s3 cp drops/ s3://{desk.stage.data_bucket}/data/" in told
    assert "data/period=YYYY-MM/<name>.parquet" in told


def test_while_the_first_run_is_under_way_there_is_nothing_to_do(desk: Desk) -> None:
    state = desk.ledger.training().model_copy(update={"run_id": RUN})
    desk.ledger.commit(ledger_writes.put_training(state))

    assert desk.answer("status")["next_step"] is None
    assert f"in flight training run {RUN}" in text(desk)


def test_a_first_version_that_waits_for_approval_is_named_with_the_command(desk: Desk) -> None:
    desk.register("PendingManualApproval", run_id=RUN)
    desk.put_run(desk.run(RUN, version=1, package_arn=desk.arn(1)))

    assert desk.answer("status")["next_step"] == "version 1 waits for approval: `python -m ops approve 1`"


def test_a_first_run_that_failed_is_named(desk: Desk) -> None:
    desk.put_run(desk.run(RUN, status=RunStatus.FAILED))

    expected = f"the newest run, {RUN}, is failed: `python -m ops history` says what happened"
    assert desk.answer("status")["next_step"] == expected


@pytest.mark.parametrize("command", ["status", "history", "rollback", "retrain", "report"])
def test_with_nothing_deployed_every_command_says_how_to_deploy(workshop: Workshop, command: str) -> None:
    options = ["--reason", "x"] if command == "retrain" else []
    where = ["--sandbox", "--state", str(workshop.sandbox.directory.path), "--project", "absent"]

    result = CliRunner().invoke(app, [command, *options, *where])

    assert result.exit_code == ExitCode.ERROR
    assert "is not deployed" in result.stderr
    assert "`python -m sandbox deploy --project absent` deploys it" in result.stderr


def test_in_an_account_with_nothing_deployed_it_names_the_command_of_the_cdk(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_in_an_account(workshop, monkeypatch)

    result = CliRunner().invoke(app, ["status", "--project", "absent"])

    assert result.exit_code == ExitCode.ERROR
    assert '`npx cdk deploy "absent-production/**" -c project=absent -c environment=production`' in result.stderr


def test_in_an_account_the_caller_of_a_request_is_the_one_of_the_credentials(
    desk: Desk, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_in_an_account(workshop, monkeypatch)
    desk.lived("Approved", "Approved")
    arn = workshop.client("sts").get_caller_identity()["Arn"]
    where = ["--project", desk.project, "--environment", desk.environment]

    result = CliRunner().invoke(app, ["rollback", "--yes", "--no-wait", "--json", *where])

    assert result.exit_code == ExitCode.OK, result.output
    (message,) = desk.messages(desk.stage.deployment_queue_url)
    expected = arn.replace(":", "/").rpartition("/")[2]
    assert f'"requested_by": "{expected}"' in message[1]
    assert expected


def be_in_an_account(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask without --sandbox, of an AWS that is the embedded one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", workshop.sandbox.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", workshop.sandbox.region)


def test_a_registry_that_refuses_to_answer_is_an_error(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def describe_model_package(self, **_: str) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeModelPackage")

    monkeypatch.setitem(desk.stage.target.__dict__, "sagemaker", Refusing())

    with pytest.raises(OpsError, match="SageMaker refused to describe"):
        registry.look_up(desk.stage, desk.arn(1))
