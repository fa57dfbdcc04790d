"""An EventBridge schedule with retries, a dead-letter queue and an alarm on both."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.constructs.dead_letters import alarm_on_dead_letters, dead_letters
from stacks.constructs.notifications import ALARM_PERIOD, Notifications, alarm_on
from stacks.constructs.queue_key import grant_send

SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"
"""Replaced by the Scheduler: ``2027-03-22T18:59:43Z`` (AWS page "Adding context attributes")."""
_PATIENCE: Final = Duration.hours(6)
_ATTEMPTS: Final = 60


@dataclass(frozen=True)
class Target:
    """What a schedule calls.

    Attributes:
        arn: the target.
        input: what it is given.
    """

    arn: str
    input: str


@dataclass(frozen=True)
class Failure:
    """How people hear that the target was not called.

    Attributes:
        task: what was not done, as a noun: ``starting flights-sandbox-monitoring``.
        advice: what that means, in one sentence.
        runbook: page of both alarms.
    """

    task: str
    advice: str
    runbook: str


class Schedule(Construct):
    """Calls a target on a schedule; ``role`` has to be allowed to.

    The group is of its own because the Scheduler's metrics are told apart by group only (AWS page "Monitoring Amazon
    EventBridge Scheduler with Amazon CloudWatch"), and because a role is scoped to a group (page "Confused deputy
    prevention").
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        expression: str,
        target: Target,
        failure: Failure,
        notifications: Notifications,
        key: kms.IKey,
    ) -> None:
        """Define the schedule.

        Args:
            scope: parent construct.
            construct_id: id.
            description: what it does.
            expression: ``rate(...)`` or ``cron(...)``, in UTC.
            target: what is called.
            failure: what people are told when it could not be called.
            notifications: who hears of that.
            key: encrypts the calls that are kept.
        """
        super().__init__(scope, construct_id)
        self.dead_letters = dead_letters(self, key=key, of="an EventBridge schedule")
        group = scheduler.CfnScheduleGroup(self, "Group")
        self.role = _role(self, group)
        grant_send(self.role, self.dead_letters, key=key)
        self.schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            description=description,
            group_name=group.ref,
            schedule_expression=expression,
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=target.arn,
                role_arn=self.role.role_arn,
                input=target.input,
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=_PATIENCE.to_seconds(), maximum_retry_attempts=_ATTEMPTS
                ),
            ),
        )
        self.schedule.node.add_dependency(self.role)
        self._watch(group, failure, notifications)

    def _watch(self, group: scheduler.CfnScheduleGroup, failure: Failure, notifications: Notifications) -> None:
        alarm_on_dead_letters(
            self,
            self.dead_letters,
            description=f"EventBridge Scheduler gave up on {failure.task}: the message in the dead-letter queue says "
            f"why. Mend the cause; {failure.advice}",
            runbook=failure.runbook,
            notifications=notifications,
        )
        alarm_on(
            self,
            "UndeliveredAlarm",
            metric=cloudwatch.Metric(
                namespace="AWS/Scheduler",
                metric_name="InvocationsFailedToBeSentToDeadLetterCount",
                dimensions_map={"ScheduleGroup": group.ref},
                period=ALARM_PERIOD,
                statistic="Sum",
            ),
            above=0,
            description=f"EventBridge Scheduler gave up on {failure.task} and could not say so in its dead-letter "
            "queue: check the permissions of the schedule's role.",
            runbook=failure.runbook,
            notifications=notifications,
        )


def _role(scope: Construct, group: scheduler.CfnScheduleGroup) -> iam.Role:
    """The role of the schedule; the Scheduler assumes it for this group of this account only."""
    trusted = iam.ServicePrincipal(
        "scheduler.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": Stack.of(scope).account, "aws:SourceArn": group.attr_arn},
        },
    )
    return iam.Role(scope, "Role", assumed_by=trusted, description="Calls the one target that the schedule names")
