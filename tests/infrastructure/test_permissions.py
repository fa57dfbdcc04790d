"""Who may do what. A new permission has to be added to the table as well, so that a diff shows it to a reviewer."""

from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from permission_table import DELIVERED_MAY, MAY, SAGEMAKER_RESOURCES, TRUSTED, WITHOUT_RESOURCE_LEVEL
from resolved_policies import listed

from stacks.constructs.permissions import allow

every_role = pytest.mark.parametrize("role", MAY, ids=".".join)


def _statements(sandbox: Any, role: tuple[str, str]) -> Iterator[Any]:
    stack, start = role
    template = sandbox[stack]
    reference = {"Ref": template.id("AWS::IAM::Role", start)}
    for policy in template.all("AWS::IAM::Policy").values():
        if reference in policy["Roles"]:
            yield from policy["PolicyDocument"]["Statement"]


def _flat(value: Any) -> str:
    match value:
        case {"Fn::Join": ["", parts]}:
            return "".join(_flat(part) for part in parts)
        case str():
            return value
    return "<reference>"


def test_every_role_is_in_the_table(sandbox: Any) -> None:
    roles = {(stack, name) for stack, template in sandbox.items() for name in template.all("AWS::IAM::Role")}

    assert len(roles) == len(MAY)
    assert all(any(stack == known and name.startswith(start) for known, start in MAY) for stack, name in roles)


@every_role
def test_a_role_may_do_exactly_what_the_table_says(sandbox: Any, role: tuple[str, str]) -> None:
    actions = [action for one in _statements(sandbox, role) for action in listed(one["Action"])]

    assert set(actions) == MAY[role]


def test_a_delivered_environment_has_the_roles_of_the_table_and_one_for_each_pipeline(production: Any) -> None:
    roles = {(stack, name) for stack, template in production.items() for name in template.all("AWS::IAM::Role")}

    assert len(roles) == len(MAY) + len(DELIVERED_MAY)


@pytest.mark.parametrize("role", DELIVERED_MAY, ids=".".join)
def test_a_delivery_role_may_do_exactly_what_the_table_says(production: Any, role: tuple[str, str]) -> None:
    statements = list(_statements(production, role))

    assert {action for one in statements for action in listed(one["Action"])} == DELIVERED_MAY[role]
    assert not [one for one in statements if "*" in listed(one["Resource"])]


@every_role
def test_no_action_is_a_wildcard_and_no_policy_is_aws_managed(sandbox: Any, role: tuple[str, str]) -> None:
    stack, start = role

    assert "ManagedPolicyArns" not in sandbox[stack].one("AWS::IAM::Role", start)
    assert not [one for one in _statements(sandbox, role) if any("*" in action for action in listed(one["Action"]))]


@every_role
def test_all_resources_are_named_only_where_aws_has_no_resource_level(sandbox: Any, role: tuple[str, str]) -> None:
    everywhere = [one for one in _statements(sandbox, role) if "*" in listed(one["Resource"])]

    assert {action for one in everywhere for action in listed(one["Action"])} <= WITHOUT_RESOURCE_LEVEL


@every_role
def test_a_wildcard_in_a_resource_is_its_last_character(sandbox: Any, role: tuple[str, str]) -> None:
    for statement in _statements(sandbox, role):
        for resource in map(_flat, listed(statement["Resource"])):
            assert "*" not in resource[:-1]


@every_role
def test_sagemaker_actions_name_resources_of_a_type_they_know(sandbox: Any, role: tuple[str, str]) -> None:
    for statement in _statements(sandbox, role):
        actions = {name.removeprefix("sagemaker:") for name in listed(statement["Action"]) if "sagemaker:" in name}
        kinds = set()
        for resource in map(_flat, listed(statement["Resource"])) if actions else ():
            kind = resource.split(":")[-1].split("/")[0].replace("<reference>", "model-package-group")
            kinds.add("pipeline-execution" if "/execution/" in resource else kind)
        for action in actions:
            assert kinds & SAGEMAKER_RESOURCES[action], (action, kinds)


@pytest.mark.parametrize(
    ("role", "passed"),
    [
        (("Training", "PipelineRole"), "PipelineRole"),
        (("Serving", "DeployModelRole"), "EndpointRole"),
        (("Monitoring", "PipelineRole"), "PipelineRole"),
    ],
)
def test_a_role_is_handed_to_sagemaker_only(sandbox: Any, role: tuple[str, str], passed: str) -> None:
    (statement,) = (one for one in _statements(sandbox, role) if "iam:PassRole" in listed(one["Action"]))

    assert statement["Resource"] == {"Fn::GetAtt": [sandbox[role[0]].id("AWS::IAM::Role", passed), "Arn"]}
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


@every_role
def test_a_role_trusts_one_service(sandbox: Any, role: tuple[str, str]) -> None:
    stack, start = role
    (statement,) = sandbox[stack].one("AWS::IAM::Role", start)["AssumeRolePolicyDocument"]["Statement"]
    service = TRUSTED.get(start, "lambda")

    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}


