"""Whom the two delivery pipelines tell, and of what; what starts them; and what happens when an event gets lost."""

import json
from typing import Any

import pytest
from botocore.session import get_session
from spoken_values import said

MESSAGES = {
    "Failure": ("Pipeline", {"state": ["FAILED"]}),
    "Approval": ("Action", {"state": ["STARTED", "FAILED"], "type": {"category": ["Approval"]}}),
    "Rollback": (
        "Pipeline",
        {"state": ["STARTED"], "execution-trigger": {"trigger-type": ["AutomatedRollback", "ManualRollback"]}},
    ),
}
KINDS = ("FailureUndelivered", "ApprovalUndelivered", "RollbackUndelivered", "DeadLetters")


@pytest.mark.parametrize("message", MESSAGES)
def test_people_hear_of_failures_of_what_waits_for_them_and_of_stages_that_go_back(
    line: Any, side: str, message: str
) -> None:
    rule = line.one("AWS::Events::Rule", f"DeliveryMessages{message}Rule")
    of, detail = MESSAGES[message]
    (target,) = rule["Targets"]
    written = json.dumps(target["InputTransformer"])

    assert rule["Name"] == f"flights-delivery-{side}-{message.lower()}"
    assert rule["EventPattern"] == {
        "source": ["aws.codepipeline"],
        "detail-type": [f"CodePipeline {of} Execution State Change"],
        "resources": [{"Fn::Join": ["", _arn_of({"Ref": _pipeline(line)})]}],
        "detail": detail,
    }
    assert target["Arn"] == {"Ref": line.id("AWS::SNS::Topic", "DeliveryNotificationsTopic")}
    assert target["RoleArn"] == {"Fn::GetAtt": [line.id("AWS::IAM::Role", "DeliveryMessagesRole"), "Arn"]}
    assert target["DeadLetterConfig"] == _arn_attribute(line, "DeliveryMessagesDeadLetters")
    assert "$.detail.execution-id" in written
    assert f"codepipeline/pipelines/flights-delivery-{side}/view?region=" in written


def test_rollbacks_are_executions_whose_trigger_codepipeline_knows() -> None:
    known = get_session().get_service_model("codepipeline").shape_for("TriggerType").enum

    assert set(MESSAGES["Rollback"][1]["execution-trigger"]["trigger-type"]) <= set(known)


def test_eventbridge_takes_on_the_role_of_the_messages_for_their_three_rules_only(line: Any, side: str) -> None:
    (trust,) = line.one("AWS::IAM::Role", "DeliveryMessagesRole")["AssumeRolePolicyDocument"]["Statement"]
    sources = [said(one) for one in trust["Condition"]["StringEquals"]["aws:SourceArn"]]

    assert [one.rpartition("/")[2] for one in sources] == [
        f"flights-delivery-{side}-{message.lower()}" for message in MESSAGES
    ]


def test_a_commit_starts_the_pipeline_and_one_that_could_not_is_kept(line: Any, side: str) -> None:
    rule = line.one("AWS::Events::Rule", "DeliveryPushRule")
    (target,) = rule["Targets"]
    (trust,) = line.one("AWS::IAM::Role", "DeliveryPushRole")["AssumeRolePolicyDocument"]["Statement"]
    (source,) = line.one("AWS::CodePipeline::Pipeline", "DeliveryPipeline")["Stages"][0]["Actions"]

    assert {key: one for key, one in rule["EventPattern"].items() if key != "resources"} == {
        "source": ["aws.codecommit"],
        "detail-type": ["CodeCommit Repository State Change"],
        "detail": {"event": ["referenceCreated", "referenceUpdated"], "referenceName": ["main"]},
    }
    (repository,) = rule["EventPattern"]["resources"]
    assert said(repository).endswith(":tandem")
    assert target["Arn"] == {"Fn::Join": ["", _arn_of({"Ref": _pipeline(line)})]}
    assert target["DeadLetterConfig"] == _arn_attribute(line, "DeliveryPushDeadLetters")
    assert said(trust["Condition"]["StringEquals"]["aws:SourceArn"]).endswith(f":rule/flights-delivery-{side}-push")
    assert source["Configuration"]["PollForSourceChanges"] is False, "or every commit starts it twice"


