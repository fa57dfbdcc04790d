"""`ops report`: which report is downloaded, where it lies, and whether a browser opens."""

import webbrowser
from pathlib import Path

import pytest

from lambdas.shared.records import RunStatus
from ops.errors import ExitCode
from tests.unit.ops.support.desk import Desk

RUN, LATER = "20260301T100000Z-00000001", "20260302T100000Z-00000002"


@pytest.fixture(name="opened")
def _opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the browser was told to open; there is a screen."""
    seen: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: not seen.append(address))
    monkeypatch.setenv("DISPLAY", ":0")
    return seen


def judged(desk: Desk, run_id: str = RUN, text: str = "<html>judged") -> int:
    """A version with its evaluation report."""
    version = desk.register(run_id=run_id)
    uri = desk.artifact(f"runs/{run_id}/evaluate/evaluation.html", text)
    desk.put_run(desk.run(run_id, version=version, report_uri=uri))
    return version


def test_the_evaluation_of_the_live_version_is_opened(desk: Desk, opened: list[str]) -> None:
    desk.deploy(judged(desk))
    judged(desk, LATER, "<html>not live")

    answer = desk.answer("report")

    assert answer["opened"] is True
    assert (answer["kind"], answer["version"], answer["run_id"]) == ("evaluation", 1, RUN)
    path = Path(answer["path"])
    assert path.read_text() == "<html>judged"
    assert path.name == f"{desk.name}-evaluation-v1.html"
    assert opened == [path.as_uri()]


def test_a_named_version_goes_to_a_named_file_and_nothing_is_opened(
    desk: Desk, opened: list[str], tmp_path: Path
) -> None:
    judged(desk)
    path = tmp_path / "mine.html"

    result = desk.ask("report", "evaluation", "1", "--to", str(path), "--no-open")

    assert result.exit_code == ExitCode.OK, result.output
    assert path.read_text() == "<html>judged"
    assert result.stdout == f"evaluation report of version 1: {path}\n"
    assert opened == []


@pytest.mark.usefixtures("opened")
def test_the_browser_is_named_when_it_took_the_report(desk: Desk) -> None:
    judged(desk)

    assert "evaluation report of version 1, opened in the browser: /" in desk.ask("report", "evaluation", "1").stdout


def test_without_a_screen_it_is_only_downloaded(desk: Desk, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    judged(desk)

    answer = desk.answer("report", "evaluation", "1")

    assert Path(answer["path"]).exists()
    assert (answer["opened"], opened) == (False, [])


@pytest.mark.usefixtures("opened")
def test_without_a_ledger_entry_the_report_is_found_where_the_run_left_it(desk: Desk) -> None:
    desk.register(run_id=RUN)
    desk.artifact(f"runs/{RUN}/evaluate/evaluation.html", "<html>old")

    assert Path(desk.answer("report", "evaluation", "1")["path"]).read_text() == "<html>old"


def test_with_nothing_live_a_version_has_to_be_named(desk: Desk) -> None:
    result = desk.ask("report")

    assert result.exit_code == ExitCode.NOTHING_LIVE
    assert f"nothing is live in {desk.name}: name a version" in result.stderr


def test_a_version_without_a_run_is_named(desk: Desk) -> None:
    desk.register()

    result = desk.ask("report", "evaluation", "1")

    assert result.exit_code == ExitCode.ERROR
    assert "version 1 carries no record of its run" in result.stderr


def test_a_report_that_is_gone_is_named_with_its_address(desk: Desk) -> None:
    desk.register(run_id=RUN)

    result = desk.ask("report", "evaluation", "1")

    assert result.exit_code == ExitCode.ERROR
    assert "the evaluation report of version 1 does not exist any more: s3://" in result.stderr
    assert f"runs/{RUN}/evaluate/evaluation.html" in result.stderr


@pytest.mark.usefixtures("opened")
def test_the_newest_drift_report_is_opened(desk: Desk) -> None:
    uri = desk.artifact(f"monitoring/{desk.name}/latest.html", "<html>drift")

    answer = desk.answer("report", "drift")

    assert (answer["report_uri"], answer["opened"], answer["version"]) == (uri, True, None)
    assert Path(answer["path"]).read_text() == "<html>drift"


def test_before_the_first_judgement_there_is_no_drift_report(desk: Desk) -> None:
    result = desk.ask("report", "drift")

    assert result.exit_code == ExitCode.ERROR
    assert "`python -m ops drift` says when there will be one" in result.stderr


def test_drift_of_a_version_is_a_misunderstanding(desk: Desk) -> None:
    result = desk.ask("report", "drift", "1")

    assert result.exit_code == ExitCode.USAGE
    assert "a drift report is about a window of traffic, not about version 1" in result.stderr


@pytest.mark.usefixtures("opened")
def test_the_newest_validation_is_that_of_the_newest_run_that_has_one(desk: Desk) -> None:
    desk.put_run(desk.run(RUN, status=RunStatus.PROMOTED))
    desk.put_run(desk.run(LATER, status=RunStatus.REJECTED_DATA))
    desk.put_run(desk.run("20260303T100000Z-00000003", status=RunStatus.FAILED))
    for run_id in (RUN, LATER):
        desk.artifact(f"runs/{run_id}/validate/validation.json", f'{{"run": "{run_id}"}}')

    answer = desk.answer("report", "validation")

    assert answer["run_id"] == LATER
    assert Path(answer["path"]).read_text() == f'{{"run": "{LATER}"}}'
    assert Path(answer["path"]).name == f"{desk.name}-validation-{LATER}.json"


def test_the_validation_of_a_version_is_that_of_its_run(desk: Desk) -> None:
    desk.register(run_id=RUN)
    missing = desk.ask("report", "validation", "1", "--no-open")
    desk.artifact(f"runs/{RUN}/validate/validation.json", "{}")

    assert missing.exit_code == ExitCode.ERROR
    assert "the validation report of version 1 does not exist any more" in missing.stderr
    assert desk.answer("report", "validation", "1", "--no-open")["run_id"] == RUN


def test_before_the_first_run_there_is_no_validation(desk: Desk) -> None:
    result = desk.ask("report", "validation")

    assert result.exit_code == ExitCode.ERROR
    assert f"no run of {desk.name} has left a validation report yet" in result.stderr


def test_a_file_that_cannot_be_written_is_named(desk: Desk, tmp_path: Path) -> None:
    judged(desk)
    path = tmp_path / "missing" / "report.html"

    result = desk.ask("report", "evaluation", "1", "--to", str(path))

    assert result.exit_code == ExitCode.ERROR
    assert f"{path} cannot be written" in result.stderr


def test_a_kind_that_does_not_exist_is_refused_with_those_that_do(desk: Desk) -> None:
    result = desk.ask("report", "bias")

    assert result.exit_code == ExitCode.USAGE
    assert all(kind in result.stderr for kind in ("evaluation", "drift", "validation"))
