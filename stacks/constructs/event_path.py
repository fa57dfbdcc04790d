"""EventBridge rule → SQS queue (and its dead-letter queue) → handler, with an alarm on every way it can fail."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.dead_letters import alarm_on_dead_letters, alarm_on_undelivered, dead_letters
from stacks.constructs.handler import Handler
from stacks.constructs.notifications import ALARM_PERIOD, Notifications, alarm_on
from stacks.constructs.permissions import allow
from stacks.constructs.queue_key import DATA_KEY_REUSE, grant_receive, grant_send
from stacks.constructs.rule_target import RuleTarget, let_rule_send

_UNGATHERED: Final = 10


@dataclass(frozen=True)
class Delivery:
    """How messages reach the handler.

    Attributes:
        settle_seconds: delay before a message becomes visible; a burst within it reaches the handler together.
        batch_size: most messages in one invocation; above 10, Lambda gathers them for up to a second.
        attempts: deliveries before a message goes to the dead-letter queue.
    """

    settle_seconds: int = 0
    batch_size: int = 10
    attempts: int = 5


class EventPath(Construct):
    """One listener of the loop with its whole failure path, its queues under the environment's key."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        pattern: events.EventPattern,
        description: str,
        handler: Handler,
        notifications: Notifications,
        key: kms.IKey,
        delivery: Delivery | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._handler, self._notifications, self._key = handler, notifications, key
        delivery = delivery or Delivery()
        invisible_seconds = 6 * handler.sizing.timeout_seconds
        self.dead_letters = dead_letters(self, key=key)
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            data_key_reuse=DATA_KEY_REUSE,
            enforce_ssl=True,
            delivery_delay=Duration.seconds(delivery.settle_seconds),
            visibility_timeout=Duration.seconds(invisible_seconds),
            retention_period=Duration.days(4),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=delivery.attempts),
        )
        grant_receive(handler.role, self.queue, key=key)
        # The CDK's own event source has the stage's path in its logical id: a delivery pipeline that takes over a
        # stack would create a second mapping beside the first, which Lambda refuses.
        lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=handler.function,
            event_source_arn=self.queue.queue_arn,
            batch_size=delivery.batch_size,
            max_batching_window=Duration.seconds(1) if delivery.batch_size > _UNGATHERED else None,
            max_concurrency=2,
            report_batch_item_failures=True,
        )
        self._watch(handler, notifications, patience=invisible_seconds * delivery.attempts)
        self.deliver("", pattern=pattern, description=description)

    def deliver(self, prefix: str, *, pattern: events.EventPattern, description: str) -> None:
        """Deliver events to the handler, by a rule of their own that is watched; ``prefix`` begins its construct id."""
        rule = events.Rule(
            self,
            f"{prefix}Rule",
            description=description,
            event_pattern=pattern,
            targets=[RuleTarget(self.queue.queue_arn, dead_letters=self.dead_letters)],
        )
        let_rule_send(self.queue, rule)
        alarm_on_undelivered(
            self,
            rule,
            prefix=prefix,
            description=f"EventBridge could not reach the queue of {self._handler.node.id}: check the queue's policy.",
            runbook="undelivered-events",
            notifications=self._notifications,
        )

    def grant_send(self, handler: Handler, *, variable: str | None = None) -> None:
        """Let ``handler`` send messages of its own; it finds the queue's URL in ``variable``, or asks SQS for it."""
        self.grant_ask(handler.role)
        if variable is not None:
            handler.function.add_environment(variable, self.queue.queue_url)
        else:
            allow(handler.role, actions=["sqs:GetQueueUrl"], resources=[self.queue.queue_arn])

    def grant_ask(self, role: iam.Role) -> None:
        """Let ``role`` send messages of its own."""
        grant_send(role, self.queue, key=self._key)

    def _watch(self, handler: Handler, notifications: Notifications, *, patience: int) -> None:
        alarm_on_dead_letters(
            self,
            self.dead_letters,
            description=f"{handler.node.id} gave up on a message: read it in the dead-letter queue, mend the cause, "
            "then redrive it.",
            runbook="dead-letters",
            notifications=notifications,
        )
        alarm_on(
            self,
            "AgeAlarm",
            metric=self.queue.metric_approximate_age_of_oldest_message(period=ALARM_PERIOD, statistic="Maximum"),
            above=patience,
            description=f"{handler.node.id} is not keeping up: a message waits longer than its attempts should take.",
            runbook="queue-age",
            notifications=notifications,
        )
        alarm_on(
            self,
            "ErrorsAlarm",
            metric=handler.function.metric_errors(period=ALARM_PERIOD, statistic="Sum"),
            above=0,
            description=f"{handler.node.id} failed as a whole; single messages are retried without this alarm.",
            runbook="handler-errors",
            notifications=notifications,
        )