def test_no_other_rule_starts_a_pipeline_and_without_codecommit_there_is_none(line: Any, synthesize: Any) -> None:
    assert len(line.all("AWS::Events::Rule")) == len(MESSAGES) + 1
    connected = synthesize(
        lambda text: text.replace(
            'source = "codecommit"  ',
            'source = "connection"\nconnection_arn = "arn:aws:codeconnections:us-east-1:111111111111:connection/1"\n',
        ).replace('repository = "tandem"', 'repository = "team/tandem"'),
        delivery="ml",
    ).delivery("ml")
    assert len(connected.all("AWS::Events::Rule")) == len(MESSAGES)


@pytest.mark.parametrize(("path", "kinds"), [("Messages", KINDS), ("Push", ("Undelivered", "DeadLetters"))])
def test_what_gets_lost_on_the_way_to_people_or_to_the_pipeline_has_an_alarm(
    line: Any, path: str, kinds: tuple[str, ...]
) -> None:
    alarms = {
        name.removeprefix(f"Delivery{path}").split("Alarm")[0]: one
        for name, one in line.all("AWS::CloudWatch::Alarm").items()
        if name.startswith(f"Delivery{path}")
    }

    assert set(alarms) == set(kinds)
    for kind, alarm in alarms.items():
        (dimension,) = alarm["Dimensions"]
        if kind == "DeadLetters":
            queue = line.id("AWS::SQS::Queue", f"Delivery{path}DeadLetters")
            assert dimension == {"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}
        else:
            rule = line.id("AWS::Events::Rule", f"Delivery{path}{kind.removesuffix('Undelivered')}Rule")
            assert dimension == {"Name": "RuleName", "Value": {"Ref": rule}}
        assert alarm["AlarmActions"] == [{"Ref": line.id("AWS::SNS::Topic", "DeliveryNotificationsTopic")}]
        assert (alarm["TreatMissingData"], alarm["Threshold"]) == ("notBreaching", 0)


@pytest.mark.parametrize(("path", "rules"), [("Messages", tuple(MESSAGES)), ("Push", ("",))])
def test_only_the_rules_of_a_path_fill_its_dead_letter_queue_under_the_pipelines_key(
    line: Any, path: str, rules: tuple[str, ...]
) -> None:
    queue = line.one("AWS::SQS::Queue", f"Delivery{path}DeadLetters")
    statements = line.one("AWS::SQS::QueuePolicy", f"Delivery{path}DeadLetters")["PolicyDocument"]["Statement"]
    sources = [one["Condition"]["ArnEquals"]["aws:SourceArn"] for one in statements if one["Effect"] == "Allow"]

    assert queue["KmsMasterKeyId"] == _arn_attribute(line, "DeliveryKey", kind="AWS::KMS::Key")["Arn"]
    assert sources == [
        {"Fn::GetAtt": [line.id("AWS::Events::Rule", f"Delivery{path}{rule}Rule"), "Arn"]} for rule in rules
    ]


def _pipeline(line: Any) -> str:
    return str(line.id("AWS::CodePipeline::Pipeline", "DeliveryPipeline"))


def _arn_attribute(line: Any, start: str, *, kind: str = "AWS::SQS::Queue") -> dict[str, Any]:
    return {"Arn": {"Fn::GetAtt": [line.id(kind, start), "Arn"]}}


def _arn_of(pipeline: Any) -> list[Any]:
    partition, region, account = ({"Ref": f"AWS::{name}"} for name in ("Partition", "Region", "AccountId"))
    return ["arn:", partition, ":codepipeline:", region, ":", account, ":", pipeline]


def test_whoever_is_to_be_told_gets_an_email(synthesize: Any) -> None:
    changed = synthesize(
        lambda text: text.replace('branch = "main"', 'branch = "main"\nnotify = ["a@example.com", "b@example.com"]'),
        delivery="ml",
    )
    subscriptions = changed.delivery("ml").all("AWS::SNS::Subscription").values()

    assert {(one["Protocol"], one["Endpoint"]) for one in subscriptions} == {
        ("email", "a@example.com"),
        ("email", "b@example.com"),
    }
