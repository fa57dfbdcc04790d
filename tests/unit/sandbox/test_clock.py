"""A sandbox whose time starts in 2013 and is moved forward: schedules, alarms and their events."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from sandbox.clock import SandboxClock, moment_of, parse_moment
from sandbox.errors import SandboxError
from sandbox.server import Sandbox

START = datetime(2013, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ROLE = "arn:aws:iam::000000000000:role/scheduler"
QUEUE = "arn:aws:sqs:us-east-1:000000000000"


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running sandbox of the year 2013."""
    with Sandbox(tmp_path_factory.mktemp("past") / "state", start=START) as running:
        yield running


@pytest.fixture
def inbox(past: Sandbox) -> Callable[[Mapping[str, Any]], Callable[[], list[dict[str, Any]]]]:
    """Makes a queue that gets the events of a pattern, and gives what takes them out of it."""

    def make(pattern: Mapping[str, Any]) -> Callable[[], list[dict[str, Any]]]:
        name = f"inbox-{uuid4().hex[:8]}"
        url = past.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        events = past.client("events")
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": f"{QUEUE}:{name}"}])
        return lambda: [json.loads(body) for body in _bodies(past, url)]

    return make


def _bodies(sandbox: Sandbox, url: str) -> list[str]:
    client, found = sandbox.client("sqs"), []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(message["Body"])
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def _alarm(sandbox: Sandbox, name: str, **changes: Any) -> None:
    given: dict[str, Any] = {
        "AlarmName": name,
        "Namespace": "Tandem/Monitoring",
        "MetricName": "FeatureDrift",
        "Dimensions": [{"Name": "Endpoint", "Value": name}],
        "Statistic": "Maximum",
        "Period": 86400,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 0.1,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "ignore",
    }
    sandbox.client("cloudwatch").put_metric_alarm(**{**given, **changes})


def _put(sandbox: Sandbox, name: str, value: float, *, dimensions: Mapping[str, str] | None = None) -> None:
    """Publish as the monitor does: shortly after midnight, with midnight as the timestamp."""
    now = sandbox.now()
    given = {"Endpoint": name} if dimensions is None else dimensions
    datum = {
        "MetricName": "FeatureDrift",
        "Dimensions": [{"Name": key, "Value": item} for key, item in given.items()],
        "Timestamp": now.replace(hour=0, minute=0, second=0, microsecond=0),
        "Value": value,
    }
    sandbox.client("cloudwatch").put_metric_data(Namespace="Tandem/Monitoring", MetricData=[datum])


def _state(sandbox: Sandbox, name: str) -> str:
    answer = sandbox.client("cloudwatch").describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return str([*answer["MetricAlarms"], *answer["CompositeAlarms"]][0]["StateValue"])


def _next_night(sandbox: Sandbox) -> None:
    sandbox.advance(to=(sandbox.now() + DAY).replace(hour=1, minute=15, second=0, microsecond=0))


def test_sagemaker_and_cloudwatch_live_on_the_clock_and_the_other_services_do_not(past: Sandbox) -> None:
    before = past.now()
    assert START <= before < START + timedelta(days=600)
    name = f"group-{uuid4().hex[:8]}"
    past.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    created = past.client("sagemaker").describe_model_package_group(ModelPackageGroupName=name)["CreationTime"]
    assert before <= created <= past.now() + timedelta(minutes=1)
    past.client("s3").create_bucket(Bucket=name)
    assert past.client("s3").list_buckets()["Buckets"][0]["CreationDate"].year >= 2026


