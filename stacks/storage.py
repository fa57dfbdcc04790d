"""Storage: everything with state. The other stacks of a stage are built around it and can be replaced."""

from dataclasses import dataclass

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.bucket import AccessLogBucket, Expiry, SecureBucket
from stacks.constructs.ledger import Ledger
from stacks.constructs.logs import let_logs_use
from stacks.constructs.neighbours import ARTIFACTS_BUCKET, DATA_BUCKET, KEY, LEDGER_TABLE, TOPIC
from stacks.constructs.notifications import Notifications
from stacks.constructs.queue_key import let_events_send
from stacks.settings import CAPTURE_DAYS, Settings

_KEEP_DATA_VERSIONS_DAYS = 730
"""Snapshots name object versions: a model can be trained again as long as the versions it was made of are kept."""

_KEEP_ARTIFACT_VERSIONS_DAYS = 90
_KEEP_JUDGEMENTS_DAYS = 455
"""As long as CloudWatch keeps the metrics that were made of them: 15 months, so that a season can be compared with
the last one."""
_KEEP_REPLAYS_DAYS = 90


@dataclass(frozen=True)
class StorageResources:
    """What the other stacks of the stage use."""

    key: kms.IKey
    data: SecureBucket
    artifacts: SecureBucket
    ledger: Ledger
    notifications: Notifications


class StorageStack(Stack):
    """Key, data bucket, artifacts bucket, ledger and notification topic."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        retain = settings.deployment.retain
        super().__init__(
            scope,
            construct_id,
            description=f"{settings.names.stage}: data, artifacts and ledger",
            termination_protection=retain,
        )
        key = kms.Key(
            self,
            "Key",
            description=f"Data, artifacts, ledger, queues and notifications of {settings.names.stage}",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )
        let_logs_use(key)
        let_events_send(key)
        access_logs = AccessLogBucket(self, "AccessLogs", retain=retain)
        data = SecureBucket(
            self,
            "Data",
            key=key,
            access_logs=access_logs,
            retain=retain,
            keep_versions_days=_KEEP_DATA_VERSIONS_DAYS,
            report_events=True,
        )
        artifacts = SecureBucket(
            self,
            "Artifacts",
            key=key,
            access_logs=access_logs,
            retain=retain,
            keep_versions_days=_KEEP_ARTIFACT_VERSIONS_DAYS,
            expire=(
                Expiry(prefix="capture/", days=CAPTURE_DAYS),
                Expiry(prefix="monitoring/", days=_KEEP_JUDGEMENTS_DAYS),
                Expiry(prefix="runs/reproduce-", days=_KEEP_REPLAYS_DAYS),
            ),
        )
        ledger = Ledger(self, "Ledger", key=key, retain=retain)
        notifications = Notifications(self, "Notifications", key=key, emails=settings.deployment.notify)
        self.resources = StorageResources(
            key=key, data=data, artifacts=artifacts, ledger=ledger, notifications=notifications
        )
        outputs = {
            DATA_BUCKET: data.name,
            ARTIFACTS_BUCKET: artifacts.name,
            LEDGER_TABLE: ledger.name,
            TOPIC: notifications.topic.topic_arn,
            KEY: key.key_arn,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value, export_name=settings.names.export(name))
