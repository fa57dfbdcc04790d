"""A grant that nobody gave a reason for, or that nobody can describe, is an error that says what to do."""

from collections.abc import Mapping
from typing import Any

import pytest

from docgen.permissions import grants, policies, tables, words
from docgen.permissions.grants import Grant, Role
from docgen.permissions.reasons import (
    Explained,
    PolicyReason,
    Reason,
    UnexplainedError,
    explain,
    explain_policies,
    refuse_strangers,
)

WHO = "Training/StartTrainingRole"
BUCKET = {"Fn::GetAtt": ["DataBucketE6B0FAA8", "Arn"]}
STATEMENT = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": BUCKET}


def _reason(**changes: Any) -> Reason:
    values = {"roles": (WHO,), "may": ("s3:ListBucket",), "on": ("DataBucket",), "why": "Finds the drops of a window."}
    return Reason(**values | changes)


def _template(*statements: Mapping[str, Any], role: Mapping[str, Any] | None = None) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    properties = {"AssumeRolePolicyDocument": {"Statement": [trust]}, **(role or {})}
    policy = {"PolicyDocument": {"Statement": list(statements)}, "Roles": [{"Ref": "StartTrainingRoleABCDEF01"}]}
    return {
        "Resources": {
            "StartTrainingRoleABCDEF01": {"Type": "AWS::IAM::Role", "Properties": properties},
            "StartTrainingRoleDefaultPolicy00000000": {"Type": "AWS::IAM::Policy", "Properties": policy},
        }
    }


def _role(*statements: Mapping[str, Any], role: Mapping[str, Any] | None = None) -> Role:
    (found,) = grants.roles(_template(*statements, role=role), stack="Training", names={"flights-sandbox": "<stage>"})
    return found


def test_a_role_is_read_with_its_trust_and_each_action_on_each_resource() -> None:
    found = _role(STATEMENT | {"Action": ["s3:ListBucket", "s3:ListBucketVersions"], "Resource": [BUCKET, "*"]})

    assert (found.name, found.trusted) == (WHO, "lambda")
    assert sorted(map(str, found.grants)) == [
        "s3:ListBucket on *",
        "s3:ListBucket on DataBucket",
        "s3:ListBucketVersions on *",
        "s3:ListBucketVersions on DataBucket",
    ]


def test_a_grant_without_a_reason_is_named_with_the_role_and_what_to_write() -> None:
    role = _role(STATEMENT, STATEMENT | {"Action": "s3:DeleteObject"})

    with pytest.raises(UnexplainedError) as refused:
        explain([role], [_reason()])

    assert f"{WHO} may do what docs/permissions.toml gives no reason for: s3:DeleteObject on DataBucket." in str(
        refused.value
    )
    assert f'Add [[reasons]] with roles = ["{WHO}"]' in str(refused.value)


@pytest.mark.parametrize(
    "widened",
    [
        {"Resource": "*"},
        {"Condition": {"StringEquals": {"s3:prefix": "data/"}}},
        {"Action": "s3:ListBucketVersions"},
    ],
    ids=["another resource", "another condition", "another action"],
)
def test_a_reason_holds_for_exactly_its_action_resource_and_condition(widened: dict[str, Any]) -> None:
    assert explain([_role(STATEMENT)], [_reason()])

    with pytest.raises(UnexplainedError, match="gives no reason for"):
        explain([_role(STATEMENT | widened)], [_reason()])


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ([_reason(), _reason(may=("s3:DeleteObject",))], "explains what .* may not do: s3:DeleteObject on DataBucket"),
        ([_reason(), _reason()], "explains twice why .* may do this: s3:ListBucket on DataBucket"),
    ],
)
def test_a_reason_without_a_grant_or_beside_another_one_is_named(told: list[Reason], problem: str) -> None:
    with pytest.raises(UnexplainedError, match=problem):
        explain([_role(STATEMENT)], told)


def test_a_reason_for_a_role_that_is_gone_is_named() -> None:
    with pytest.raises(UnexplainedError, match="roles that no template has: Training/Gone"):
        refuse_strangers([_role(STATEMENT)], [_reason(roles=(WHO, "Training/Gone"))])


@pytest.mark.parametrize(
    "rights",
    [
        {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]},
        {"Policies": [{"PolicyName": "Inline", "PolicyDocument": {"Statement": [STATEMENT]}}]},
    ],
)
def test_rights_that_no_policy_of_the_template_gives_are_refused(rights: dict[str, Any]) -> None:
    with pytest.raises(grants.UnreadableGrantError, match=f"{WHO} has {next(iter(rights))}"):
        _role(STATEMENT, role=rights)


@pytest.mark.parametrize("odd", [{"Effect": "Deny"}, {"NotAction": "s3:*"}, {"NotResource": "*"}])
def test_a_statement_that_would_be_described_wrongly_is_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(grants.UnreadableGrantError, match="is not described"):
        _role(STATEMENT | odd)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("*", "*"),
        (BUCKET, "DataBucket"),
        ({"Fn::Join": ["", [BUCKET, "/data/*"]]}, "DataBucket/data/*"),
        ({"Fn::ImportValue": "flights-sandbox-LedgerTableName"}, "LedgerTable"),
        (
            {"Fn::ImportValue": "flights-sandbox-Storage:ExportsOutputFnGetAttKey961B73FDArn5A860C43"},
            "Key",
        ),
        ("arn:{Partition}:sagemaker:{Region}:{AccountId}:endpoint/flights-sandbox", "endpoint/<stage>"),
        (
            "arn:{Partition}:sagemaker:{Region}:999999999999:endpoint/flights-sandbox",
            "endpoint/<stage> of 999999999999",
        ),
        ("arn:{Partition}:iam::*:role/any", "role/any of *"),
        ({"Fn::Sub": "assets-${AWS::Region}/" + "0a" * 32 + ".zip"}, "assets-{Region}/<hash>.zip"),
    ],
)
def test_a_resource_is_told_without_what_is_the_same_for_all_and_never_without_a_foreign_account(
    value: Any, told: str
) -> None:
    assert words.resource(value, names={"flights-sandbox": "<stage>"}) == told


