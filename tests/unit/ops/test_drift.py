"""`ops drift`: what the newest judgement and the alarms come to."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import judged_windows
import pytest
from typer.testing import CliRunner, Result

from lambdas.shared import ledger
from lambdas.shared.records import Alarm
from ops.__main__ import app
from ops.drift import Verdict, conclude, quality_words
from ops.errors import ExitCode, OpsError
from ops.judgement import parse
from tests.unit.ops.support.workshop import NAME, Workshop

ALARM = Alarm(
    kind="drift",
    name=f"{NAME}-drift",
    on=True,
    at=datetime(2013, 3, 20, 1, 30, tzinfo=UTC),
    reason="Threshold Crossed: [0.31] > 0.1",
)


@pytest.fixture(name="folder")
def _folder(workshop: Workshop) -> Iterator[str]:
    """Where the monitor writes; empty, and no alarm is on."""
    folder = f"monitoring/{NAME}/"
    yield folder
    for name in ("latest.json", "latest.html"):
        workshop.client("s3").delete_object(Bucket=workshop.artifacts, Key=f"{folder}{name}")
    set_alarms(workshop)


def set_alarms(workshop: Workshop, *alarms: Alarm) -> None:
    state = workshop.ledger.training().model_copy(update={"alarms": {each.kind: each for each in alarms}})
    workshop.ledger.commit(ledger.put_training(state))


def judge(workshop: Workshop, folder: str, document: dict[str, Any]) -> None:
    s3 = workshop.client("s3")
    s3.put_object(Bucket=workshop.artifacts, Key=f"{folder}latest.json", Body=json.dumps(document).encode())
    s3.put_object(Bucket=workshop.artifacts, Key=f"{folder}latest.html", Body=b"<html>the report</html>")


def ask(workshop: Workshop, *options: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["drift", *workshop.options, *options])


def read(document: dict[str, Any]) -> Any:
    return parse(json.dumps(document).encode(), uri="s3://bucket/latest.json")


@pytest.mark.usefixtures("folder")
def test_before_the_first_judgement_it_says_when_there_will_be_one(workshop: Workshop) -> None:
    result = ask(workshop)

    assert result.exit_code == ExitCode.NEVER_JUDGED
    text = " ".join(result.stdout.split())
    assert "the monitor has judged nothing yet" in text
    assert "docs/operating.md says how to run it now" in text
    assert json.loads(ask(workshop, "--json").stdout)["judgement"] is None


@pytest.mark.usefixtures("folder")
def test_without_a_judgement_there_is_no_report_to_download(workshop: Workshop, tmp_path: Path) -> None:
    result = ask(workshop, "--report", str(tmp_path / "drift.html"))

    assert result.exit_code == ExitCode.ERROR
    assert "there is no report yet" in result.stderr


def test_calm_windows_are_in_order(workshop: Workshop, folder: str) -> None:
    judge(workshop, folder, judged_windows.windows(3, calm=True)[-1])

    result = ask(workshop, "--json")

    assert result.exit_code == ExitCode.OK, result.output
    answer = json.loads(result.stdout)
    assert (answer["verdict"], answer["alarms"]) == ("in order", [])
    assert answer["judgement_uri"] == f"s3://{workshop.artifacts}/{folder}latest.json"


def test_drift_is_told_with_its_size_its_beginning_quality_estimate_and_alarms(workshop: Workshop, folder: str) -> None:
    document = judged_windows.windows(40)[-1]
    judge(workshop, folder, document)
    set_alarms(workshop, ALARM, ALARM.model_copy(update={"kind": "quality", "on": False}))

    result = ask(workshop)
    machine = ask(workshop, "--json")

    assert result.exit_code == machine.exit_code == ExitCode.BREACHED
    text = " ".join(result.stdout.split())
    worst = document["worst"]
    assert f"most of all {worst['feature']} by {worst['robust_linf']:.3f} (limit 0.1), since 2013-03-" in text
    assert f"rmse {document['quality']['value']:.4g} (95%: " in text
    assert "at training 12.3 (95%: 11.5 to 13.1): " in text
    assert "% worse than that, limit 10%" in text
    assert "an estimate without labels (mean held-out loss by predicted value" in text
    assert "alarm drift on since 2013-03-20 01:30 UTC: Threshold Crossed: [0.31] > 0.1" in text
    assert "alarm quality" not in text
    answer = json.loads(machine.stdout)
    assert answer["judgement"] == document
    assert answer["alarms"] == [
        {
            "kind": "drift",
            "name": f"{NAME}-drift",
            "since": "2013-03-20T01:30:00+00:00",
            "reason": "Threshold Crossed: [0.31] > 0.1",
        }
    ]


def test_features_are_listed_from_the_one_that_moved_most(workshop: Workshop, folder: str) -> None:
    judge(workshop, folder, judged_windows.windows(40)[-1])

    lines = ask(workshop).stdout.partition("robust L-inf")[2].splitlines()[1:]

    moved = [float(line.split()[1]) for line in lines if "not judged" not in line and line.strip()]
    assert moved == sorted(moved, reverse=True)
    assert any(line.startswith("time_hour") and "never judged" in line for line in lines)


def test_what_could_not_be_read_and_rows_that_break_the_schema_are_told(workshop: Workshop, folder: str) -> None:
    judge(workshop, folder, judged_windows.troubled()[-1])

    text = " ".join(ask(workshop).stdout.split())

    assert "18.0% of the rows break the baseline's schema" in text
    assert "unreadable 1 truncated, 2 encoding" in text
    assert "unread labels 3 json" in text


def test_the_report_for_people_is_downloaded(workshop: Workshop, folder: str, tmp_path: Path) -> None:
    judge(workshop, folder, judged_windows.windows(1, calm=True)[-1])
    path = tmp_path / "drift.html"

    assert ask(workshop, "--report", str(path)).exit_code == ExitCode.OK
    assert path.read_text() == "<html>the report</html>"
    nowhere = ask(workshop, "--report", str(tmp_path / "missing" / "drift.html"))
    assert nowhere.exit_code == ExitCode.ERROR
    assert "cannot be written" in nowhere.stderr


def test_a_judgement_of_another_release_is_named(workshop: Workshop, folder: str) -> None:
    judge(workshop, folder, judged_windows.windows(1)[-1] | {"format": 2})

    result = ask(workshop)

    assert result.exit_code == ExitCode.ERROR
    assert "latest.json is no judgement of format 1 (format: " in result.stderr


def test_an_alarm_that_is_still_on_is_told_although_the_newest_window_is_in_order() -> None:
    verdict, explanation = conclude(read(judged_windows.windows(1, calm=True)[-1]), (ALARM,))

    assert verdict is Verdict.BREACHED
    assert "alarms are on: drift" in explanation


def test_too_few_rows_are_no_drift_and_no_absence_of_it() -> None:
    document = judged_windows.windows(1, calm=True)[-1]
    few = {"judged": False, "drifted": False, "rows": 120, "why_not": "120 of 500 rows"}
    document["features"] = [feature | few for feature in document["features"]]

    verdict, explanation = conclude(read(document), ())

    assert verdict is Verdict.TOO_LITTLE
    assert explanation == "120 rows in the span are too few to speak of drift: 120 of 500 rows"


def test_a_quality_that_nobody_knows_says_why() -> None:
    document = judged_windows.windows(1)[-1]
    unknown = {"value": None, "interval": None, "drop": None, "breached": False, "reason": "12 of 500 labels"}
    document["quality"] |= unknown

    assert quality_words(read(document).quality) == "rmse is not known: 12 of 500 labels"


def test_what_is_no_judgement_at_all_is_refused() -> None:
    with pytest.raises(OpsError, match=r"s3://bucket/latest\.json is no judgement"):
        parse(b"[]", uri="s3://bucket/latest.json")
