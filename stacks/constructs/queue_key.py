"""Queues under a key of the project, and who may use it to send to them and to receive from them.

AWS page "Amazon SQS key management": a sender needs ``kms:GenerateDataKey`` and ``kms:Decrypt``, a receiver
``kms:Decrypt``; SQS asks KMS in their name. A queue hands messages to its dead-letter queue by itself.
"""

from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs

from stacks.constructs.permissions import allow, through

DATA_KEY_REUSE: Final = Duration.hours(1)
"""How long SQS encrypts with one data key. A queue asks KMS up to three times in each period for every sender and
receiver, so five minutes, SQS's own choice, would cost twelve times as much; a day would go on as long after the
project's key is disabled."""


def let_events_send(key: kms.Key) -> None:
    """Let EventBridge encrypt what it sends to queues with ``key``; each queue's policy names the rules that may.

    AWS page "Event bus targets in Amazon EventBridge" has the statement without a condition. The account is named, as
    in the CDK's own grant (feature flag ``@aws-cdk/aws-events:eventsTargetQueueSameAccount``). Rules are not: they
    stand in stacks that are built on that of the key.
    """
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="EventsSendEncrypted",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(key).account}},
        )
    )


def grant_send(role: iam.Role, queue: sqs.IQueue, *, key: kms.IKey) -> None:
    """Let ``role`` send messages to ``queue``."""
    allow(role, actions=["sqs:SendMessage"], resources=[queue.queue_arn])
    allow(
        role,
        actions=["kms:Decrypt", "kms:GenerateDataKey"],
        resources=[key.key_arn],
        conditions=through(role, "sqs"),
    )


def grant_receive(role: iam.Role, queue: sqs.IQueue, *, key: kms.IKey) -> None:
    """Let Lambda take messages from ``queue`` for a function with ``role``.

    AWS page "Configuring permissions for an Amazon SQS event source mapping".
    """
    allow(
        role,
        actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        resources=[queue.queue_arn],
    )
    allow(role, actions=["kms:Decrypt"], resources=[key.key_arn], conditions=through(role, "sqs"))