def test_two_of_three_windows_ring_and_the_event_says_what_changed(past: Sandbox, inbox: Any) -> None:
    taken = inbox({"source": ["aws.cloudwatch"], "detail": {"alarmName": ["ringing"]}})
    _alarm(past, "ringing", AlarmDescription="look at the report")
    for value, expected in ((0.05, "OK"), (0.3, "OK"), (0.0, "OK"), (0.4, "ALARM"), (0.0, "OK"), (0.0, "OK")):
        _next_night(past)
        _put(past, "ringing", value)
        assert _state(past, "ringing") == expected
    first, rings, over = taken()
    assert [event["detail"]["state"]["value"] for event in (first, rings, over)] == ["OK", "ALARM", "OK"]
    assert rings["detail-type"] == "CloudWatch Alarm State Change"
    assert rings["resources"] == ["arn:aws:cloudwatch:us-east-1:000000000000:alarm:ringing"]
    detail = rings["detail"]
    assert detail["previousState"] == first["detail"]["state"]
    assert first["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert detail["configuration"]["description"] == "look at the report"
    (metric,) = detail["configuration"]["metrics"]
    assert metric["metricStat"] == {
        "metric": {"namespace": "Tandem/Monitoring", "name": "FeatureDrift", "dimensions": {"Endpoint": "ringing"}},
        "period": 86400,
        "stat": "Maximum",
    }
    assert detail["state"]["reason"].startswith("Threshold Crossed: 2 out of the last 3 datapoints [0.4 (")
    assert detail["state"]["reason"].endswith(
        "were greater than the threshold (0.1) (minimum 2 datapoints for OK -> ALARM transition)."
    )
    assert json.loads(detail["state"]["reasonData"])["recentDatapoints"] == [0.3, 0.0, 0.4]
    assert detail["state"]["timestamp"][:10] == f"{past.now() - 2 * DAY:%Y-%m-%d}"


def test_another_dimension_is_another_metric(past: Sandbox) -> None:
    _alarm(past, "exact", EvaluationPeriods=1, DatapointsToAlarm=1)
    _next_night(past)
    _put(past, "exact", 0.9, dimensions={"Endpoint": "exact", "Feature": "temp"})
    _put(past, "exact", 0.9, dimensions={})
    assert _state(past, "exact") == "INSUFFICIENT_DATA"
    _put(past, "exact", 0.9)
    assert _state(past, "exact") == "ALARM"


def test_an_alarm_rings_because_nothing_came_when_the_time_is_moved(past: Sandbox) -> None:
    _alarm(past, "silent", EvaluationPeriods=1, DatapointsToAlarm=1, TreatMissingData="breaching")
    _next_night(past)
    _put(past, "silent", 0.0)
    assert _state(past, "silent") == "OK"
    moved = past.advance(4 * DAY)
    assert _state(past, "silent") == "ALARM"
    assert moved.alarm_changes >= 1
    (last,) = past.client("cloudwatch").describe_alarm_history(AlarmName="silent", MaxRecords=1)["AlarmHistoryItems"]
    # The point left the last of the three periods that are looked at, long before the end of the jump.
    assert last["Timestamp"].astimezone(UTC) < past.now() - timedelta(hours=20)
    assert "1 missing datapoint was treated as [Breaching]" in last["HistoryData"]


def test_a_composite_alarm_follows_its_children_and_sends_its_own_event(past: Sandbox, inbox: Any) -> None:
    _alarm(past, "child", EvaluationPeriods=1, DatapointsToAlarm=1)
    cloudwatch = past.client("cloudwatch")
    taken = inbox({"source": ["aws.cloudwatch"], "detail": {"alarmName": ["parent"]}})
    cloudwatch.put_composite_alarm(AlarmName="parent", AlarmRule='ALARM("child")', AlarmDescription="any")
    _next_night(past)
    _put(past, "child", 0.9)
    assert _state(past, "parent") == "ALARM"
    created, rings = taken()
    assert created["detail"]["state"]["value"] == "OK"
    assert rings["detail"]["configuration"] == {"description": "any", "alarmRule": 'ALARM("child")'}
    assert "alarm:child transitioned to ALARM at" in rings["detail"]["state"]["reason"]
    assert rings["detail"]["previousState"]["value"] == "OK"
    triggering = json.loads(rings["detail"]["state"]["reasonData"])["triggeringAlarms"]
    assert triggering[0]["arn"].endswith(":alarm:child")


def test_a_topic_is_told_as_well(past: Sandbox) -> None:
    topic = past.client("sns").create_topic(Name="told")["TopicArn"]
    url = past.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    past.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{QUEUE}:told")
    _alarm(past, "told", EvaluationPeriods=1, DatapointsToAlarm=1, AlarmActions=[topic])
    _next_night(past)
    _put(past, "told", 0.9)
    (body,) = _bodies(past, url)
    assert json.loads(json.loads(body)["Message"])["NewStateValue"] == "ALARM"


def test_data_of_another_time_is_refused(past: Sandbox) -> None:
    client = past.client("cloudwatch")
    for moment, problem in (
        (past.now() - timedelta(days=14, hours=1), "two weeks in the past"),
        (past.now() + timedelta(hours=3), "2 hours in the future"),
    ):
        with pytest.raises(ClientError, match=problem):
            client.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 1, "Timestamp": moment}])


