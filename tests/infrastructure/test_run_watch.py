"""The schedule that has CloseTraining look at the run in flight, and the limit that a run has."""

import json
from pathlib import Path
from typing import Any

import pytest

from lambdas.close_training.events import ClosingMessage, WatchDue
from lambdas.shared.events import parse_body
from stacks.settings import load_projects, select

ROOT = Path(__file__).resolve().parents[2]
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


@pytest.mark.parametrize("environment", ["sandbox", "staging", "production"])
def test_a_run_past_its_limit_is_looked_at_within_the_hour(assembly: Any, environment: str) -> None:
    schedule = assembly.template(f"flights-{environment}", "Training").one("AWS::Scheduler::Schedule", "Watch")

    assert schedule["ScheduleExpression"] == "rate(60 minutes)"


def test_how_often_it_looks_is_a_setting(assembly: Any) -> None:
    (settings,) = select(load_projects(ROOT), project="flights", environment="year")
    schedule = assembly.template("flights-year", "Training").one("AWS::Scheduler::Schedule", "Watch")

    assert schedule["ScheduleExpression"] == f"rate({settings.training.watch_minutes} minutes)" != "rate(60 minutes)"


def test_it_asks_close_training_and_tells_it_the_scheduled_time(training: Any) -> None:
    schedule = training.one("AWS::Scheduler::Schedule", "Watch")
    (mapping,) = (
        one
        for one in training.all("AWS::Lambda::EventSourceMapping").values()
        if one["EventSourceArn"] == schedule["Target"]["Arn"]
    )

    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert mapping["FunctionName"] == {"Ref": training.id("AWS::Lambda::Function", "CloseTraining")}
    due = parse_body(schedule["Target"]["Input"].replace(SCHEDULED_TIME, "2027-03-22T18:59:43Z"), ClosingMessage).root
    assert isinstance(due, WatchDue)
    assert json.loads(schedule["Target"]["Input"])["detail"] == {"at": SCHEDULED_TIME}


def test_what_it_cannot_deliver_is_tried_again_kept_and_told(training: Any) -> None:
    target = training.one("AWS::Scheduler::Schedule", "Watch")["Target"]
    group = {"Ref": training.id("AWS::Scheduler::ScheduleGroup", "Watch")}
    alarms = {
        alarm["MetricName"]: alarm
        for name, alarm in training.all("AWS::CloudWatch::Alarm").items()
        if name.startswith("Watch")
    }

    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 10
    letters = {"Fn::GetAtt": [training.id("AWS::SQS::Queue", "WatchDeadLetters"), "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": letters}
    assert set(alarms) == {"ApproximateNumberOfMessagesVisible", "InvocationsFailedToBeSentToDeadLetterCount"}
    undelivered = alarms["InvocationsFailedToBeSentToDeadLetterCount"]
    assert undelivered["Dimensions"] == [{"Name": "ScheduleGroup", "Value": group}]
    for alarm in alarms.values():
        assert alarm["AlarmDescription"].endswith("Runbook: docs/runbooks/run-watch.md")
        assert alarm["AlarmActions"]


@pytest.mark.parametrize("project", ["flights", "late"])
def test_the_limit_of_a_run_leaves_every_job_its_own_and_half_an_hour_to_find_a_machine(
    assembly: Any, project: str
) -> None:
    (settings,) = select(load_projects(ROOT), project=project, environment="sandbox")
    function = assembly.template(f"{project}-sandbox", "Training").one("AWS::Lambda::Function", "StartTraining")
    jobs = 4  # Validate, Prepare, Train, Evaluate

    limit = int(function["Environment"]["Variables"]["RUN_LIMIT_SECONDS"])
    assert limit == jobs * 60 * (settings.training.max_runtime_minutes + 30)
