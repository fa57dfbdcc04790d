"""What all commands share."""

import getpass

import pytest
import typer
from botocore.exceptions import NoCredentialsError

from ops.caller import caller
from ops.commands.common import answering
from ops.errors import ExitCode, NothingLiveError, OpsError, UsageError
from tests.unit.ops.support.workshop import Workshop


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OpsError("why"), ExitCode.ERROR),
        (UsageError("why"), ExitCode.USAGE),
        (NothingLiveError("why"), ExitCode.NOTHING_LIVE),
        (NoCredentialsError(), ExitCode.ERROR),
    ],
)
def test_a_failure_is_one_line_on_stderr_and_its_exit_code(
    error: Exception, code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, answering():
        raise error

    assert ended.value.exit_code == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_names_in_brackets_are_part_of_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), answering():
        raise OpsError("raise [retraining] max_runs_per_day")

    assert "error: raise [retraining] max_runs_per_day" in capsys.readouterr().err


def test_a_user_without_a_name_is_the_operator(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found: 1234")

    monkeypatch.setattr(getpass, "getuser", nameless)

    assert caller(workshop.stage.target) == "operator"
