from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Path:
    stack: str
    name: str
    handler: str
    rules: tuple[str, ...] = ("",)
    """What distinguishes its rules in their ids."""

    def rule_ids(self, template: Any) -> dict[str, Any]:
        return {rule: template.id("AWS::Events::Rule", f"{self.name}{rule}Rule") for rule in self.rules}


PATHS = (
    Path("Training", "Retrain", "StartTraining", rules=("", "Monitor")),
    Path("Training", "Closing", "CloseTraining"),
    Path("Serving", "Deployment", "DeployModel"),
    Path("Serving", "Confirmation", "ConfirmDeployment"),
)
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)


def _pattern(sandbox: Any, path: Path) -> Any:
    return sandbox[path.stack].one("AWS::Events::Rule", f"{path.name}Rule")["EventPattern"]


def _joined(value: Any) -> str:
    """A value with its references spelled out, e.g. `arn:<AWS::Partition>:...`."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return separator.join(_joined(part) for part in parts)
        case {"Ref": name}:
            return f"<{name}>"
        case str():
            return value
    raise AssertionError(f"no text: {value}")


def test_new_data_of_this_projects_bucket_starts_training(sandbox: Any) -> None:
    bucket = sandbox["Storage"].id("AWS::S3::Bucket", "DataBucket")
    pattern = _pattern(sandbox, PATHS[0])

    assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], ["Object Created"])
    (name,) = pattern["detail"]["bucket"]["name"]
    assert name["Fn::ImportValue"].startswith(f"flights-sandbox-Storage:ExportsOutputRef{bucket}")
    assert pattern["detail"]["object"]["key"] == [{"prefix": "data/"}]


def test_the_end_of_this_pipelines_runs_closes_them(sandbox: Any) -> None:
    pipeline = sandbox["Training"].id("AWS::SageMaker::Pipeline", "Pipeline")
    pattern = _pattern(sandbox, PATHS[1])

    (arn,) = pattern["detail"].pop("pipelineArn")
    assert pattern == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Building Pipeline Execution Status Change"],
        "detail": {"currentPipelineExecutionStatus": ["Succeeded", "Failed", "Stopped"]},
    }
    assert _joined(arn) == f"arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>:pipeline/<{pipeline}>"


def test_the_monitors_alarms_ask_for_training_when_they_go_on_and_off(sandbox: Any) -> None:
    pattern = sandbox["Training"].one("AWS::Events::Rule", "RetrainMonitorRule")["EventPattern"]
    alarms = {
        one["AlarmName"] for one in sandbox["Monitoring"].all("AWS::CloudWatch::Alarm").values() if "AlarmName" in one
    }

    arns = [_joined(arn) for arn in pattern.pop("resources")]
    assert pattern == {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"state": {"value": ["ALARM", "OK"]}},
    }
    account = "arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:"
    kinds = [arn.removeprefix(f"{account}flights-sandbox-") for arn in arns]
    assert kinds == ["drift", "prediction-drift", "quality", "model-age"]
    assert {arn.removeprefix(account) for arn in arns} <= alarms


def test_an_approval_in_this_projects_registry_deploys(sandbox: Any) -> None:
    pattern = _pattern(sandbox, PATHS[2])

    (group,) = pattern["detail"].pop("ModelPackageGroupName")
    assert pattern == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelApprovalStatus": ["Approved", "Rejected"]},
    }
    index, split = group["Fn::Select"]
    assert (index, split["Fn::Split"][0]) == (1, "/")
    assert "RegistryGroup" in split["Fn::Split"][1]["Fn::ImportValue"]


def test_changes_of_this_endpoint_confirm_a_deployment(sandbox: Any) -> None:
    pattern = _pattern(sandbox, PATHS[3])

    (arn,) = pattern.pop("resources")
    assert pattern == {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Endpoint State Change"]}
    assert _joined(arn) == "arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>:endpoint/flights-sandbox"


@every_path
def test_a_rule_delivers_to_its_queue_and_keeps_what_it_cannot_deliver(sandbox: Any, path: Path) -> None:
    template = sandbox[path.stack]
    queue, dead_letters = (template.id("AWS::SQS::Queue", f"{path.name}{kind}") for kind in ("Queue", "DeadLetters"))

    for rule in path.rule_ids(template).values():
        (target,) = template.all("AWS::Events::Rule")[rule]["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [dead_letters, "Arn"]}}


@every_path
@pytest.mark.parametrize("queue", ["Queue", "DeadLetters"])
def test_only_its_rules_may_send_events_to_the_queue_and_only_over_tls(sandbox: Any, path: Path, queue: str) -> None:
    template = sandbox[path.stack]
    statements = template.one("AWS::SQS::QueuePolicy", f"{path.name}{queue}")["PolicyDocument"]["Statement"]

    allowed = [one for one in statements if one["Effect"] == "Allow"]
    (denied,) = (one for one in statements if one["Effect"] == "Deny")
    assert all(one["Principal"] == {"Service": "events.amazonaws.com"} for one in allowed)
    assert [one["Condition"] for one in allowed] == [
        {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}} for rule in path.rule_ids(template).values()
    ]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@every_path
def test_a_failing_message_moves_to_the_dead_letters_and_stays_there_longest(sandbox: Any, path: Path) -> None:
    template = sandbox[path.stack]
    queue = template.one("AWS::SQS::Queue", f"{path.name}Queue")
    dead_letters = template.id("AWS::SQS::Queue", f"{path.name}DeadLetters")

    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]},
        "maxReceiveCount": 5,
    }
    assert template.all("AWS::SQS::Queue")[dead_letters]["MessageRetentionPeriod"] == 14 * 24 * 3600


@every_path
@pytest.mark.parametrize("queue", ["Queue", "DeadLetters"])
def test_messages_are_encrypted_with_the_environments_key_with_a_new_data_key_every_hour(
    sandbox: Any, path: Path, queue: str
) -> None:
    properties = sandbox[path.stack].one("AWS::SQS::Queue", f"{path.name}{queue}")

    assert "ExportsOutputFnGetAttKey" in properties["KmsMasterKeyId"]["Fn::ImportValue"]
    assert properties["KmsDataKeyReusePeriodSeconds"] == 3600
    assert "SqsManagedSseEnabled" not in properties


@every_path
def test_a_message_stays_invisible_six_times_as_long_as_the_handler_may_run(sandbox: Any, path: Path) -> None:
    template = sandbox[path.stack]
    function = template.one("AWS::Lambda::Function", f"{path.handler}Function")

    assert template.one("AWS::SQS::Queue", f"{path.name}Queue")["VisibilityTimeout"] >= 6 * function["Timeout"]


@every_path
def test_the_handler_takes_messages_and_reports_each_failure(sandbox: Any, path: Path) -> None:
    template = sandbox[path.stack]
    mapping = template.one("AWS::Lambda::EventSourceMapping", f"{path.name}Mapping")

    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [template.id("AWS::SQS::Queue", f"{path.name}Queue"), "Arn"]}
    assert mapping["FunctionName"] == {"Ref": template.id("AWS::Lambda::Function", f"{path.handler}Function")}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@every_path
def test_every_way_to_fail_has_an_alarm_that_notifies_and_says_what_to_do(sandbox: Any, path: Path) -> None:
    template = sandbox[path.stack]
    alarms = {
        name.removeprefix(path.name).split("Alarm")[0]: one
        for name, one in template.all("AWS::CloudWatch::Alarm").items()
        if name.startswith(path.name)
    }
    watched = {
        name: (one["Namespace"], one["MetricName"], one["Dimensions"][0]["Value"]) for name, one in alarms.items()
    }
    queue, dead_letters = (template.id("AWS::SQS::Queue", f"{path.name}{kind}") for kind in ("Queue", "DeadLetters"))

    assert watched == {
        "DeadLetters": (
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"Fn::GetAtt": [dead_letters, "QueueName"]},
        ),
        "Age": ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"Fn::GetAtt": [queue, "QueueName"]}),
        "Errors": (
            "AWS/Lambda",
            "Errors",
            {"Ref": template.id("AWS::Lambda::Function", f"{path.handler}Function")},
        ),
    } | {
        f"{rule}Undelivered": ("AWS/Events", "FailedInvocations", {"Ref": name})
        for rule, name in path.rule_ids(template).items()
    }
    for alarm in alarms.values():
        (action,) = alarm["AlarmActions"]
        assert "NotificationsTopic" in action["Fn::ImportValue"]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
        assert path.handler in alarm["AlarmDescription"]


def test_every_queue_has_dead_letters_or_holds_them(sandbox: Any) -> None:
    of_schedules_and_rules = {"ScheduleDeadLetters", "FailedRunsDeadLetters", "WatchDeadLetters"}
    for template in sandbox.values():
        queues = {
            name: one
            for name, one in template.all("AWS::SQS::Queue").items()
            if name[:-8] not in of_schedules_and_rules
        }
        holders = {
            one["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
            for one in queues.values()
            if "RedrivePolicy" in one
        }
        assert {name for name, one in queues.items() if "RedrivePolicy" not in one} == holders


def test_a_burst_of_data_settles_and_reaches_one_invocation(sandbox: Any, production: Any) -> None:
    delays = [one["Training"].one("AWS::SQS::Queue", "RetrainQueue")["DelaySeconds"] for one in (sandbox, production)]
    mapping = sandbox["Training"].one("AWS::Lambda::EventSourceMapping", "RetrainMapping")

    assert delays == [2, 60]
    assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (90, 1)


@pytest.mark.parametrize("stack", ["Training", "Serving", "Monitoring"])
def test_every_dead_letter_queue_has_one_source_or_is_known_by_its_name(sandbox: Any, stack: str) -> None:
    """`ops redrive` finds the way back by redrive policies, and what has no way back by the id of its construct."""
    queues = sandbox[stack].all("AWS::SQS::Queue")
    targets = [
        policy["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for queue in queues.values()
        if (policy := queue.get("RedrivePolicy"))
    ]
    without_policy = [name for name, queue in queues.items() if "RedrivePolicy" not in queue]

    assert without_policy, f"{stack} has queues for dead letters"
    assert all("DeadLetters" in name for name in without_policy)
    assert len(targets) == len(set(targets)), "what EventBridge sent to a shared one could belong to either source"
    assert set(targets) <= set(without_policy)