@pytest.mark.parametrize(
    ("stack", "role"), [("Monitoring", "ScheduleRole"), ("Training", "WatchRole"), ("Monitoring", "FailedRunsRole")]
)
def test_a_role_of_a_service_that_acts_for_many_is_for_one_source_of_this_account(
    sandbox: Any, stack: str, role: str
) -> None:
    (statement,) = sandbox[stack].one("AWS::IAM::Role", role)["AssumeRolePolicyDocument"]["Statement"]
    condition = statement["Condition"]["StringEquals"]

    assert condition["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    if role != "FailedRunsRole":
        (group,) = sandbox[stack].all("AWS::Scheduler::ScheduleGroup")
        assert condition["aws:SourceArn"] == {"Fn::GetAtt": [group, "Arn"]}
    else:
        name = sandbox[stack].one("AWS::Events::Rule", "FailedRuns")["Name"]
        assert condition["aws:SourceArn"]["Fn::Join"][1][-1] == f":rule/{name}"


def test_metrics_go_to_sagemakers_own_namespaces_and_the_monitors_to_its_own(sandbox: Any) -> None:
    namespaces = {
        role: listed(statement["Condition"]["StringEquals"]["cloudwatch:namespace"])
        for role in MAY
        for statement in _statements(sandbox, role)
        if "cloudwatch:PutMetricData" in listed(statement["Action"])
    }

    assert namespaces == {
        ("Training", "PipelineRole"): ["/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs"],
        ("Serving", "EndpointRole"): ["/aws/sagemaker/Endpoints"],
        ("Monitoring", "PipelineRole"): ["/aws/sagemaker/ProcessingJobs", "Tandem/Monitoring"],
    }


def test_a_grant_on_the_key_is_for_aws_services_only(sandbox: Any) -> None:
    found = {
        role: (listed(statement["Action"]), statement["Condition"], "Key961B73FDArn" in str(statement["Resource"]))
        for role in MAY
        for statement in _statements(sandbox, role)
        if "kms:CreateGrant" in listed(statement["Action"])
    }

    makes_machines = [("Training", "PipelineRole"), ("Serving", "DeployModelRole"), ("Monitoring", "PipelineRole")]
    for_services = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert found == dict.fromkeys(makes_machines, (["kms:CreateGrant"], for_services, True))


def test_a_handler_uses_the_key_of_the_ledger_through_dynamodb_only(sandbox: Any) -> None:
    (statement,) = (
        one
        for one in _statements(sandbox, ("Training", "CloseTrainingRole"))
        if "kms:ReEncryptTo" in listed(one["Action"])
    )

    (service,) = statement["Condition"]["StringEquals"].values()
    assert service == {"Fn::Join": ["", ["dynamodb.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]]}


def test_the_data_is_read_by_two_pipelines_and_written_by_the_application_alone(sandbox: Any) -> None:
    touching = {
        (*role, action)
        for role in MAY
        for statement in _statements(sandbox, role)
        for action in listed(statement["Action"])
        if action.startswith("s3:") and "DataBucket" in str(statement["Resource"])
    }

    assert touching == {
        ("Application", "ApplicationRole", "s3:PutObject"),
        ("Training", "PipelineRole", "s3:GetObjectVersion"),
        ("Training", "StartTrainingRole", "s3:ListBucket"),
        ("Training", "StartTrainingRole", "s3:ListBucketVersions"),
        ("Monitoring", "PipelineRole", "s3:GetObject"),
        ("Monitoring", "PipelineRole", "s3:ListBucket"),
    }


def test_the_monitor_reads_traffic_labels_and_baselines_and_writes_its_own_prefix_only(sandbox: Any) -> None:
    reached = {
        (action, resource.rpartition("/")[0].rpartition("/")[2])
        for statement in _statements(sandbox, ("Monitoring", "PipelineRole"))
        for action in listed(statement["Action"])
        if action in {"s3:GetObject", "s3:PutObject"}
        for resource in map(_flat, listed(statement["Resource"]))
        if resource.endswith("*")
    }

    assert reached == {
        ("s3:GetObject", "capture"),
        ("s3:GetObject", "runs"),
        ("s3:GetObject", "monitoring"),
        ("s3:GetObject", "ground-truth"),
        ("s3:PutObject", "monitoring"),
    }


def test_a_wildcard_action_cannot_be_granted() -> None:
    role = iam.Role(Stack(App(), "Stack"), "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

    with pytest.raises(ValueError, match=r"'s3:\*' is a wildcard; name the exact actions"):
        allow(role, actions=["s3:*"], resources=["arn:aws:s3:::bucket"])


def test_a_wildcard_resource_needs_a_reason() -> None:
    role = iam.Role(Stack(App(), "Stack"), "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

    with pytest.raises(ValueError, match="is a wildcard; give wildcard_reason"):
        allow(role, actions=["s3:GetObject"], resources=["arn:aws:s3:::bucket/*"])
