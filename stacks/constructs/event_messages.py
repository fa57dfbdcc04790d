"""Events → messages to people, with a dead-letter queue and alarms on the ways in which a message can get lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.dead_letters import alarm_on_dead_letters, alarm_on_undelivered, dead_letters
from stacks.constructs.notifications import Notifications, rule_role
from stacks.constructs.rule_target import RuleTarget


@dataclass(frozen=True)
class Message:
    """One kind of message.

    Attributes:
        rule_name: physical name of the rule; the role's trust has to know it before there is a rule.
        description: of the rule: what has happened.
        pattern: the events.
        text: what people read.
        prefix: begins the ids of the rule and of its alarm.
    """

    rule_name: str
    description: str
    pattern: events.EventPattern
    text: str
    prefix: str = ""


class EventMessages(Construct):
    """Publishes a text to a topic for each event of some kinds.

    EventBridge publishes under a role, which names one topic and which it may assume for these rules; a key that a
    topic is encrypted with takes no conditions for EventBridge itself (AWS page "Managing Amazon SNS encryption keys
    and costs").
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        messages: Sequence[Message],
        notifications: Notifications,
        key: kms.IKey,
        of: str,
        advice: str,
        runbook: str,
    ) -> None:
        """Define the rules.

        Args:
            scope: parent construct.
            construct_id: id.
            messages: what people are told of.
            notifications: who is told.
            key: encrypts the messages that could not be published.
            of: what the messages are about, for the alarms.
            advice: what to do when one got lost, in one sentence.
            runbook: page of ``docs/runbooks`` for the alarms.
        """
        super().__init__(scope, construct_id)
        self.dead_letters = dead_letters(self, key=key, of="an EventBridge rule")
        self.role = rule_role(self, "Role", rule_names=[message.rule_name for message in messages])
        notifications.grant_publish(self.role)
        for message in messages:
            rule = events.Rule(
                self,
                f"{message.prefix}Rule",
                rule_name=message.rule_name,
                description=message.description,
                event_pattern=message.pattern,
                targets=[
                    RuleTarget(
                        notifications.topic.topic_arn,
                        dead_letters=self.dead_letters,
                        role=self.role,
                        message=events.RuleTargetInput.from_text(message.text),
                    )
                ],
            )
            alarm_on_undelivered(
                self,
                rule,
                prefix=message.prefix,
                description="EventBridge could not publish to the notification topic: check the role of the rule. "
                + advice,
                runbook=runbook,
                notifications=notifications,
            )
        alarm_on_dead_letters(
            self,
            self.dead_letters,
            description=f"A message about {of} was not published: read it in the dead-letter queue. {advice}",
            runbook=runbook,
            notifications=notifications,
        )
