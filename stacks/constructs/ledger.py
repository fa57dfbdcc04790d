"""The ledger: one DynamoDB table with the state of the loop and the history of runs and deployments."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.permissions import allow, through
from stacks.constructs.unfitting import RECOVERS_BY_ITSELF, decline


class Ledger(Construct):
    """A table on demand with point-in-time recovery."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey, retain: bool) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        # Not TableV2: it cannot name a key of its own in an environment-agnostic stack.
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            # Only what remembers a handled request carries it; the history stays.
            time_to_live_attribute="expires_at",
            deletion_protection=retain,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )
        decline(self.table, RECOVERS_BY_ITSELF)

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.table.table_name

    def grant_read_write(self, role: iam.Role) -> None:
        """Let ``role`` read and write single entries, also in transactions; nobody may delete the history."""
        allow(role, actions=["dynamodb:GetItem", "dynamodb:PutItem"], resources=[self.table.table_arn])
        # DynamoDB uses a customer managed key in its caller's name (AWS page "DynamoDB encryption at rest: Usage
        # notes"), so the caller needs the key as well, through DynamoDB only.
        allow(
            role,
            actions=[
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
            ],
            resources=[self._key.key_arn],
            conditions=through(self, "dynamodb"),
        )

    def grant_query(self, role: iam.Role) -> None:
        """Let ``role`` read a part of the history."""
        allow(role, actions=["dynamodb:Query"], resources=[self.table.table_arn])
