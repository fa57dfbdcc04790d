"""Roles that SageMaker assumes, with what every job or endpoint needs to run and to be observed.

The statements follow the AWS page "How to use SageMaker AI execution roles"; actions and resource levels follow the
Service Authorization Reference.
"""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.permissions import allow, allow_everywhere
from stacks.constructs.placement import Placement
from stacks.constructs.regional import Image, grant_pull

SAGEMAKER = "sagemaker.amazonaws.com"


def sagemaker_role(
    scope: Construct,
    construct_id: str,
    *,
    description: str,
    images: Sequence[Image],
    log_groups: Sequence[str],
    namespaces: Sequence[str] = (),
    placement: Placement | None = None,
) -> iam.Role:
    """A role that may pull ``images``, write to the ``/aws/sagemaker/...`` log groups and publish their metrics.

    SageMaker publishes the utilisation of jobs and endpoints as metrics in a namespace of the same name as the first
    part of the log group; ``namespaces`` are those that the code publishes to beside it. ``placement`` is where
    its jobs or models run, if not in SageMaker's own network.
    """
    role = iam.Role(scope, construct_id, assumed_by=iam.ServicePrincipal(SAGEMAKER), description=description)
    grant_pull(role, images)
    stack = Stack.of(scope)
    allow(
        role,
        actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        resources=[
            stack.format_arn(
                service="logs", resource="log-group", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
            )
            for group in log_groups
            for name in (group, f"{group}:*")
        ],
        wildcard_reason="SageMaker names the log streams after jobs and instances; the permission ends at the group.",
    )
    _grant_metrics(role, namespaces=[*("/".join(group.split("/")[:4]) for group in log_groups), *namespaces])
    if placement is not None:
        placement.put_sagemaker(role)
    return role


def grant_pass(role: iam.Role, *, to: iam.Role) -> None:
    """Let ``to`` hand ``role`` to SageMaker and to no other service."""
    allow(
        to,
        actions=["iam:PassRole"],
        resources=[role.role_arn],
        conditions={"StringEquals": {"iam:PassedToService": SAGEMAKER}},
    )


def grant_volumes(role: iam.Role, *, key_arn: str) -> None:
    """Let ``role`` have SageMaker encrypt the storage volumes of jobs or of an endpoint with a key.

    The instances are SageMaker's, which gets a grant on the key from whoever asks for them; the permission ends at
    grants for AWS services (AWS pages "How to use SageMaker AI execution roles", "Amazon SageMaker API Permissions" and
    "Condition keys for AWS KMS", kms:GrantIsForAWSResource). No page says through which service the grant is asked for,
    so that ``kms:ViaService`` is left open.
    """
    allow(
        role,
        actions=["kms:CreateGrant"],
        resources=[key_arn],
        conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    )


def _grant_metrics(role: iam.Role, *, namespaces: Sequence[str]) -> None:
    allow_everywhere(
        role,
        "Metrics",
        actions=["cloudwatch:PutMetricData"],
        conditions={"StringEquals": {"cloudwatch:namespace": list(namespaces)}},
        reason="cloudwatch:PutMetricData has no resource level; the condition limits it to the namespaces.",
    )
