"""What `ops status` concludes from the ledger's word and the endpoint's."""

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from lambdas.shared.records import LiveModel
from ops.__main__ import app
from ops.errors import ExitCode
from ops.status import Serving, Verdict, compare

PACKAGE = "arn:aws:sagemaker:us-east-1:111122223333:model-package/flights-production/3"
LIVE = LiveModel(
    version=3,
    package_arn=PACKAGE,
    endpoint_config="flights-production-v3-abcdef01",
    since=datetime(2026, 3, 1, tzinfo=UTC),
    by="pipeline",
    sequence=2,
)


def serving(*, status: str = "InService", config: str = LIVE.endpoint_config, package: str | None = PACKAGE) -> Serving:
    return Serving(status=status, endpoint_config=config, package_arn=package)


def test_a_live_version_that_the_endpoint_serves_is_verified() -> None:
    verdict, explanation = compare(LIVE, serving())

    assert verdict is Verdict.LIVE
    assert "version 3" in explanation


def test_an_endpoint_changed_by_hand_is_a_mismatch_that_names_both_configs() -> None:
    verdict, explanation = compare(LIVE, serving(config="by-hand"))

    assert verdict is Verdict.MISMATCH
    assert "by-hand" in explanation
    assert LIVE.endpoint_config in explanation


def test_a_config_of_the_right_name_with_another_model_is_a_mismatch() -> None:
    verdict, explanation = compare(LIVE, serving(package=PACKAGE.replace("/3", "/2")))

    assert verdict is Verdict.MISMATCH
    assert "/2" in explanation


def test_a_deleted_endpoint_is_a_mismatch() -> None:
    assert compare(LIVE, None)[0] is Verdict.MISMATCH


@pytest.mark.parametrize("endpoint", [None, serving(status="Creating")])
def test_nothing_is_live_before_a_deployment_was_confirmed(endpoint: Serving | None) -> None:
    assert compare(None, endpoint)[0] is Verdict.NOTHING_LIVE


def test_an_update_under_way_says_which_version_serves_meanwhile() -> None:
    verdict, explanation = compare(LIVE, serving(status="Updating"))

    assert verdict is Verdict.UPDATING
    assert "version 3 serves" in explanation


def test_asking_without_a_region_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    result = CliRunner().invoke(app, ["status"])

    assert result.exit_code == ExitCode.ERROR
    assert "--region" in result.stderr


def test_asking_a_sandbox_that_does_not_run_says_how_to_start_it(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))

    result = CliRunner().invoke(app, ["status", "--sandbox"])

    assert result.exit_code == ExitCode.ERROR
    assert "python -m sandbox up" in result.stderr
