"""Where people hear of what the loop did: one encrypted topic for handlers and alarms."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.constructs.permissions import allow, through
from stacks.constructs.unfitting import MAIL, decline


class Notifications(Construct):
    """A topic that only accepts TLS, with one subscription per e-mail address."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.Key, emails: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        for email in emails:
            decline(self.topic.add_subscription(subscriptions.EmailSubscription(email)), MAIL)
        self._let_alarms_publish()

    def grant_publish(self, role: iam.Role) -> None:
        """Let ``role`` publish messages."""
        allow(role, actions=["sns:Publish"], resources=[self.topic.topic_arn])
        allow(
            role,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[self._key.key_arn],
            conditions=through(self, "sns"),
        )

    def _let_alarms_publish(self) -> None:
        # An alarm publishes as the CloudWatch service, so it needs both the topic and its key
        # (AWS page "Managing Amazon SNS encryption keys and costs", event sources and encrypted topics).
        from_this_account = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        cloudwatch_service = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublish",
                principals=[cloudwatch_service],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=from_this_account,
            )
        )
        self._key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsPublishEncrypted",
                principals=[cloudwatch_service],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions=from_this_account,
            )
        )


def rule_role(scope: Construct, construct_id: str, *, rule_names: Sequence[str]) -> iam.Role:
    """A role that EventBridge can take on for some rules, whose physical names have to be known before they exist."""
    stack = Stack.of(scope)
    arns = [stack.format_arn(service="events", resource="rule", resource_name=name) for name in rule_names]
    trusted = iam.ServicePrincipal(
        "events.amazonaws.com",
        conditions={
            "StringEquals": {
                "aws:SourceAccount": stack.account,
                "aws:SourceArn": arns[0] if len(arns) == 1 else arns,
            }
        },
    )
    description = f"EventBridge delivers with it what these rules match: {', '.join(rule_names)}"
    return iam.Role(scope, construct_id, assumed_by=trusted, description=description)


def alarm_on(
    scope: Construct,
    construct_id: str,
    *,
    metric: cloudwatch.IMetric,
    above: float,
    description: str,
    runbook: str,
    notifications: Notifications,
) -> cloudwatch.Alarm:
    """An alarm that notifies as soon as one period lies above ``above``; a period without data is a good one."""
    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=above,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=with_runbook(description, runbook),
    )
    alarm.add_alarm_action(actions.SnsAction(notifications.topic))
    return alarm


def with_runbook(description: str, page: str) -> str:
    """Describe an alarm so that its message ends with the page of ``docs/runbooks`` that says what to do."""
    return f"{description} Runbook: docs/runbooks/{page}.md"


ALARM_PERIOD = Duration.minutes(5)