def test_metrics_are_kept_for_fifteen_months(past: Sandbox) -> None:
    _put(past, "kept", 1.0)
    put = past.now()
    past.advance(300 * DAY)
    statistics = past.client("cloudwatch").get_metric_statistics(
        Namespace="Tandem/Monitoring",
        MetricName="FeatureDrift",
        Dimensions=[{"Name": "Endpoint", "Value": "kept"}],
        StartTime=put - DAY,
        EndTime=past.now(),
        Period=86400,
        Statistics=["Maximum"],
    )
    assert [point["Maximum"] for point in statistics["Datapoints"]] == [1.0]


def _schedule(sandbox: Sandbox, name: str, expression: str, **target: Any) -> str:
    url = sandbox.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    given = {
        "Arn": f"{QUEUE}:{name}",
        "RoleArn": ROLE,
        "Input": "<aws.scheduler.scheduled-time>",
        **target,
    }
    sandbox.client("scheduler").create_schedule(
        Name=name, ScheduleExpression=expression, FlexibleTimeWindow={"Mode": "OFF"}, Target=given
    )
    return str(url)


def test_a_schedule_is_called_once_for_each_due_time_in_order(past: Sandbox) -> None:
    url = _schedule(past, "nightly", "cron(15 1 * * ? *)")
    start = past.now().replace(hour=12, minute=0, second=0, microsecond=0) + DAY
    past.advance(to=start)
    _bodies(past, url)
    moved = past.advance(to=start + 3 * DAY)
    due = [start.replace(hour=1, minute=15) + n * DAY for n in (1, 2, 3)]
    assert [one.scheduled for one in moved.fired if one.schedule_arn.endswith("/nightly")] == due
    assert _bodies(past, url) == [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in due]
    past.client("scheduler").delete_schedule(Name="nightly")


def test_a_schedule_is_called_when_its_time_comes_by_itself(past: Sandbox, wait_for: Any) -> None:
    soon = past.now() + timedelta(seconds=3)
    url = _schedule(past, "soon", f"at({soon:%Y-%m-%dT%H:%M:%S})")
    assert wait_for(lambda: _bodies(past, url)) == [f"{soon:%Y-%m-%dT%H:%M:%SZ}"]


def test_a_pipeline_that_cannot_be_started_is_reported_and_kept(past: Sandbox) -> None:
    url = past.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    # Far enough that it is due by the move, and not by itself before it.
    due = past.now() + timedelta(hours=1)
    _schedule(
        past,
        "universal",
        f"at({due:%Y-%m-%dT%H:%M:%S})",
        Arn="arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
        Input=json.dumps({"PipelineName": "none", "ClientRequestToken": f"<aws.scheduler.execution-id>{'0' * 16}"}),
        DeadLetterConfig={"Arn": f"{QUEUE}:dead"},
    )
    moved = past.advance(timedelta(hours=2))
    past.client("scheduler").delete_schedule(Name="universal")
    (fired,) = [one for one in moved.fired if one.schedule_arn.endswith("/universal")]
    assert fired.error is not None
    assert "pipeline/none' does not exist" in fired.error
    (body,) = _bodies(past, url)
    assert json.loads(body)["PipelineName"] == "none"


