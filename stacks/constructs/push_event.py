"""A change of the code → a start of the pipeline, with a dead-letter queue and alarms."""

from aws_cdk import Stack
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.dead_letters import alarm_on_dead_letters, alarm_on_undelivered, dead_letters
from stacks.constructs.delivery_messages import RUNBOOK
from stacks.constructs.delivery_source import Change
from stacks.constructs.notifications import Notifications, rule_role
from stacks.constructs.permissions import allow
from stacks.constructs.rule_target import RuleTarget

_ADVICE = "Start the pipeline by hand, and look for the cause."


class PushEvent(Construct):
    """Starts a pipeline for every commit on a branch of CodeCommit, or every upload of the zip file to a bucket.

    Not by the source action: its own rule would have no dead-letter queue, and its polling ends unnoticed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        change: Change,
        pipeline: codepipeline.Pipeline,
        notifications: Notifications,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"{Stack.of(self).stack_name}-push"
        self.dead_letters = dead_letters(self, key=key, of="an EventBridge rule")
        self.role = rule_role(self, "Role", rule_names=[name])
        allow(self.role, actions=["codepipeline:StartPipelineExecution"], resources=[pipeline.pipeline_arn])
        of = change.described
        rule = events.Rule(
            self,
            "Rule",
            rule_name=name,
            description=f"{of} of what the pipeline delivers",
            event_pattern=change.pattern,
            targets=[RuleTarget(pipeline.pipeline_arn, dead_letters=self.dead_letters, role=self.role)],
        )
        alarm_on_undelivered(
            self,
            rule,
            description=f"{of} could not start the pipeline by EventBridge: check the role of the rule. {_ADVICE}",
            runbook=RUNBOOK,
            notifications=notifications,
        )
        alarm_on_dead_letters(
            self,
            self.dead_letters,
            description=f"{of} did not start the pipeline: its event is in the dead-letter queue. {_ADVICE}",
            runbook=RUNBOOK,
            notifications=notifications,
        )
