"""A pipeline run that fails → a message to people."""

from typing import Final

from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.event_messages import EventMessages, Message
from stacks.constructs.notifications import Notifications
from stacks.constructs.sagemaker_pipeline import SageMakerPipeline

_EXECUTION: Final = "$.detail.pipelineExecutionArn"
_STATUS: Final = "$.detail.currentPipelineExecutionStatus"


class FailedRuns(EventMessages):
    """Tells people of each execution of a pipeline that failed or was stopped."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        pipeline: SageMakerPipeline,
        rule_name: str,
        advice: str,
        notifications: Notifications,
        key: kms.IKey,
    ) -> None:
        """Define the path.

        Args:
            scope: parent construct.
            construct_id: id.
            pipeline: whose executions are watched.
            rule_name: physical name of the rule.
            advice: what to do, in one sentence.
            notifications: who is told.
            key: encrypts the messages that could not be published.
        """
        status, execution = events.EventField.from_path(_STATUS), events.EventField.from_path(_EXECUTION)
        super().__init__(
            scope,
            construct_id,
            messages=[
                Message(
                    rule_name=rule_name,
                    description="A run of the pipeline failed or was stopped",
                    pattern=_ended_badly(pipeline),
                    text=f"{status}: {execution}. {advice}",
                )
            ],
            notifications=notifications,
            key=key,
            of="a failed run",
            advice=advice,
            runbook="failed-run-messages",
        )


def _ended_badly(pipeline: SageMakerPipeline) -> events.EventPattern:
    """AWS page "Events that Amazon SageMaker AI sends to Amazon EventBridge", pipeline execution state change."""
    return events.EventPattern(
        source=["aws.sagemaker"],
        detail_type=["SageMaker Model Building Pipeline Execution Status Change"],
        detail={"pipelineArn": [pipeline.arn], "currentPipelineExecutionStatus": ["Failed", "Stopped"]},
    )
