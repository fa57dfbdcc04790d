"""Queues for what could not be delivered, and the alarms that say that something is in one, or not even there."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.notifications import ALARM_PERIOD, Notifications, alarm_on
from stacks.constructs.permissions import acknowledge
from stacks.constructs.queue_key import DATA_KEY_REUSE
from stacks.constructs.unfitting import LAST_RESORT, decline


def dead_letters(scope: Construct, *, key: kms.IKey, of: str | None = None) -> sqs.Queue:
    """A queue that keeps messages for two weeks; ``of`` names its user where no queue's redrive policy shows it."""
    queue = sqs.Queue(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        data_key_reuse=DATA_KEY_REUSE,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    decline(queue, LAST_RESORT)
    if of is not None:
        acknowledge(queue, "SQS3", reason=f"It is itself the dead-letter queue of {of}, and that is no queue.")
    return queue


def alarm_on_dead_letters(
    scope: Construct, queue: sqs.IQueue, *, description: str, runbook: str, notifications: Notifications
) -> cloudwatch.Alarm:
    """Tell people as soon as there is a message in ``queue``."""
    return alarm_on(
        scope,
        "DeadLettersAlarm",
        metric=queue.metric_approximate_number_of_messages_visible(period=ALARM_PERIOD, statistic="Maximum"),
        above=0,
        description=description,
        runbook=runbook,
        notifications=notifications,
    )


def alarm_on_undelivered(
    scope: Construct,
    rule: events.IRule,
    *,
    description: str,
    runbook: str,
    notifications: Notifications,
    prefix: str = "",
) -> cloudwatch.Alarm:
    """Tell people of events that a rule matched and could not deliver (AWS page "Monitoring Amazon EventBridge")."""
    return alarm_on(
        scope,
        f"{prefix}UndeliveredAlarm",
        metric=cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="FailedInvocations",
            dimensions_map={"RuleName": rule.rule_name},
            period=ALARM_PERIOD,
            statistic="Sum",
        ),
        above=0,
        description=description,
        runbook=runbook,
        notifications=notifications,
    )
