"""How long logs are kept: one rule for all of them."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct


def kept_logs(scope: Construct, construct_id: str, *, retain: bool, name: str | None = None) -> logs.LogGroup:
    """A log group that keeps a year where state is retained, and two weeks elsewhere."""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=logs.RetentionDays.ONE_YEAR if retain else logs.RetentionDays.TWO_WEEKS,
        removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
    )
