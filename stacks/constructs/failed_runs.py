"""A pipeline run that fails → a message to people, with an alarm on the ways in which that message can get lost."""

from typing import Final

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.dead_letters import alarm_on_dead_letters, alarm_on_undelivered, dead_letters
from stacks.constructs.notifications import Notifications, rule_role
from stacks.constructs.sagemaker_pipeline import SageMakerPipeline

_EXECUTION: Final = "$.detail.pipelineExecutionArn"
_STATUS: Final = "$.detail.currentPipelineExecutionStatus"


class FailedRuns(Construct):
    """Tells people of each execution of a pipeline that failed or was stopped.

    EventBridge publishes under a role, which names one topic and which it may assume for one rule; a topic's policy
    takes no conditions for EventBridge (AWS page "Using resource-based policies for Amazon EventBridge").
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        pipeline: SageMakerPipeline,
        rule_name: str,
        advice: str,
        notifications: Notifications,
    ) -> None:
        """Define the path.

        Args:
            scope: parent construct.
            construct_id: id.
            pipeline: whose executions are watched.
            rule_name: physical name of the rule; the role's trust has to know it before there is a rule.
            advice: what to do, in one sentence.
            notifications: who is told.
        """
        super().__init__(scope, construct_id)
        self.dead_letters = dead_letters(self, of="an EventBridge rule")
        self.role = rule_role(self, "Role", rule_name=rule_name)
        notifications.grant_publish(self.role)
        # Imported, because the grants of the topic itself would use action wildcards on its key.
        topic = sns.Topic.from_topic_arn(self, "Topic", notifications.topic.topic_arn)
        status, execution = events.EventField.from_path(_STATUS), events.EventField.from_path(_EXECUTION)
        rule = events.Rule(
            self,
            "Rule",
            rule_name=rule_name,
            description="A run of the pipeline failed or was stopped",
            event_pattern=_ended_badly(pipeline),
            targets=[
                targets.SnsTopic(
                    topic,
                    role=self.role,
                    dead_letter_queue=self.dead_letters,
                    message=events.RuleTargetInput.from_text(f"{status}: {execution}. {advice}"),
                )
            ],
        )
        alarm_on_dead_letters(
            self,
            self.dead_letters,
            description=f"A message about a failed run was not published: read it in the dead-letter queue. {advice}",
            runbook="failed-run-messages",
            notifications=notifications,
        )
        alarm_on_undelivered(
            self,
            rule,
            description="EventBridge could not publish to the notification topic: check the role of the rule. "
            + advice,
            runbook="failed-run-messages",
            notifications=notifications,
        )


def _ended_badly(pipeline: SageMakerPipeline) -> events.EventPattern:
    """AWS page "Events that Amazon SageMaker AI sends to Amazon EventBridge", pipeline execution state change."""
    return events.EventPattern(
        source=["aws.sagemaker"],
        detail_type=["SageMaker Model Building Pipeline Execution Status Change"],
        detail={"pipelineArn": [pipeline.arn], "currentPipelineExecutionStatus": ["Failed", "Stopped"]},
    )
