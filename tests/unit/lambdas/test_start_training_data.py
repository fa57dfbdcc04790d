"""StartTraining and the data: what counts as data, what counts as new, and what a snapshot holds."""

import json

import pytest

from lambdas.start_training import window
from tests.unit.lambdas.support.stage import Stage, only_execution


def manifest(stage: Stage, snapshot_id: str) -> dict[str, object]:
    stored = stage.clients["s3"].get_object(Bucket=stage.artifacts, Key=f"snapshots/{snapshot_id}.json")
    content: dict[str, object] = json.loads(stored["Body"].read())
    return content


def test_a_thousand_object_events_start_one_run_on_a_snapshot_of_many_pages(stage: Stage) -> None:
    stage.drop("2013-01", name="old", content="first")
    event = stage.drop("2013-01", name="old", content="second")
    events = [event, *(stage.drop("2013-02", name=f"part-{number:04d}") for number in range(1000))]
    for first in range(0, len(events), 10):
        stage.start_training(*events[first : first + 10])

    assert not stage.ledger.training().dirty
    assert len(stage.gate.made("ListObjectVersions")) == 2
    snapshot_id = stage.ledger.training().last_snapshot_id or ""
    objects = manifest(stage, snapshot_id)["objects"]
    assert isinstance(objects, list)
    assert len(objects) == 1001
    assert [each["key"] for each in objects] == sorted(each["key"] for each in objects)
    assert objects[0]["version_id"] == event.body["detail"]["object"]["version-id"]
    assert objects[0]["period"] == "2013-01"

    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    assert stage.wake_ups() == []
    stage.start_training(stage.retrain())
    assert stage.ledger.training().last_snapshot_id == snapshot_id


