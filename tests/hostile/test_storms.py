"""More events than anybody plans for: one run for ten thousand objects, and alarms that flap keep to the rules."""

import json
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from lambdas.shared.records import RunStatus
from lambdas.start_training.handler import handler
from tests.unit.lambdas.support import quick_stage
from tests.unit.lambdas.support.quick_stage import DAY, NAME, QuickStage
from tests.unit.lambdas.support.stage import Context

RULES = {"MAX_OBJECTS": "20000", "COOLDOWN_SECONDS": "0", "MAX_RUNS_PER_DAY": "100"}
OBJECTS, BATCH = 10_000, 1000
NINE = datetime(2013, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(name="variables", autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (quick_stage._VARIABLES | RULES).items():
        monkeypatch.setenv(name, value)


def created(stage: QuickStage, number: int) -> dict[str, Any]:
    """The event of an object, as Lambda hands it over."""
    request = stage.drop()
    assert request.object_version is not None
    key, version_id = request.object_version
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": "data"}, "object": {"key": f"{key}", "version-id": version_id}},
    }
    return record(event, number)


def record(event: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "messageId": f"m-{number}",
        "receiptHandle": "h",
        "body": json.dumps(event),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1362132900000"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:retrain",
        "awsRegion": "us-east-1",
    }


def deliver(records: list[dict[str, Any]]) -> None:
    for first in range(0, len(records), BATCH):
        answer = handler({"Records": records[first : first + BATCH]}, Context())  # type: ignore[arg-type]  # what is read
        assert answer == {"batchItemFailures": []}


def test_ten_thousand_objects_at_once_are_one_run_whatever_the_order_and_however_often_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = QuickStage(monkeypatch, **RULES)
    records = [created(stage, number) for number in range(OBJECTS)]
    shuffled = random.Random(1)  # noqa: S311  # an order, no secret
    shuffled.shuffle(records)
    deliver(records)
    deliver(shuffled.sample(records, 2 * BATCH))

    (run,) = stage.runs
    assert run.status is RunStatus.RUNNING
    assert not stage.state.waits, "every object is in the snapshot, so nothing waits for another run"
    assert len(json.loads(stage.manifests[f"snapshots/{run.snapshot_id}.json"])["objects"]) == OBJECTS
    assert len(run.reason) <= 800
    assert stage.told("Training started") == 1

    stage.end_run("Succeeded")
    deliver(shuffled.sample(records, BATCH))
    stage.drain()
    assert len(stage.runs) == 1


def test_what_comes_after_the_snapshot_of_a_storm_is_one_more_run_and_not_one_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = QuickStage(monkeypatch, **RULES)
    deliver([created(stage, number) for number in range(100)])
    deliver([created(stage, number) for number in range(100, 3100)])
    stage.drain()
    assert len(stage.runs) == 2
    assert stage.objects[-1].key.encode() in stage.manifests[f"snapshots/{stage.runs[-1].snapshot_id}.json"]


def test_an_alarm_that_flaps_all_day_stays_within_cooldown_and_budget_and_is_not_told_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = QuickStage(monkeypatch, COOLDOWN_SECONDS="3600", MAX_RUNS_PER_DAY="3", NEW_DATA="first")
    stage.go_live()
    ended = 0
    for minute in range(0, 24 * 60, 5):
        stage.clock.advance(minutes=5)
        stage.deliver(stage.drop(), stage.alarm("drift", NINE + timedelta(minutes=minute), on=(minute // 5) % 2 == 0))
        if stage.state.run_id is not None:
            stage.end_run("Succeeded")
            ended += 1
        stage.deliver(*stage.wake_ups())
    starts = [run.started_at for run in stage.runs]
    assert 2 <= len(starts) <= 3
    assert all(later - earlier >= timedelta(hours=1) for earlier, later in pairwise(starts))
    assert starts[-1] - starts[0] < DAY
    assert stage.told("Retrain budget used up") == 1
    assert stage.told("but no new data") <= 24, "an alarm that comes back within the cooldown is the same wish"
    assert {run.trigger for run in stage.runs} == {"drift"}


def test_poison_among_ten_thousand_messages_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = QuickStage(monkeypatch, **RULES)
    late = {"value": "ALARM", "reason": "x" * 200_000, "timestamp": "9999-12-31T23:59:59.000-1400"}
    alarm = {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "detail": {"alarmName": f"{NAME}-drift", "state": late},
    }
    records = [created(stage, number) for number in range(BATCH - 2)]
    poison = record(alarm, 5000)
    deep = {**record({}, 5001), "body": "[" * 100_000}
    answer = handler({"Records": [poison, *records, deep]}, Context())  # type: ignore[arg-type]  # what is read
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-5000"}, {"itemIdentifier": "m-5001"}]}
    assert len(stage.runs) == 1
