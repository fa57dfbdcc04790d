"""Whom the two delivery pipelines tell, and of what."""

from typing import Any

from botocore.session import get_session
from spoken_values import said


def test_people_hear_of_failures_and_of_what_waits_for_them(line: Any) -> None:
    (rule,) = line.all("AWS::CodeStarNotifications::NotificationRule").values()
    topic = {"Ref": line.id("AWS::SNS::Topic", "DeliveryTopic")}
    statements = line.one("AWS::KMS::Key", "DeliveryKey")["KeyPolicy"]["Statement"]
    publishers = {str(one["Principal"].get("Service")): one["Action"] for one in statements}

    assert set(rule["EventTypeIds"]) == {
        "codepipeline-pipeline-pipeline-execution-failed",
        "codepipeline-pipeline-manual-approval-needed",
        "codepipeline-pipeline-manual-approval-failed",
    }
    assert rule["Targets"] == [{"TargetAddress": topic, "TargetType": "SNS"}]
    assert publishers["codestar-notifications.amazonaws.com"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_people_hear_of_a_stage_that_goes_back(line: Any, side: str) -> None:
    rule = line.one("AWS::Events::Rule", "DeliveryRollback")
    detail = rule["EventPattern"]["detail"]
    (target,) = rule["Targets"]
    role = line.one("AWS::IAM::Role", "DeliveryRollbackRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]

    assert detail["state"] == ["STARTED"]
    kinds = set(detail["execution-trigger"]["trigger-type"])
    assert kinds == {"AutomatedRollback", "ManualRollback"}
    assert kinds <= set(get_session().get_service_model("codepipeline").shape_for("TriggerType").enum)
    assert rule["EventPattern"]["resources"] == [
        {"Fn::Join": ["", _arn_of({"Ref": line.id("AWS::CodePipeline::Pipeline", "DeliveryPipeline")})]}
    ]
    assert target["Arn"] == {"Ref": line.id("AWS::SNS::Topic", "DeliveryTopic")}
    assert target["RoleArn"] == {"Fn::GetAtt": [line.id("AWS::IAM::Role", "DeliveryRollbackRole"), "Arn"]}
    (source,) = (value for key, value in trust["Condition"]["StringEquals"].items() if key == "aws:SourceArn")
    assert said(source).endswith(f":rule/{rule['Name']}")
    assert rule["Name"] == f"flights-delivery-{side}-rollback"


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
