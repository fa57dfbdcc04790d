"""A push to a CodeCommit repository → a start of the pipeline, with a dead-letter queue and alarms."""

from aws_cdk import Stack
from aws_cdk import aws_codecommit as codecommit
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.dead_letters import alarm_on_dead_letters, alarm_on_undelivered, dead_letters
from stacks.constructs.delivery_messages import RUNBOOK
from stacks.constructs.notifications import Notifications, rule_role
from stacks.constructs.permissions import allow
from stacks.constructs.rule_target import RuleTarget

_ADVICE = "Start the pipeline by hand, and look for the cause."


class PushEvent(Construct):
    """Starts a pipeline for every commit on a branch; the source action's own rule would have no dead-letter queue.

    AWS page "Amazon EventBridge rule for a CodeCommit source".
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository: str,
        branch: str,
        pipeline: codepipeline.Pipeline,
        notifications: Notifications,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"{Stack.of(self).stack_name}-push"
        self.dead_letters = dead_letters(self, key=key, of="an EventBridge rule")
        self.role = rule_role(self, "Role", rule_names=[name])
        allow(self.role, actions=["codepipeline:StartPipelineExecution"], resources=[pipeline.pipeline_arn])
        watched = codecommit.Repository.from_repository_name(self, "Repository", repository)
        rule = events.Rule(
            self,
            "Rule",
            rule_name=name,
            description="A commit on the branch that the pipeline delivers",
            event_pattern=events.EventPattern(
                source=["aws.codecommit"],
                detail_type=["CodeCommit Repository State Change"],
                resources=[watched.repository_arn],
                detail={"event": ["referenceCreated", "referenceUpdated"], "referenceName": [branch]},
            ),
            targets=[RuleTarget(pipeline.pipeline_arn, dead_letters=self.dead_letters, role=self.role)],
        )
        alarm_on_undelivered(
            self,
            rule,
            description=f"EventBridge could not start the pipeline for a commit: check the role of the rule. {_ADVICE}",
            runbook=RUNBOOK,
            notifications=notifications,
        )
        alarm_on_dead_letters(
            self,
            self.dead_letters,
            description=f"A commit did not start the pipeline: its event is in the dead-letter queue. {_ADVICE}",
            runbook=RUNBOOK,
            notifications=notifications,
        )
