"""What the application's stack knows of the ML side, which another pipeline deploys: exports and generated names.

CloudFormation refuses to delete or change an export while a stack imports it (AWS page "Get exported outputs from a
deployed CloudFormation stack"), so neither pipeline can take away what the other one stands on.
"""

from functools import cached_property
from typing import Final

from aws_cdk import ArnFormat, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.permissions import allow, through
from stacks.constructs.placement import Placement
from stacks.settings import GROUND_TRUTH, Settings

DATA_BUCKET: Final = "DataBucketName"
ARTIFACTS_BUCKET: Final = "ArtifactsBucketName"
LEDGER_TABLE: Final = "LedgerTableName"
TOPIC: Final = "NotificationTopicArn"
KEY: Final = "KeyArn"
SUBNETS: Final = "SubnetIds"
SECURITY_GROUP: Final = "SecurityGroupId"

_WHY_PREFIX = "The keys below this prefix are only known at run time; the permission ends at the prefix."


class Neighbours(Construct):
    """Storage, network and endpoint of the same environment, and what the application may do with them."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._names = settings.names
        self._is_isolated = settings.deployment.network == "isolated"
        self.endpoint = settings.names.endpoint

    @property
    def data_bucket(self) -> str:
        """Name of the bucket that takes ground truth."""
        return self._imported(DATA_BUCKET)

    @property
    def artifacts_bucket(self) -> str:
        """Name of the bucket with evaluations, contracts and baselines."""
        return self._imported(ARTIFACTS_BUCKET)

    @property
    def ledger(self) -> str:
        """Name of the table that says which version is live."""
        return self._imported(LEDGER_TABLE)

    @property
    def topic(self) -> str:
        """ARN of the topic that people listen to."""
        return self._imported(TOPIC)

    @property
    def key(self) -> str:
        """ARN of the environment's key."""
        return self._imported(KEY)

    @cached_property
    def log_key(self) -> kms.IKey:
        """The environment's key, as log groups take it."""
        return kms.Key.from_key_arn(self, "Key", self.key)

    @property
    def placement(self) -> Placement | None:
        """Where the application runs, if the environment has a network of its own."""
        if not self._is_isolated:
            return None
        return Placement(subnets=Fn.split(",", self._imported(SUBNETS)), group=self._imported(SECURITY_GROUP))

    def grant_ask(self, role: iam.Role) -> None:
        """Let ``role`` ask the endpoint for predictions."""
        endpoint = self._arn("sagemaker", f"endpoint/{self.endpoint}")
        allow(role, actions=["sagemaker:InvokeEndpoint"], resources=[endpoint])

    def grant_read_model(self, role: iam.Role) -> None:
        """Let ``role`` learn which version is live, and what was measured and trained."""
        table = self._arn("dynamodb", f"table/{self.ledger}")
        objects = f"arn:{Stack.of(self).partition}:s3:::{self.artifacts_bucket}/runs/*"
        allow(role, actions=["dynamodb:GetItem"], resources=[table])
        allow(role, actions=["s3:GetObject"], resources=[objects], wildcard_reason=_WHY_PREFIX)
        allow(role, actions=["kms:Decrypt"], resources=[self.key], conditions=through(self, "dynamodb", "s3"))

    def grant_tell_outcomes(self, role: iam.Role) -> None:
        """Let ``role`` write ground truth."""
        objects = f"arn:{Stack.of(self).partition}:s3:::{self.data_bucket}/{GROUND_TRUTH}*"
        allow(role, actions=["s3:PutObject"], resources=[objects], wildcard_reason=_WHY_PREFIX)
        allow(role, actions=["kms:GenerateDataKey"], resources=[self.key], conditions=through(self, "s3"))

    def _imported(self, what: str) -> str:
        return Fn.import_value(self._names.export(what))

    def _arn(self, service: str, resource: str) -> str:
        return Stack.of(self).format_arn(service=service, resource=resource, arn_format=ArnFormat.NO_RESOURCE_NAME)
