"""A month of live traffic, watched by what is deployed: the deployed rules and schedules do everything themselves.

The month is played once, and most tests look at what it left. The others start the monitor once more, let it fail, have
a cluster count the same month, and deliver the data that the drift alarm has been waiting for.
"""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from math import sqrt
from pathlib import Path
from typing import Any

import cluster_pipeline
import numpy as np
import pytest
import recorded_calls
import watched_month
from deployed_loop import DATA, PROJECT, Loop
from spark_here import MISSING, needs_spark
from watched_month import AFTER, DAMAGED, DAY, LABELS_LATER, START, WARM_FROM, Month
from watched_stage import WatchedStage

from lambdas.shared.records import Run, RunStatus
from pipelines.compiled import CompiledDefinition
from sandbox.demo.cloud import Cloud
from sandbox.server import Sandbox

pytestmark = pytest.mark.loop

ENVIRONMENT = "year"
STAGE = f"{PROJECT}-{ENVIRONMENT}"
ASSEMBLY = os.environ.get("TANDEM_TEST_YEAR_ASSEMBLY")
"""As in conftest.py, for this environment."""
DUE = "2013-04-01T01:00:00Z"
SPAN, LABEL_WINDOWS, MIN_ROWS = 7, 14, 500
PUBLISHED_FROM = datetime(2013, 3, 19, tzinfo=UTC)
"""CloudWatch takes no datapoint that is older than two weeks."""


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[CompiledDefinition]]:
    """The pipeline with the other engine; the SDK takes its time, which passes beside the deployment."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(cluster_pipeline.compile_it, PROJECT, folder=tmp_path_factory.mktemp("projects"))


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory,
    drops: Mapping[str, Path],
    definition: Future[CompiledDefinition],
) -> Iterator[WatchedStage]:
    """The environment that lives in 2013, in a sandbox of its own."""
    del definition  # only has to have begun
    with Sandbox(tmp_path_factory.mktemp("year"), start=START, enforce_iam=True) as sandbox:
        deployment = sandbox.deploy(PROJECT, environment=ENVIRONMENT, assembly=Path(ASSEMBLY) if ASSEMBLY else None)
        outputs = {key: value for stack in deployment.outputs.values() for key, value in stack.items()}
        cloud = Cloud(sandbox.endpoint_url, PROJECT, ENVIRONMENT, sandbox.directory.logs)
        deployed = WatchedStage(Loop(sandbox=sandbox, outputs=outputs, drops=drops), cloud)
        deployed.subscribe()
        yield deployed
        recorded_calls.check_all(sandbox, stage=STAGE)


@pytest.fixture(scope="module")
def first_run(stage: WatchedStage) -> Run:
    """January and February dropped."""
    stage.loop.drop("2013-01")
    stage.loop.drop("2013-02")
    stage.loop.wait_for("the first model to be live", stage.loop.ledger.live)
    return stage.loop.wait_for_end_of(f"{DATA}period=2013-0")


@pytest.fixture(scope="module")
def march(stage: WatchedStage, first_run: Run) -> Month:
    assert first_run.version == 1
    return watched_month.play(stage)


@pytest.fixture(scope="module")
def by_cluster(stage: WatchedStage, march: Month, definition: Future[CompiledDefinition]) -> dict[str, Any] | None:
    """The month, monitored once more with the other engine while the same version serves."""
    assert march.judgements
    if MISSING:
        return None
    cluster_pipeline.create(stage, definition.result())
    return stage.run(cluster_pipeline.NAME, until=DUE)


@pytest.fixture(scope="module")
def next_run(stage: WatchedStage, march: Month, by_cluster: dict[str, Any] | None) -> Run:
    """March dropped while the alarm is on; ends when its model serves."""
    del by_cluster  # it needs the first version to serve
    assert march.runs
    run = stage.loop.wait_for_end_of(stage.loop.drop("2013-03"))
    assert run.status is RunStatus.PROMOTED

    def serves() -> bool | None:
        live = stage.loop.ledger.live()
        return True if live and live.version == run.version else None

    assert stage.loop.wait_for(f"version {run.version} to be live", serves)
    return run


def test_the_first_data_becomes_the_first_model(first_run: Run) -> None:
    assert (first_run.status, first_run.trigger, first_run.version) == (RunStatus.PROMOTED, "data", 1)


def test_without_an_alarm_a_drop_waits(march: Month) -> None:
    waiting = march.decisions[0]
    assert waiting["outcome"] == "waits_for_a_reason"
    assert waiting["reason"].startswith("version 1 is live and no alarm is on")


def test_the_schedule_starts_the_monitor_with_its_own_time(stage: WatchedStage, march: Month) -> None:
    due = [(one.scheduled, one.error) for one in march.fired if "Monitoring" in one.schedule_arn]
    assert due == [(START + timedelta(hours=1), None), (AFTER + timedelta(hours=1), None)]
    execution = stage.executions(stage.loop.outputs["MonitoringPipelineName"])[-2]
    given = stage.cloud.client("sagemaker").list_pipeline_parameters_for_execution(
        PipelineExecutionArn=execution["PipelineExecutionArn"]
    )
    assert {"Name": "Until", "Value": DUE} in given["PipelineParameters"]


def test_every_window_is_judged_by_the_rows_of_its_span(march: Month) -> None:
    assert {one["window"]["start"][:10]: one["traffic"]["rows"] for one in march.judgements} == march.rows
    rows = list(march.rows.values())
    in_span = [sum(rows[max(0, at - SPAN + 1) : at + 1]) for at in range(len(rows))]
    assert [one["worst"] is not None for one in march.judgements] == [known >= MIN_ROWS for known in in_span]
    assert {one["model"]["version"] for one in march.judgements} == {"1"}


def test_drift_is_told_with_the_window_in_which_it_began(march: Month) -> None:
    newest = march.judgements[-1]
    assert newest["worst"]["feature"] == "temp"
    streak = list(takewhile(lambda one: one["breaches"]["drift"], reversed(march.judgements)))
    assert newest["since"]["drift"] == streak[-1]["window"]["start"]
    assert SPAN <= len(streak) <= (AFTER.date() - WARM_FROM).days


def test_quality_is_what_an_independent_recomputation_gives(march: Month) -> None:
    last_told = AFTER.date() - DAY - LABELS_LATER
    told = [one for one in march.answers if AFTER.date() - LABEL_WINDOWS * DAY <= one.day <= last_told]
    errors = np.concatenate([one.predictions - one.labels for one in told])
    errors = errors[np.isfinite(errors)]
    quality = march.judgements[-1]["quality"]
    assert quality["rows"] == len(errors)
    assert quality["value"] == pytest.approx(sqrt(np.mean(errors**2)), rel=1e-9)


def test_the_report_of_the_newest_window_is_there(stage: WatchedStage, march: Month) -> None:
    page = stage.read(f"monitoring/{STAGE}/latest.html").decode()
    assert "<html" in page
    assert "temp" in page
    assert stage.read(f"monitoring/{STAGE}/reports/2013-03-31T00.html").decode() == page
    assert json.loads(stage.read(f"monitoring/{STAGE}/latest.json")) == march.judgements[-1]


def test_cloudwatch_has_one_datapoint_a_window(stage: WatchedStage, march: Month) -> None:
    by_end = {datetime.fromisoformat(one["window"]["end"]): one for one in march.judgements}
    published = {end: one for end, one in by_end.items() if end >= PUBLISHED_FROM}
    assert len(published) == len(march.judgements) - (PUBLISHED_FROM - START - DAY).days
    values = {
        "FeatureDrift": lambda one: one["worst"]["robust_linf"],
        "PredictionDrift": lambda one: one["prediction"]["robust_linf"],
        "QualityDrop": lambda one: one["quality"]["drop"],
        "QualityEstimate": lambda one: one["estimate"]["value"],
        "Rows": lambda one: one["traffic"]["rows"],
        "LabelledRows": lambda one: one["labels"]["rows"],
        "ModelVersion": lambda one: float(one["model"]["version"]),
    }
    for name, value in values.items():
        assert stage.metric(name) == {end: value(one) for end, one in published.items()}, name
        assert set(stage.metric(name, "SampleCount").values()) == {1}, name
    temp = {end: _feature(one, "temp")["robust_linf"] for end, one in published.items()}
    assert stage.metric("FeatureDrift", Feature="temp") == temp
    assert published.keys() < stage.metric("MonitorRuns").keys(), "it also lives when nothing is to be judged"


def test_what_is_wrong_with_a_file_is_counted_and_the_rest_is_used(stage: WatchedStage, march: Month) -> None:
    (judgement,) = [one for one in march.judgements if one["window"]["start"].startswith(DAMAGED.isoformat())]
    found = {one["kind"]: (one["count"], one["key"].rpartition("/")[2]) for one in judgement["capture"]["problems"]}
    assert found == {
        "encoding": (1, "encoded.jsonl"),
        "fields": (1, "stranger.jsonl"),
        "truncated": (1, "truncated.jsonl"),
    }
    assert judgement["capture"]["files"] == 1 + len(found)
    assert judgement["traffic"]["records"] == 1 + 1, "the endpoint's own, and the one with unknown fields"
    problems = stage.metric("CaptureProblems")
    assert {end: count for end, count in problems.items() if count} == {_end_of(DAMAGED): len(found)}


def test_the_drift_alarm_finds_no_new_data_and_tells_people(first_run: Run, march: Month) -> None:
    assert len(march.decisions) == 2
    decision = march.decisions[-1]
    assert (decision["outcome"], decision["trigger"]) == ("no_new_data", "drift")
    assert decision["subject"] == f"{STAGE}-drift"
    assert f"run {first_run.run_id} was already trained on snapshot" in decision["reason"]
    assert march.runs == [first_run], "nothing is started"
    for words in (f'ALARM: "{STAGE}-drift"', "Drift alarm, but no new data"):
        assert len([mail for mail in march.mails if mail.says(words)]) == 1, words


def test_ops_tells_the_drift_and_why_nothing_was_started(march: Month) -> None:
    assert march.drift["verdict"] == "breached"
    assert "temp" in march.drift["explanation"]
    assert [one["kind"] for one in march.drift["alarms"]] == ["drift"]
    assert march.drift["judgement"] == march.judgements[-1]
    newest = march.history[0]
    assert (newest["kind"], newest["outcome"], newest["trigger"]) == ("decision", "no_new_data", "drift")


@pytest.mark.usefixtures("march")
def test_the_same_moment_again_judges_and_publishes_nothing(stage: WatchedStage) -> None:
    def left() -> Any:
        names = ("FeatureDrift", "QualityDrop", "Rows")
        return stage.objects(f"monitoring/{STAGE}/"), [stage.metric(name, "SampleCount") for name in names]

    before = left()
    again = stage.run(stage.loop.outputs["MonitoringPipelineName"], until=DUE)
    assert again["PipelineExecutionStatus"] == "Succeeded"
    assert left() == before


@pytest.mark.usefixtures("march")
def test_a_monitor_that_fails_is_told(stage: WatchedStage) -> None:
    live = stage.loop.ledger.live()
    assert live is not None
    key = f"runs/{live.run_id}/evaluate/baseline.json"
    baseline = stage.read(key)
    stage.cloud.client("s3").delete_object(Bucket=stage.cloud.artifacts_bucket, Key=key)
    try:
        failed = stage.run(stage.loop.outputs["MonitoringPipelineName"], until=DUE)
    finally:
        stage.write(key, baseline)

    assert failed["PipelineExecutionStatus"] == "Failed"
    words = f"Failed: {failed['PipelineExecutionArn']}"
    told = stage.loop.wait_for("the mail", lambda: next((one for one in stage.mails() if one.says(words)), None))
    assert "Read why in the logs of its step" in told.text


@needs_spark
def test_a_cluster_counts_the_same_and_judges_the_same(
    stage: WatchedStage, march: Month, by_cluster: dict[str, Any]
) -> None:
    assert by_cluster["PipelineExecutionStatus"] == "Succeeded"
    counted = {name: one["ETag"] for name, one in stage.objects(f"{cluster_pipeline.FOLDER}/{STAGE}/windows/").items()}
    windows = {name: one["ETag"] for name, one in stage.objects(f"monitoring/{STAGE}/windows/").items()}
    assert counted == windows
    judged = stage.judgements(cluster_pipeline.FOLDER)
    assert [one | {"environment": ENVIRONMENT} for one in judged] == march.judgements


def test_new_data_starts_the_run_that_the_alarm_asked_for(stage: WatchedStage, first_run: Run, next_run: Run) -> None:
    assert next_run.trigger == "drift"
    assert next_run.reason.startswith("drift alarm since 2013-04-01 01:0")
    assert next_run.reason.endswith("; new data: data/period=2013-03/flights.parquet")
    assert [run.run_id for run in stage.loop.runs()] == [first_run.run_id, next_run.run_id]
    assert stage.loop.executions() == 2
    told = next(one for one in stage.cloud.ops("history") if one["name"] == next_run.run_id)
    assert (told["trigger"], told["outcome"]) == ("drift", "promoted")
    assert told["detail"] == next_run.gate_reason
    assert stage.cloud.ops("drift")["live_version"] == next_run.version


@pytest.mark.usefixtures("next_run")
def test_no_call_of_the_month_is_denied_and_every_one_is_recorded(stage: WatchedStage) -> None:
    recorded_calls.check_part(stage.loop.sandbox, part="month", stage=STAGE)


def _feature(judgement: Mapping[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in judgement["features"] if one["name"] == name]
    return dict(found)


def _end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY
