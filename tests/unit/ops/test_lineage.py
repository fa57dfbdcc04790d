"""`ops lineage` and `ops history`."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from lambdas.shared import ledger
from lambdas.shared.records import Decision, Run, RunStatus
from ops.__main__ import app
from ops.errors import ExitCode
from tests.unit.ops.support.workshop import IMAGE, Workshop

RUN = "20260301T100000Z-00000000"


@pytest.fixture(scope="module")
def version(workshop: Workshop) -> int:
    """A version that serves."""
    snapshot = workshop.freeze(
        workshop.store("data/period=2026-01/a.parquet", "january"), workshop.store("data/period=2026-02/b.parquet", "x")
    )
    number = workshop.train(snapshot, run_id=RUN)
    workshop.go_live(number, run_id=RUN)
    return number


def test_lineage_answers_which_data_code_parameters_image_run_and_why(workshop: Workshop, version: int) -> None:
    result = CliRunner().invoke(app, ["lineage", str(version), *workshop.options, "--json"])

    assert result.exit_code == ExitCode.OK, result.output
    answer = json.loads(result.stdout)
    assert [(each["key"], bool(each["version_id"])) for each in answer["data"]["objects"]] == [
        ("data/period=2026-01/a.parquet", True),
        ("data/period=2026-02/b.parquet", True),
    ]
    assert answer["data"]["bytes"] == 8
    assert answer["code"]["code_version"] == "0123abc"
    assert answer["code"]["libraries"] == {"numpy": "2.1.3"}
    assert answer["parameters"] == {"seed": "7", "hyperparameters": {"rounds": "300"}}
    assert answer["image"]["uri"] == IMAGE
    assert answer["image"]["digest"].startswith("sha256:")
    assert answer["run"]["run_id"] == RUN
    assert answer["reason"] == "new data: data/period=2026-02/a.parquet"
    assert answer["decision"]["reason"] == "better than naive"
    assert answer["decision"]["naive_metrics"] == {"rmse": 99.5}
    assert answer["live"] is True
    assert [deployment["status"] for deployment in answer["deployments"]] == ["live"]


def test_lineage_is_readable_for_people_too(workshop: Workshop, version: int) -> None:
    result = CliRunner().invoke(app, ["lineage", str(version), *workshop.options])

    text = " ".join(result.stdout.split())
    assert f"version {version}" in text
    assert "data/period=2026-01/a.parquet version" in text
    assert "better than naive" in text


def test_lineage_of_a_version_that_nobody_registered_is_an_error(workshop: Workshop) -> None:
    result = CliRunner().invoke(app, ["lineage", "998", *workshop.options])

    assert result.exit_code == ExitCode.ERROR
    assert "ops history" in result.stderr


@pytest.mark.usefixtures("version")
def test_history_tells_what_happened_newest_first_with_reason_and_outcome(workshop: Workshop) -> None:
    late = datetime(2026, 4, 1, tzinfo=UTC)
    decision = Decision(
        at=late, identity="message-1", handler="start-training", outcome="nothing_new", reason="[known] snapshot"
    )
    workshop.ledger.commit(ledger.put_decision(decision))

    result = CliRunner().invoke(app, ["history", *workshop.options, "--limit", "500", "--json"])

    assert result.exit_code == ExitCode.OK, result.output
    events = json.loads(result.stdout)
    assert (events[0]["kind"], events[0]["outcome"], events[0]["reason"]) == (
        "decision",
        "nothing_new",
        "[known] snapshot",
    )
    assert [event["at"] for event in events] == sorted((event["at"] for event in events), reverse=True)
    (run,) = [event for event in events if event["name"] == RUN]
    assert (run["outcome"], run["detail"], run["figures"]) == ("promoted", "better than naive", {"rmse": 64.0})
    assert run["trigger"] == "data"
    assert "deployment" in {event["kind"] for event in events}


@pytest.mark.usefixtures("version")
def test_history_tells_which_alarm_asked_and_what_became_of_its_wish(workshop: Workshop) -> None:
    asked = datetime(2025, 4, 2, tzinfo=UTC)
    reason = "drift alarm since 2025-04-01 01:30 UTC: [0.31] was greater than the threshold (0.1)"
    snapshot = workshop.freeze(workshop.store("data/period=2026-03/c.parquet", "march"))
    by_alarm = Run(
        run_id="20250404T100000Z-00000001",
        status=RunStatus.RUNNING,
        reason=f"{reason}; new data: data/period=2026-03/c.parquet",
        trigger="drift",
        snapshot_id=snapshot.id,
        snapshot_uri=f"s3://{workshop.artifacts}/{snapshot.key}",
        started_at=asked + timedelta(days=2),
        parameters={},
    )
    decisions = [
        Decision(
            at=asked + timedelta(days=number),
            identity="message-1",
            handler="start-training",
            outcome=outcome,
            reason=reason,
            trigger=trigger,
        )
        for number, (outcome, trigger) in enumerate([("no_new_data", "drift"), ("waits_for_a_reason", "data")])
    ]
    workshop.ledger.commit(ledger.put_new_run(by_alarm), *(ledger.put_decision(each) for each in decisions))

    machine = CliRunner().invoke(app, ["history", *workshop.options, "--limit", "500", "--json"])
    people = CliRunner(env={"COLUMNS": "300"}).invoke(app, ["history", *workshop.options, "--limit", "500"])

    events = [event for event in json.loads(machine.stdout) if reason in event["reason"]]
    assert [(event["kind"], event["outcome"], event["trigger"]) for event in events] == [
        ("run", "running", "drift"),
        ("decision", "waits_for_a_reason", "data"),
        ("decision", "no_new_data", "drift"),
    ]
    lines = [" ".join(line.split()) for line in people.stdout.splitlines() if reason in line]
    assert lines == [
        f"2025-04-04 00:00:00 run running drift {reason}; new data: data/period=2026-03/c.parquet",
        f"2025-04-03 00:00:00 decision waits for a reason data {reason}",
        f"2025-04-02 00:00:00 decision no new data drift {reason}",
    ]


@pytest.mark.usefixtures("version")
def test_history_keeps_to_its_limit_and_prints_what_it_finds_as_it_is(workshop: Workshop) -> None:
    one = CliRunner().invoke(app, ["history", *workshop.options, "--limit", "1", "--json"])
    table = CliRunner().invoke(app, ["history", *workshop.options])

    assert len(json.loads(one.stdout)) == 1
    assert "promoted" in table.stdout
