"""How logs are kept and encrypted: one rule for all of them."""

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


def kept_logs(
    scope: Construct, construct_id: str, *, key: kms.IKey, retain: bool, name: str | None = None
) -> logs.LogGroup:
    """A log group with a key that ``let_logs_use`` opened; it keeps a year where state is retained, else two weeks."""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        encryption_key=key,
        retention=logs.RetentionDays.ONE_YEAR if retain else logs.RetentionDays.TWO_WEEKS,
        removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
    )


def let_logs_use(key: kms.Key) -> None:
    """Let CloudWatch Logs encrypt log groups of this account with ``key``.

    AWS page "Encrypt log data in CloudWatch Logs using AWS Key Management Service": who writes or reads a log group
    needs no permission on its key.
    """
    stack = Stack.of(key)
    groups = stack.format_arn(
        service="logs", resource="log-group", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="LogsEncrypt",
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )
    )
