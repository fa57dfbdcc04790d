"""EventBridge Scheduler → StartPipelineExecution."""

import json

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.notifications import Notifications
from stacks.constructs.sagemaker_pipeline import SageMakerPipeline
from stacks.constructs.schedule import SCHEDULED_TIME, Failure, Schedule, Target


class PipelineSchedule(Schedule):
    """Starts a pipeline on a schedule, once for each scheduled time, and hands it that time as a parameter."""

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
        name = pipeline.plain_name
        request = {
            "PipelineName": name,
            # The same for every attempt at one scheduled time, so that two attempts make one execution.
            "ClientRequestToken": f"{name}-{SCHEDULED_TIME}",
            "PipelineParameters": [{"Name": parameter, "Value": SCHEDULED_TIME}],
        }
        super().__init__(
            scope,
            construct_id,
            description=f"Starts {name}",
            expression=expression,
            target=Target(
                arn=f"arn:{Stack.of(scope).partition}:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
                input=json.dumps(request),
            ),
            failure=Failure(
                task=f"starting {name}", advice="the next run judges the windows that were missed.", runbook="schedule"
            ),
            notifications=notifications,
            key=key,
        )
        pipeline.grant_start(self.role)
        self.schedule.node.add_dependency(pipeline)
