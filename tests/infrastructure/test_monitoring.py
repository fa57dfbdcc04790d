"""The scheduled pipeline of the Monitoring stack, and what happens when it cannot start or fails."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import pytest

from stacks.constructs.monitoring_pipeline import read_definition
from stacks.errors import StalePipelineError
from stacks.settings import Names, Settings, load_projects, select

ROOT = Path(__file__).resolve().parents[2]
FLIGHTS = Path("pipelines", "projects", "flights")
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


def _definition(template: Any) -> Any:
    """The deployed definition, with every reference replaced by a word."""
    body = template.one("AWS::SageMaker::Pipeline", "Pipeline")["PipelineDefinition"]["PipelineDefinitionBody"]
    separator, parts = body["Fn::Join"]
    return json.loads(separator.join(part if isinstance(part, str) else "<reference>" for part in parts))


def _defaults(template: Any) -> dict[str, Any]:
    return {one["Name"]: one.get("DefaultValue") for one in _definition(template)["Parameters"]}


def _input(template: Any) -> Any:
    return json.loads(template.one("AWS::Scheduler::Schedule", "Schedule")["Target"]["Input"])


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Callable[[], Settings]:
    """A copy of the reference project; the returned function reads its settings."""
    copytree(ROOT / FLIGHTS, tmp_path / FLIGHTS, ignore=ignore_patterns("__pycache__"))

    def read() -> Settings:
        (settings,) = select(load_projects(tmp_path), project=None, environment="production")
        return settings

    return read


def test_every_placeholder_of_the_compiled_pipeline_is_replaced(monitoring: Any) -> None:
    text = json.dumps(_definition(monitoring))

    assert not re.findall(r"__[A-Z_]+__|000000000000", text)
    assert "flights-sandbox" in text


def test_the_steps_are_those_that_were_compiled(monitoring: Any) -> None:
    compiled = json.loads((ROOT / FLIGHTS / "monitoring.pipeline.json").read_text("utf-8"))

    assert [one["Name"] for one in _definition(monitoring)["Steps"]] == [one["Name"] for one in compiled["Steps"]]


def test_an_environments_own_limits_reach_its_monitor(production: Any, synthesize: Any) -> None:
    changed = synthesize(
        lambda text: (
            text
            + '\n[environments.production.monitoring]\nspan = 3\nignore = ["seats"]\ninstance_type = "ml.m5.large"\n'
        ),
        environment="production",
    ).template("flights-production", "Monitoring")

    before, after = _defaults(production["Monitoring"]), _defaults(changed)
    differences = {name: value for name, value in after.items() if value != before[name]}
    assert set(differences) == {"MonitoringLimits", "IgnoredInputs", "InstanceType"}
    assert differences["InstanceType"] == "ml.m5.large"
    assert "seats" in differences["IgnoredInputs"]
    assert "span=3" in differences["MonitoringLimits"]


def test_a_monitoring_pipeline_older_than_its_settings_is_refused(
    project: Callable[[], Settings], tmp_path: Path
) -> None:
    file = tmp_path / FLIGHTS / "project.toml"
    file.write_text(file.read_text("utf-8").replace("span = 7", "span = 8"), "utf-8")

    with pytest.raises(StalePipelineError, match=r"monitoring\.pipeline\.json is stale.*make compile"):
        read_definition(project())


def test_a_monitoring_pipeline_that_matches_its_sources_is_accepted(project: Callable[[], Settings]) -> None:
    assert read_definition(project()).defaults["MaxRuntimeSeconds"] == 3600


def test_the_schedule_starts_this_pipeline_in_utc_and_tells_it_the_scheduled_time(monitoring: Any) -> None:
    schedule = monitoring.one("AWS::Scheduler::Schedule", "Schedule")
    pipeline = monitoring.one("AWS::SageMaker::Pipeline", "Pipeline")

    assert (schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]) == ("cron(15 1 * * ? *)", "UTC")
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["Target"]["Arn"]["Fn::Join"][1][-1] == ":scheduler:::aws-sdk:sagemaker:startPipelineExecution"
    assert _input(monitoring)["PipelineName"] == pipeline["PipelineName"] == "flights-sandbox-monitoring"
    assert _input(monitoring)["PipelineParameters"] == [{"Name": "Until", "Value": SCHEDULED_TIME}]


def test_an_environment_has_its_own_schedule(assembly: Any) -> None:
    (year,) = select(load_projects(ROOT), project="flights", environment="year")
    schedule = assembly.template("flights-year", "Monitoring").one("AWS::Scheduler::Schedule", "Schedule")

    assert schedule["ScheduleExpression"] == year.monitoring.schedule != "cron(15 1 * * ? *)"


def test_every_attempt_at_one_scheduled_time_has_the_same_token(monitoring: Any) -> None:
    token = _input(monitoring)["ClientRequestToken"]

    assert re.findall("<[^>]+>", token) == [SCHEDULED_TIME]


@pytest.mark.parametrize(("project", "environment"), [("pp", "ee"), ("p" * 24, "e" * 16)])
def test_the_token_of_the_shortest_and_the_longest_names_is_one_that_sagemaker_takes(
    monitoring: Any, project: str, environment: str
) -> None:
    names = Names(project=project, environment=environment)
    token = _input(monitoring)["ClientRequestToken"].replace("flights-sandbox-monitoring", names.monitoring_pipeline)

    assert 32 <= len(token.replace(SCHEDULED_TIME, "2027-03-22T18:59:43Z")) <= 128


def test_a_run_that_cannot_be_started_is_tried_again_and_kept(monitoring: Any) -> None:
    target = monitoring.one("AWS::Scheduler::Schedule", "Schedule")["Target"]
    dead_letters = monitoring.id("AWS::SQS::Queue", "ScheduleDeadLetters")

    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 10
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 6 * 3600
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [dead_letters, "Arn"]}}


def test_a_failed_or_stopped_run_of_the_monitor_is_told_with_its_execution(monitoring: Any) -> None:
    rule = monitoring.one("AWS::Events::Rule", "FailedRuns")
    (target,) = rule["Targets"]

    (arn,) = rule["EventPattern"]["detail"].pop("pipelineArn")
    assert arn["Fn::Join"][1][-1] == {"Ref": monitoring.id("AWS::SageMaker::Pipeline", "Pipeline")}
    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Building Pipeline Execution Status Change"],
        "detail": {"currentPipelineExecutionStatus": ["Failed", "Stopped"]},
    }
    assert "NotificationsTopic" in target["Arn"]["Fn::ImportValue"]
    assert target["RoleArn"] == {"Fn::GetAtt": [monitoring.id("AWS::IAM::Role", "FailedRunsRole"), "Arn"]}
    assert set(target["InputTransformer"]["InputPathsMap"].values()) == {
        "$.detail.pipelineExecutionArn",
        "$.detail.currentPipelineExecutionStatus",
    }
    dead_letters = monitoring.id("AWS::SQS::Queue", "FailedRunsDeadLetters")
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [dead_letters, "Arn"]}}


@pytest.mark.parametrize("path", ["Schedule", "FailedRuns"])
def test_what_gets_lost_on_the_way_to_or_from_the_monitor_has_an_alarm(monitoring: Any, path: str) -> None:
    watched = {
        alarm["MetricName"]: alarm
        for name, alarm in monitoring.all("AWS::CloudWatch::Alarm").items()
        if name.startswith(path)
    }

    lost = {"Schedule": "InvocationsFailedToBeSentToDeadLetterCount", "FailedRuns": "FailedInvocations"}[path]
    assert set(watched) == {"ApproximateNumberOfMessagesVisible", lost}
    for alarm in watched.values():
        (action,) = alarm["AlarmActions"]
        assert "NotificationsTopic" in action["Fn::ImportValue"]
        assert (alarm["TreatMissingData"], alarm["Threshold"]) == ("notBreaching", 0)
        assert len(alarm["AlarmDescription"].split()) > 10


def test_the_schedulers_metrics_are_those_of_its_own_group(monitoring: Any) -> None:
    group = {"Ref": monitoring.id("AWS::Scheduler::ScheduleGroup", "ScheduleGroup")}

    assert monitoring.one("AWS::Scheduler::Schedule", "Schedule")["GroupName"] == group
    assert monitoring.one("AWS::CloudWatch::Alarm", "ScheduleUndelivered")["Dimensions"] == [
        {"Name": "ScheduleGroup", "Value": group}
    ]


def test_arrow_runs_in_the_image_of_every_job_and_knows_no_other(monitoring: Any) -> None:
    assert "sagemaker-spark-processing" not in json.dumps(monitoring.body)
    assert len(monitoring.body["Mappings"]) == 1