def test_a_universal_target_starts_a_pipeline_with_the_time_at_which_it_was_due(past: Sandbox) -> None:
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Until", "Type": "String"}],
        "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "on purpose"}}],
    }
    client = past.client("sagemaker")
    client.create_pipeline(
        PipelineName="monitoring", PipelineDefinition=json.dumps(definition), RoleArn=ROLE, ClientRequestToken="0" * 32
    )
    given = {
        "PipelineName": "monitoring",
        "ClientRequestToken": f"<aws.scheduler.execution-id>{'0' * 16}",
        "PipelineParameters": [{"Name": "Until", "Value": "<aws.scheduler.scheduled-time>"}],
    }
    _schedule(
        past,
        "monitoring",
        "cron(15 1 * * ? *)",
        Arn="arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
        Input=json.dumps(given),
    )
    moved = past.advance(DAY)
    past.client("scheduler").delete_schedule(Name="monitoring")
    (fired,) = [one for one in moved.fired if one.schedule_arn.endswith("/monitoring")]
    assert fired.error is None
    (run,) = client.list_pipeline_executions(PipelineName="monitoring")["PipelineExecutionSummaries"]
    parameters = client.list_pipeline_parameters_for_execution(PipelineExecutionArn=run["PipelineExecutionArn"])
    assert parameters["PipelineParameters"] == [{"Name": "Until", "Value": f"{fired.scheduled:%Y-%m-%dT%H:%M:%SZ}"}]


def test_the_time_never_goes_back_and_absurd_jumps_are_refused(past: Sandbox) -> None:
    with pytest.raises(SandboxError, match="never goes back"):
        past.advance(to=START)
    with pytest.raises(SandboxError, match="never goes back"):
        past.advance(-DAY)
    _schedule(past, "often", "rate(1 minute)")
    before = past.now()
    with pytest.raises(SandboxError, match="often falls due more than 1000 times"):
        past.advance(30 * DAY)
    assert past.now() - before < timedelta(hours=1)
    past.client("scheduler").delete_schedule(Name="often")


def test_the_command_line_tells_and_moves_the_time(past: Sandbox) -> None:
    def clock(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sandbox", "clock", "--state", str(past.directory.path), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])

    before = past.now()
    moved = clock("--advance", "2d", "--json")
    assert moved.returncode == 0
    assert parse_moment(json.loads(moved.stdout)["now"]) >= before + 2 * DAY
    assert clock().stdout.startswith(f"{past.now():%Y-%m-%d}")
    for words in (("--advance", "soon"), ("--to", "2013-01-01"), ("--advance", "1d", "--to", "2030-01-01")):
        assert clock(*words).returncode == 1


def test_an_alarm_goes_on_and_off_by_itself_as_time_passes(tmp_path: Path, wait_for: Any) -> None:
    with Sandbox(tmp_path / "fast", start=START, speed=60) as fast:
        minutes = {"Period": 60, "EvaluationPeriods": 1, "DatapointsToAlarm": 1}
        _alarm(fast, "falls-silent", **minutes, TreatMissingData="breaching")
        _alarm(fast, "forgives", **minutes, TreatMissingData="notBreaching")
        client = fast.client("cloudwatch")
        for name, value in (("falls-silent", 0.0), ("forgives", 0.9)):
            dimensions = [{"Name": "Endpoint", "Value": name}]
            datum = {"MetricName": "FeatureDrift", "Dimensions": dimensions, "Value": value}
            client.put_metric_data(Namespace="Tandem/Monitoring", MetricData=[datum])
        assert (_state(fast, "falls-silent"), _state(fast, "forgives")) == ("OK", "ALARM")
        wait_for(lambda: (_state(fast, "falls-silent"), _state(fast, "forgives")) == ("ALARM", "OK"))


def test_a_clock_starts_runs_and_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    elapsed = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: elapsed)
    clock = SandboxClock(60, start=START)
    elapsed += 1
    assert clock.now() == START + timedelta(minutes=1)
    clock.reach(START + DAY)
    elapsed += 1
    assert clock.now() == START + DAY + timedelta(minutes=1)
    clock.reach(START)
    assert clock.now() == START + DAY + timedelta(minutes=1)


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(SandboxError, match="has no time zone"):
        SandboxClock(start=datetime(2013, 3, 1))  # noqa: DTZ001 - on purpose
    with pytest.raises(SandboxError, match="is no moment"):
        parse_moment("yesterday")


@pytest.mark.parametrize("value", [1362096000, "2013-03-01T00:00:00Z", "2013-03-01T01:00:00+01:00", "2013-03-01"])
def test_timestamps_of_the_wire_are_understood(value: object) -> None:
    assert moment_of(value) == START
