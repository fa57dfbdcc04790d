"""EventBridge Scheduler → StartPipelineExecution, with retries, a dead-letter queue and an alarm on both."""

import json
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
from stacks.constructs.sagemaker_pipeline import SageMakerPipeline

SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"
"""Replaced by the Scheduler: ``2027-03-22T18:59:43Z`` (AWS page "Adding context attributes")."""
_PATIENCE: Final = Duration.hours(6)
_ATTEMPTS: Final = 60


class PipelineSchedule(Construct):
    """Starts a pipeline on a schedule, once for each scheduled time, and hands it that time as a parameter.

    The group is of its own because the Scheduler's metrics are told apart by group only (AWS page "Monitoring Amazon
    EventBridge Scheduler with Amazon CloudWatch"), and because a role is scoped to a group (page "Confused deputy
    prevention").
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        expression: str,
        pipeline: SageMakerPipeline,
        parameter: str,
        notifications: Notifications,
        key: kms.IKey,
    ) -> None:
        """Define the schedule.

        Args:
            scope: parent construct.
            construct_id: id.
            expression: ``rate(...)`` or ``cron(...)``, in UTC.
            pipeline: what is started; the token of an execution begins with its name.
            parameter: pipeline parameter that receives the scheduled time.
            notifications: who hears that a run could not be started.
            key: encrypts what is kept of such a run.
        """
        super().__init__(scope, construct_id)
        self.dead_letters = dead_letters(self, key=key, of="an EventBridge schedule")
        group = scheduler.CfnScheduleGroup(self, "Group")
        self.role = _role(self, group)
        pipeline.grant_start(self.role)
        name = pipeline.plain_name
        grant_send(self.role, self.dead_letters, key=key)
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            description=f"Starts {name}",
            group_name=group.ref,
            schedule_expression=expression,
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=f"arn:{Stack.of(self).partition}:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
                role_arn=self.role.role_arn,
                input=json.dumps(
                    {
                        "PipelineName": name,
                        # The same for every attempt at one scheduled time, so that two attempts make one execution.
                        "ClientRequestToken": f"{name}-{SCHEDULED_TIME}",
                        "PipelineParameters": [{"Name": parameter, "Value": SCHEDULED_TIME}],
                    }
                ),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=_PATIENCE.to_seconds(), maximum_retry_attempts=_ATTEMPTS
                ),
            ),
        )
        schedule.node.add_dependency(self.role, pipeline)
        self._watch(group, notifications, name=name)

    def _watch(self, group: scheduler.CfnScheduleGroup, notifications: Notifications, *, name: str) -> None:
        alarm_on_dead_letters(
            self,
            self.dead_letters,
            description=f"EventBridge Scheduler gave up on starting {name}: the message in the dead-letter queue says "
            "why. Mend the cause; the next run judges the windows that were missed.",
            runbook="schedule",
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
            description=f"EventBridge Scheduler could neither start {name} nor say so in its dead-letter queue: check "
            "the permissions of the schedule's role.",
            runbook="schedule",
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
    return iam.Role(scope, "Role", assumed_by=trusted, description="Starts the pipeline that the schedule names")
