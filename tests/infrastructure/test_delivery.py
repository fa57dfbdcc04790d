"""The two delivery pipelines: their stages, what their roles may do, and what protects the artifacts."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from delivery_template import allowed, pipeline
from permission_table import PIPELINE_MAY
from spoken_values import said

ROOT = Path(__file__).resolve().parents[2]
ML_STACKS = ("Storage", "Training", "Serving", "Monitoring")
FIRST = {"Source": [["Source"]], "Build": [["Build"]], "UpdatePipeline": [["SelfMutate"]], "Assets": [["FileAssets"]]}
STAGES = {
    "application": FIRST
    | {
        "flights-staging": [["Contract"], ["Application.Prepare"], ["Application.Deploy"], ["Smoke"], ["Record"]],
        "Approval": [["Approve"]],
        "flights-production": [
            ["Contract"],
            ["Application.Prepare"],
            ["Application.Deploy"],
            ["Smoke"],
            ["Record"],
        ],
    },
    "ml": FIRST
    | {
        "flights-staging": [
            *(
                [f"{stack}.{what}"]
                for stack in ("Storage", "Training", "Serving", "Monitoring")
                for what in ("Prepare", "Deploy")
            ),
            ["Train"],
        ],
        "Approval": [["Approve"]],
        "flights-production": [
            *(
                [f"{stack}.{what}"]
                for stack in ("Storage", "Training", "Serving", "Monitoring")
                for what in ("Prepare", "Deploy")
            ),
        ],
    },
}


def test_the_stages_and_what_each_does_in_which_order(line: Any, side: str) -> None:
    found = {}
    for stage in pipeline(line)["Stages"]:
        actions = defaultdict(list)
        for action in stage["Actions"]:
            actions[action["RunOrder"]].append(action["Name"])
        found[stage["Name"]] = [sorted(actions[order]) for order in sorted(actions)]

    assert list(found.items()) == list(STAGES[side].items())


def test_production_alone_goes_back_by_itself_when_it_fails(line: Any) -> None:
    failing = {stage["Name"]: stage.get("OnFailure") for stage in pipeline(line)["Stages"]}

    assert {name: one for name, one in failing.items() if one} == {"flights-production": {"Result": "ROLLBACK"}}


def test_a_rejection_takes_nothing_back(line: Any) -> None:
    """A rejected approval fails its stage, so it must not stand in one that goes back when it fails."""
    (stage,) = (each for each in pipeline(line)["Stages"] if "Approve" in str(each["Actions"]))

    assert [action["Name"] for action in stage["Actions"]] == ["Approve"]
    assert "OnFailure" not in stage


def test_other_code_leaves_the_pipeline_as_it_is(synthesize: Any) -> None:
    """AWS page "Configuring stage rollback": a stage goes back to executions of the same structure only."""
    own = (ROOT / "pipelines" / "projects" / "flights" / "contract.json").read_text("utf-8")
    first, second = (
        synthesize(files={"flights/application.contract.json": contract}, delivery="application", code_version=commit)
        for commit, contract in (("0" * 40, own), ("1" * 40, own + "\n"))
    )
    what = ("flights-production", "Application")

    assert (
        first.template(*what, delivered_by="flights-delivery-application").body
        != second.template(*what, delivered_by="flights-delivery-application").body
    )
    assert first.delivery("application").body == second.delivery("application").body


def test_a_newer_commit_takes_the_place_of_one_that_waits(line: Any, side: str) -> None:
    found = pipeline(line)

    assert found["Name"] == f"flights-delivery-{side}"
    assert (found["PipelineType"], found["ExecutionMode"]) == ("V2", "SUPERSEDED")
    assert found["RestartExecutionOnUpdate"] is True
    assert "Triggers" not in found


def test_what_a_pipeline_deploys_is_what_is_deployed_without_it(assembly: Any, side: str) -> None:
    stacks = ("Application",) if side == "application" else ML_STACKS
    for stage in ("flights-staging", "flights-production"):
        for stack in stacks:
            delivered = assembly.template(stage, stack, delivered_by=f"flights-delivery-{side}")
            assert _unlabelled(delivered.body) == _unlabelled(assembly.template(stage, stack).body)


def _unlabelled(template: Any) -> Any:
    """Without the labels of statements, which the CDK makes of a construct's path; they mean nothing to AWS."""
    return json.loads(re.sub(r'"Sid": "AllowEventRule\w+"', '"Sid": ""', json.dumps(template)))


@pytest.mark.parametrize("role", PIPELINE_MAY)
def test_a_role_of_a_build_may_do_exactly_what_the_table_says(line: Any, role: str) -> None:
    assert {action for action, _ in allowed(line, role)} == PIPELINE_MAY[role]


def test_the_checks_take_on_the_delivery_roles_of_the_two_environments_and_these_trust_them(
    assembly: Any, line: Any, side: str
) -> None:
    checks = line.one("AWS::IAM::Role", "DeliveryChecks")["RoleName"]
    taken_on = {
        name.rpartition("/")[2] for action, name in allowed(line, "DeliveryChecks") if action == "sts:AssumeRole"
    }
    existing = {}
    for environment in ("staging", "production"):
        for stack in ("Training", "Application"):
            role = assembly.template(f"flights-{environment}", stack).one("AWS::IAM::Role", "DeliveryRole")
            (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
            existing[role["RoleName"]] = {
                said(one).rpartition("/")[2] for one in trust["Condition"]["ArnEquals"]["aws:PrincipalArn"]
            }

    assert taken_on <= set(existing)
    assert all(checks in existing[role] for role in taken_on)
    needed = 4 if side == "application" else 1
    assert len(taken_on) == needed


def test_artifacts_are_encrypted_with_the_pipelines_own_key_and_told_of_by_tls_only(line: Any) -> None:
    key = {"Fn::GetAtt": [line.id("AWS::KMS::Key", "DeliveryKey"), "Arn"]}
    bucket = line.one("AWS::S3::Bucket", "DeliveryArtifacts")
    policy = str(line.one("AWS::S3::BucketPolicy", "DeliveryArtifacts"))

    assert line.one("AWS::KMS::Key", "DeliveryKey")["EnableKeyRotation"] is True
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"KMSMasterKeyID": key, "SSEAlgorithm": "aws:kms"}
    assert pipeline(line)["ArtifactStore"]["EncryptionKey"] == {"Id": key, "Type": "KMS"}
    assert "'aws:SecureTransport': 'false'" in policy
    assert bucket["LoggingConfiguration"]["DestinationBucketName"] == {
        "Ref": line.id("AWS::S3::Bucket", "DeliveryAccessLogs")
    }
    topic = line.one("AWS::SNS::Topic", "DeliveryNotificationsTopic")
    assert topic["KmsMasterKeyId"] == key
    assert "'aws:SecureTransport': 'false'" in str(line.one("AWS::SNS::TopicPolicy", "DeliveryNotificationsTopic"))
