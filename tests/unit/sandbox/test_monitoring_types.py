"""The CloudFormation types of a monitoring stack, through CloudFormation itself: created, changed, deleted."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.server import Sandbox

DeployTemplate = Callable[..., dict[str, str]]
ROLE = "arn:aws:iam::000000000000:role/scheduler"
TARGET = {
    "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
    "RoleArn": ROLE,
    "Input": json.dumps({"PipelineName": "flights-monitoring"}),
    "RetryPolicy": {"MaximumEventAgeInSeconds": "3600", "MaximumRetryAttempts": "3"},
    "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:000000000000:dead"},
}


def _resources(*, threshold: float = 0.1, hour: int = 1, body: str = "first", tag: str = "one") -> dict[str, Any]:
    return {
        "Drift": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "flights-drift",
                "AlarmDescription": "What to do: look at the report.",
                "Namespace": "Tandem/Monitoring",
                "MetricName": "FeatureDrift",
                "Dimensions": [{"Name": "Project", "Value": "flights"}, {"Name": "Endpoint", "Value": "flights-year"}],
                "Statistic": "Maximum",
                # Templates may write numbers as text.
                "Period": "86400",
                "EvaluationPeriods": "5",
                "DatapointsToAlarm": "3",
                "Threshold": threshold,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "ignore",
                "EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC"}},
                "OKActions": ["arn:aws:sns:us-east-1:000000000000:alarms"],
                "InsufficientDataActions": ["arn:aws:sns:us-east-1:000000000000:alarms"],
                "Tags": [{"Key": "project", "Value": tag}],
            },
        },
        "Slow": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "AWS/SageMaker",
                "MetricName": "ModelLatency",
                "ExtendedStatistic": "p99",
                "EvaluateLowSampleCountPercentile": "ignore",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanThreshold",
            },
        },
        "Any": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {
                "AlarmName": "flights-any",
                "AlarmRule": {
                    "Fn::Join": [
                        "",
                        ['ALARM("', {"Fn::GetAtt": ["Drift", "Arn"]}, '") OR ALARM("', {"Ref": "Slow"}, '")'],
                    ]
                },
                "AlarmActions": ["arn:aws:sns:us-east-1:000000000000:alarms"],
            },
        },
        "Board": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardName": "flights", "DashboardBody": json.dumps({"widgets": [], "note": body})},
        },
        "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "flights", "Tags": []}},
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "Name": "flights-monitoring",
                "GroupName": {"Ref": "Group"},
                "Description": "the monitor",
                "ScheduleExpression": f"cron(15 {hour} * * ? *)",
                "ScheduleExpressionTimezone": "Europe/Berlin",
                "StartDate": "2013-01-01T00:00:00Z",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "State": "DISABLED",
                "Target": TARGET,
            },
        },
    }


OUTPUTS = {
    "Alarm": {"Fn::GetAtt": ["Drift", "Arn"]},
    "Generated": {"Ref": "Slow"},
    "Composite": {"Fn::GetAtt": ["Any", "Arn"]},
    "Board": {"Ref": "Board"},
    "Schedule": {"Fn::GetAtt": ["Schedule", "Arn"]},
    "GroupState": {"Fn::GetAtt": ["Group", "State"]},
}


def _template(**options: Any) -> str:
    outputs = {name: {"Value": value} for name, value in OUTPUTS.items()}
    return json.dumps({"Resources": _resources(**options), "Outputs": outputs})


def _alarm(sandbox: Sandbox, name: str) -> Mapping[str, Any]:
    (found,) = sandbox.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return dict(found)


def test_a_monitoring_stack_is_created_changed_and_deleted(
    sandbox: Sandbox, deploy_template: DeployTemplate, wait_for: Callable[[Callable[[], Any]], Any]
) -> None:
    cloudwatch, scheduler = sandbox.client("cloudwatch"), sandbox.client("scheduler")
    outputs = deploy_template(sandbox, stack="monitoring", template=_template())
    prefix = "arn:aws:cloudwatch:us-east-1:000000000000:alarm"
    assert outputs["Alarm"] == f"{prefix}:flights-drift"
    assert outputs["Composite"] == f"{prefix}:flights-any"
    assert outputs["Schedule"] == "arn:aws:scheduler:us-east-1:000000000000:schedule/flights/flights-monitoring"
    assert outputs["Board"] == "flights"
    assert outputs["GroupState"] == "ACTIVE"

    drift = _alarm(sandbox, "flights-drift")
    given = _resources()["Drift"]["Properties"]
    for name in ("Dimensions", "TreatMissingData", "EvaluationWindow", "OKActions", "InsufficientDataActions"):
        assert drift[name] == given[name]
    assert (drift["Period"], drift["EvaluationPeriods"], drift["DatapointsToAlarm"]) == (86400, 5, 3)
    tags = cloudwatch.list_tags_for_resource(ResourceARN=outputs["Alarm"])["Tags"]
    assert {"Key": "project", "Value": "one"} in tags
    slow = _alarm(sandbox, outputs["Generated"])
    assert slow["ExtendedStatistic"] == "p99"
    assert slow["EvaluateLowSampleCountPercentile"] == "ignore"
    assert "Statistic" not in slow
    schedule = scheduler.get_schedule(Name="flights-monitoring", GroupName="flights")
    assert schedule["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 3}
    assert schedule["Target"]["DeadLetterConfig"] == TARGET["DeadLetterConfig"]
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule["State"] == "DISABLED"

    changed = _template(threshold=0.2, hour=2, body="second", tag="two")
    deploy_template(sandbox, stack="monitoring", template=changed, update=True)
    assert _alarm(sandbox, "flights-drift")["Threshold"] == 0.2
    assert {"Key": "project", "Value": "two"} in cloudwatch.list_tags_for_resource(ResourceARN=outputs["Alarm"])["Tags"]
    assert json.loads(cloudwatch.get_dashboard(DashboardName="flights")["DashboardBody"])["note"] == "second"
    schedule = scheduler.get_schedule(Name="flights-monitoring", GroupName="flights")
    assert schedule["ScheduleExpression"] == "cron(15 2 * * ? *)"
    assert schedule["Description"] == "the monitor"

    sandbox.client("cloudformation").delete_stack(StackName="monitoring")
    wait_for(lambda: not scheduler.list_schedules()["Schedules"])
    wait_for(
        lambda: (
            not any(
                cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])[kind]
                for kind in ("MetricAlarms", "CompositeAlarms")
            )
        )
    )
    wait_for(lambda: not cloudwatch.list_dashboards()["DashboardEntries"])
    with pytest.raises(ClientError, match="does not exist"):
        scheduler.get_schedule_group(Name="flights")


@pytest.mark.parametrize(
    ("resource", "changes", "reason"),
    [
        ("Drift", {"EvaluationPeriods": 8}, "across more than 7 day"),
        ("Drift", {"DatapointsToAlarm": 6}, "DatapointsToAlarm 6 is not between 1 and EvaluationPeriods 5"),
        ("Drift", {"TreatMissingData": "forget"}, "'forget' is none of missing, ignore, breaching, notBreaching"),
        ("Drift", {"Metrics": [{"Id": "m1", "Expression": "SUM(METRICS())"}]}, "no alarms with Metrics"),
        ("Drift", {"Colour": "red"}, "unsupported property #/Colour"),
        ("Schedule", {"ScheduleExpression": "cron(15 1 * * * *)"}, "exactly one of day-of-month and day-of-week is ?"),
        ("Schedule", {"Target": {**TARGET, "Input": "{"}}, "no valid JSON"),
    ],
)
def test_a_template_is_refused_for_what_the_api_refuses(
    sandbox: Sandbox, deploy_template: DeployTemplate, resource: str, changes: Mapping[str, Any], reason: str
) -> None:
    given = _resources()[resource]
    properties = {name: value for name, value in given["Properties"].items() if name != "GroupName"}
    template = {"Resources": {resource: {**given, "Properties": {**properties, **changes}}}}
    stack = f"refused-{resource}-{next(iter(changes))}"
    with pytest.raises(pytest.fail.Exception, match=reason.replace("?", r"\?").replace("(", r"\(")):
        deploy_template(sandbox, stack=stack, template=json.dumps(template))
