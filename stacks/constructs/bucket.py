"""A bucket that keeps every version, encrypted, reachable over TLS only, and that reports to EventBridge if asked."""

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.permissions import allow, through
from stacks.constructs.unfitting import LOGS_OF_ACCESS, decline

_WHY_PREFIX = "The keys below this prefix are only known at run time; the permission ends at the prefix."


@dataclass(frozen=True)
class Expiry:
    """Objects below ``prefix`` are deleted after ``days`` days."""

    prefix: str
    days: int


class AccessLogBucket(Construct):
    """Receives the access logs of the other buckets for 90 days.

    It is encrypted with S3's own key, the only kind that log delivery supports (AWS page "Enabling Amazon S3 server
    access logging").
    """

    def __init__(self, scope: Construct, construct_id: str, *, retain: bool) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(expiration=Duration.days(90), abort_incomplete_multipart_upload_after=Duration.days(7))
            ],
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )
        decline(self.bucket, LOGS_OF_ACCESS)


class SecureBucket(Construct):
    """A versioned bucket with the project's key."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        access_logs: AccessLogBucket,
        retain: bool,
        keep_versions_days: int,
        expire: tuple[Expiry, ...] = (),
        report_events: bool = False,
    ) -> None:
        """Build the bucket.

        Args:
            scope: parent construct.
            construct_id: id; also the prefix of this bucket's access logs.
            key: encrypts every object.
            access_logs: where the access logs go.
            retain: keep bucket and objects when the stack is deleted.
            keep_versions_days: how long an overwritten or deleted version stays readable.
            expire: prefixes whose objects are not kept for ever.
            report_events: send "Object Created" and the other S3 events to EventBridge.
        """
        super().__init__(scope, construct_id)
        self._key = key
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            server_access_logs_bucket=access_logs.bucket,
            server_access_logs_prefix=f"{construct_id.lower()}/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(keep_versions_days),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                    expired_object_delete_marker=True,
                ),
                *(s3.LifecycleRule(prefix=rule.prefix, expiration=Duration.days(rule.days)) for rule in expire),
            ],
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )
        if report_events:
            self._report_events()

    @property
    def name(self) -> str:
        """Name of the bucket."""
        return self.bucket.bucket_name

    @property
    def key_arn(self) -> str:
        """ARN of the key that encrypts the bucket's objects."""
        return self._key.key_arn

    def grant_list(self, role: iam.Role) -> None:
        """Let ``role`` list objects, and learn that an object does not exist.

        Without a condition on the prefix: a read that may find nothing carries no prefix, and S3 then answers 403
        instead of 404 (AWS page "GetObject", Permissions).
        """
        allow(role, actions=["s3:ListBucket"], resources=[self.bucket.bucket_arn])

    def grant_list_versions(self, role: iam.Role) -> None:
        """Let ``role`` list objects and their versions."""
        allow(role, actions=["s3:ListBucket", "s3:ListBucketVersions"], resources=[self.bucket.bucket_arn])

    def grant_read(self, role: iam.Role, *, prefix: str) -> None:
        """Let ``role`` read the current objects below ``prefix``."""
        self._grant_get("s3:GetObject", role, prefix)

    def grant_read_versions(self, role: iam.Role, *, prefix: str) -> None:
        """Let ``role`` read the objects below ``prefix`` at any version that it names."""
        self._grant_get("s3:GetObjectVersion", role, prefix)

    def _grant_get(self, action: str, role: iam.Role, prefix: str) -> None:
        allow(
            role,
            actions=[action],
            resources=[self.bucket.arn_for_objects(f"{prefix}*")],
            wildcard_reason=_WHY_PREFIX,
        )
        self._grant_key(role, "kms:Decrypt")

    def grant_write(self, role: iam.Role, *, prefix: str) -> None:
        """Let ``role`` create objects below ``prefix``."""
        allow(
            role,
            actions=["s3:PutObject", "s3:AbortMultipartUpload"],
            resources=[self.bucket.arn_for_objects(f"{prefix}*")],
            wildcard_reason=_WHY_PREFIX,
        )
        self._grant_key(role, "kms:Decrypt", "kms:GenerateDataKey")

    def _grant_key(self, role: iam.Role, *actions: str) -> None:
        allow(role, actions=actions, resources=[self._key.key_arn], conditions=through(self, "s3"))

    def _report_events(self) -> None:
        # The L2 switch would add a custom resource with its own Lambda function; CloudFormation can do it itself.
        bucket = self.bucket.node.default_child
        if not isinstance(bucket, s3.CfnBucket):
            raise TypeError(f"{self.node.path}: expected a CfnBucket, found {type(bucket).__name__}")
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