def test_only_the_newest_periods_and_only_current_data_objects_count(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WINDOW_PERIODS", "2")
    for period in ("2012-11", "2012-12", "2013-01", "2013-02"):
        stage.drop(period)
    s3 = stage.clients["s3"]
    s3.put_object(Bucket=stage.data, Key="data/period=2013-02/_SUCCESS", Body=b"")
    s3.put_object(Bucket=stage.data, Key="data/period=2013-02/deep/part.parquet", Body=b"")
    s3.put_object(Bucket=stage.data, Key="data/period=next/part.parquet", Body=b"")
    stage.drop("2013-01", name="withdrawn")
    s3.delete_object(Bucket=stage.data, Key="data/period=2013-01/withdrawn.parquet")

    stage.start_training(stage.retrain())

    objects = manifest(stage, stage.ledger.training().last_snapshot_id or "")["objects"]
    assert isinstance(objects, list)
    assert [each["key"] for each in objects] == [
        "data/period=2013-01/part.parquet",
        "data/period=2013-02/part.parquet",
    ]


def test_overwriting_data_changes_the_snapshot_but_not_the_old_manifest(stage: Stage) -> None:
    stage.start_training(stage.drop("2013-01", content="first"))
    first = stage.ledger.training().last_snapshot_id or ""
    before = manifest(stage, first)
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stage.start_training(stage.drop("2013-01", content="second"))

    assert stage.ledger.training().last_snapshot_id != first
    assert manifest(stage, first) == before


def test_a_late_event_about_data_of_an_earlier_run_starts_nothing_although_another_run_came_between(
    stage: Stage,
) -> None:
    good = stage.drop("2013-01")
    stage.start_training(good)
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stage.start_training(stage.drop("2013-02", name="bad"))
    second = stage.ledger.training().execution_arn or ""
    stage.sagemaker.end(second, "Failed")
    stage.close_training(second)
    stage.clients["s3"].delete_object(Bucket=stage.data, Key="data/period=2013-02/bad.parquet")

    stage.start_training(good)

    assert stage.ledger.training().run_id is None
    assert len(stage.sagemaker.executions) == 2
    (decision,) = stage.items("DECISION")
    assert decision["outcome"] == "nothing_new"


def test_data_that_was_trained_on_before_is_recorded_as_nothing_new(stage: Stage) -> None:
    event = stage.drop("2013-01")
    stage.start_training(event)
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stage.start_training(event)

    assert len(stage.sagemaker.executions) == 1
    (decision,) = stage.items("DECISION")
    assert decision["outcome"] == "nothing_new"
    assert "already trained on" in decision["reason"]


def test_data_that_a_failed_run_was_started_on_still_counts_as_new(stage: Stage) -> None:
    event = stage.drop("2013-01")
    stage.start_training(event)
    first = only_execution(stage)
    stage.sagemaker.end(first, "Failed")
    stage.close_training(first)

    stage.clock.advance(minutes=1)
    stage.start_training(event)
    (_, second) = stage.sagemaker.executions
    stage.sagemaker.end(second, "Succeeded")
    stage.close_training(second)
    stage.start_training(event)

    assert len(stage.sagemaker.executions) == 2
    (decision,) = stage.items("DECISION")
    assert stage.sagemaker.executions[second].name in decision["reason"]


def test_an_object_in_the_wrong_place_starts_nothing_and_the_ledger_says_where_data_belongs(stage: Stage) -> None:
    stage.start_training(stage.drop("2013-01"))
    stage.sagemaker.end(only_execution(stage), "Succeeded")
    stage.close_training(only_execution(stage))
    stored = stage.clients["s3"].put_object(Bucket=stage.data, Key="data/february.csv", Body=b"x")
    stage.start_training(stage.object_event("data/february.csv", stored["VersionId"]))

    (decision,) = stage.items("DECISION")
    assert decision["reason"].endswith(
        "data/february.csv is not counted as data, which lies at data/period=YYYY-MM[-DD]/<name>.parquet"
    )


def test_too_many_objects_are_refused_clearly_and_told_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_OBJECTS", "3")
    for number in range(4):
        stage.start_training(stage.drop("2013-01", name=f"part-{number}"))
        for arn in list(stage.sagemaker.executions):
            stage.sagemaker.end(arn, "Succeeded")
            stage.close_training(arn)
    started = len(stage.sagemaker.executions)
    for number in range(4, 8):
        stage.start_training(stage.drop("2013-01", name=f"part-{number}"))

    assert len(stage.sagemaker.executions) == started == 3
    refusals = [each for each in stage.items("DECISION") if each["outcome"] == "refused"]
    assert len(refusals) == 1
    assert "max_objects=3" in refusals[0]["reason"]
    assert stage.notifications().count("Training refused") == 1
    (body,) = [call["Message"] for call in stage.gate.made("Publish") if "refused" in call["Subject"]]
    assert "raise [data] max_objects in project.toml" in body


def test_more_versions_than_a_listing_reads_are_refused_and_former_ones_are_blamed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "MOST_VERSIONS", 3)
    for content in ("first", "second", "third", "fourth"):
        event = stage.drop("2013-01", content=content)
    stage.start_training(event)

    (decision,) = stage.items("DECISION")
    assert decision["outcome"] == "refused"
    assert "object versions, former ones included (1 current objects were among them)" in decision["reason"]
    assert stage.sagemaker.executions == {}


def test_the_same_state_of_the_data_gives_the_same_snapshot(stage: Stage) -> None:
    """Also after an object came and went: what counts is what is current, not how it came to be."""
    stage.start_training(stage.drop("2013-01"))
    first = stage.ledger.training().last_snapshot_id
    stage.sagemaker.end(only_execution(stage), "Stopped")
    passing = stage.drop("2013-02")
    stage.clients["s3"].delete_object(
        Bucket=stage.data,
        Key="data/period=2013-02/part.parquet",
        VersionId=passing.body["detail"]["object"]["version-id"],
    )
    stage.start_training(stage.retrain())

    assert len(stage.sagemaker.executions) == 2
    assert stage.ledger.training().last_snapshot_id == first


def test_a_request_without_any_data_is_refused_with_the_layout_that_is_expected(stage: Stage) -> None:
    stage.start_training(stage.retrain())

    (decision,) = stage.items("DECISION")
    assert "data/period=YYYY-MM[-DD]/<name>.parquet" in decision["reason"]
