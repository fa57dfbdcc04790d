"""What people hear of a delivery pipeline: failures, approvals that wait or are refused, and stages that go back."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codestarnotifications as codestar
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.constructs.notifications import rule_role
from stacks.constructs.permissions import allow
from stacks.constructs.unfitting import IN_THE_HISTORY, MAIL, decline

_EVENTS: Final = (
    codepipeline.PipelineNotificationEvents.PIPELINE_EXECUTION_FAILED,
    codepipeline.PipelineNotificationEvents.MANUAL_APPROVAL_NEEDED,
    codepipeline.PipelineNotificationEvents.MANUAL_APPROVAL_FAILED,
)


def tell_people(scope: Construct, *, pipeline: codepipeline.Pipeline, key: kms.Key, emails: Sequence[str]) -> None:
    """Define the topic of a pipeline, and what is published to it."""
    topic = sns.Topic(scope, "Topic", master_key=key, enforce_ssl=True)
    for email in emails:
        decline(topic.add_subscription(subscriptions.EmailSubscription(email)), MAIL)
    pipeline.notify_on("Notifications", topic, events=list(_EVENTS), detail_type=codestar.DetailType.FULL)
    _tell_of_going_back(scope, pipeline=pipeline, topic=topic, key=key)


def _tell_of_going_back(scope: Construct, *, pipeline: codepipeline.Pipeline, topic: sns.Topic, key: kms.Key) -> None:
    """Notification rules know no rollback: it is the start of an execution (AWS page "ExecutionTrigger")."""
    name = f"{Stack.of(scope).stack_name}-rollback"
    role = rule_role(scope, "RollbackRole", rule_name=name)
    allow(role, actions=["sns:Publish"], resources=[topic.topic_arn])
    key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")
    execution = events.EventField.from_path("$.detail.execution-id")
    trigger = events.EventField.from_path("$.detail.execution-trigger.trigger-type")
    rule = events.Rule(
        scope,
        "Rollback",
        rule_name=name,
        description="A stage of the pipeline goes back to what it deployed before",
        event_pattern=events.EventPattern(
            source=["aws.codepipeline"],
            detail_type=["CodePipeline Pipeline Execution State Change"],
            resources=[pipeline.pipeline_arn],
            detail={
                "state": ["STARTED"],
                "execution-trigger": {"trigger-type": ["AutomatedRollback", "ManualRollback"]},
            },
        ),
        targets=[
            targets.SnsTopic(
                # Imported, because the grants of the topic itself would use action wildcards on its key.
                sns.Topic.from_topic_arn(scope, "ImportedTopic", topic.topic_arn),
                role=role,
                message=events.RuleTargetInput.from_text(
                    f"{trigger}: {Stack.of(scope).stack_name} goes back to what was delivered before, "
                    f"in execution {execution}."
                ),
            )
        ],
    )
    decline(rule, IN_THE_HISTORY)