def test_a_reference_of_an_unknown_kind_is_no_silence() -> None:
    with pytest.raises(words.UnknownExpressionError, match=r"no words for .*Fn::Select"):
        words.resource({"Fn::Select": [0, ["a"]]}, names={})


def test_a_condition_is_told_with_its_operator_and_all_its_values() -> None:
    block = {
        "StringEquals": {"kms:ViaService": ["s3.{Region}.{URLSuffix}", "dynamodb.{Region}.{URLSuffix}"]},
        "Null": {"lambda:SourceFunctionArn": "true"},
    }

    assert words.condition(block, names={}) == "kms:ViaService = dynamodb, s3 and lambda:SourceFunctionArn Null true"
    assert words.condition(None, names={}) == ""


def test_a_table_says_who_takes_a_role_on_what_it_may_and_what_only_an_isolated_network_adds() -> None:
    role = Role(WHO, "lambda", frozenset({Grant("s3:ListBucket", "DataBucket", "s3:prefix = data/")}))
    told = tables.tell(
        [Explained(role, (_reason(given="s3:prefix = data/"), _reason(on=("<own>Logs",), isolated=True)))]
    )

    assert told.splitlines() == [
        f"### `{WHO}`",
        "",
        "Taken on by lambda.",
        "",
        "| may | on | why |",
        "|---|---|---|",
        "| `s3:ListBucket` | `DataBucket` only if `s3:prefix = data/` | Finds the drops of a window. |",
        "| *(isolated)* `s3:ListBucket` | `StartTrainingLogs` | Finds the drops of a window. |",
    ]


def test_equal_roles_of_both_delivery_pipelines_are_told_once() -> None:
    allowed = frozenset({Grant("s3:ListBucket", "DataBucket")})
    both = [Explained(Role(f"delivery-{side}/Checks", "codebuild", allowed), (_reason(),)) for side in ("ml", "a")]

    assert tables.tell(both).count("### ") == 1
    assert "### `delivery-ml/Checks`, `delivery-a/Checks`" in tables.tell(both)


SENDING = {
    "Effect": "Allow",
    "Action": "sqs:SendMessage",
    "Principal": {"Service": "events.amazonaws.com"},
    "Resource": {"Fn::GetAtt": ["RetrainQueueABCDEF01", "Arn"]},
    "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["RetrainRule01234567", "Arn"]}}},
}
TLS = {
    "Effect": "Deny",
    "Action": "sqs:*",
    "Principal": "*",
    "Resource": SENDING["Resource"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
SENDS = PolicyReason(
    of=("Training/RetrainQueue",),
    who="events",
    may=("sqs:SendMessage",),
    given="aws:SourceArn = <own>Rule",
    why="The rule delivers here.",
)


def _policy(*statements: Mapping[str, Any]) -> Role:
    properties = {"Queues": [{"Ref": "RetrainQueueABCDEF01"}], "PolicyDocument": {"Statement": list(statements)}}
    template = {"Resources": {"Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": properties}}}
    (found,) = policies.policies(template, stack="Training", names={})
    return found


def test_a_policy_is_read_with_whom_it_lets_do_what_and_what_it_refuses_to_anybody() -> None:
    assert sorted(map(str, _policy(SENDING, TLS).grants)) == [
        "never sqs:* on anybody if aws:SecureTransport = false",
        "sqs:SendMessage on events if aws:SourceArn = RetrainRule",
    ]


def test_a_policy_that_nobody_gave_a_reason_for_is_named_with_what_to_write() -> None:
    explain_policies([_policy(SENDING)], [SENDS])

    with pytest.raises(UnexplainedError, match=r"never sqs:\* on anybody.* Add \[\[policies\]\] with of ="):
        explain_policies([_policy(SENDING, TLS)], [SENDS])


def test_a_policy_about_another_resource_or_in_an_unknown_form_is_refused() -> None:
    with pytest.raises(grants.UnreadableGrantError, match="names another resource"):
        _policy(SENDING | {"Resource": {"Fn::GetAtt": ["OtherQueue01234567", "Arn"]}})
    with pytest.raises(grants.UnreadableGrantError, match="is not described"):
        _policy(SENDING | {"NotPrincipal": {"AWS": "*"}})


def test_what_both_delivery_pipelines_have_is_one_row() -> None:
    both = SENDS.model_copy(update={"of": ("delivery-application/Key", "delivery-ml/Key", "Storage/Key")})

    assert tables.tell_policies([both]).splitlines()[2] == (
        "| `delivery-*/Key`, `Storage/Key` | events | `sqs:SendMessage` only if `aws:SourceArn = <own>Rule` | "
        "The rule delivers here. |"
    )
