"""What people hear of a delivery pipeline: failures, approvals that wait or are refused, and stages that go back.

Not by notification rules of the developer tools: these have no dead-letter queue, no metric of what they lost, and no
event for a rollback.
"""

from typing import Any, Final

from aws_cdk import Stack
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.event_messages import EventMessages, Message
from stacks.constructs.notifications import Notifications

RUNBOOK: Final = "delivery-events"
ADVICE: Final = "Look at the pipeline's executions."
_CONSOLE: Final = "https://console.aws.amazon.com/codesuite/codepipeline/pipelines"


def tell_people(
    scope: Construct, *, pipeline: codepipeline.Pipeline, notifications: Notifications, key: kms.IKey
) -> None:
    """Publish what happens in a pipeline.

    AWS pages "Monitoring CodePipeline events" (states of executions and actions; a rejected approval is one that
    failed) and "ExecutionTrigger" (a rollback is the start of an execution).
    """
    name = Stack.of(scope).stack_name
    state, action, execution, trigger = (
        events.EventField.from_path(f"$.detail.{field}")
        for field in ("state", "action", "execution-id", "execution-trigger.trigger-type")
    )
    where = f"{_CONSOLE}/{name}/view?region={events.EventField.from_path('$.region')}"
    EventMessages(
        scope,
        "Messages",
        messages=[
            Message(
                prefix="Failure",
                rule_name=f"{name}-failure",
                description="An execution of the pipeline failed",
                pattern=_changes(pipeline, "Pipeline", state=["FAILED"]),
                text=f"{state}: {name}, execution {execution}. {where}",
            ),
            Message(
                prefix="Approval",
                rule_name=f"{name}-approval",
                description="An approval of the pipeline waits for a person, or was refused",
                pattern=_changes(pipeline, "Action", state=["STARTED", "FAILED"], type={"category": ["Approval"]}),
                text=f"{action} {state}: {name} waits for an approval (STARTED) or was refused one (FAILED), "
                f"execution {execution}. {where}",
            ),
            Message(
                prefix="Rollback",
                rule_name=f"{name}-rollback",
                description="A stage of the pipeline goes back to what it deployed before",
                pattern=_changes(
                    pipeline,
                    "Pipeline",
                    **{
                        "state": ["STARTED"],
                        "execution-trigger": {"trigger-type": ["AutomatedRollback", "ManualRollback"]},
                    },
                ),
                text=f"{trigger}: {name} goes back to what was delivered before, in execution {execution}. {where}",
            ),
        ],
        notifications=notifications,
        key=key,
        of="the delivery",
        advice=ADVICE,
        runbook=RUNBOOK,
    )


def _changes(pipeline: codepipeline.Pipeline, of: str, **detail: Any) -> events.EventPattern:
    return events.EventPattern(
        source=["aws.codepipeline"],
        detail_type=[f"CodePipeline {of} Execution State Change"],
        resources=[pipeline.pipeline_arn],
        detail=detail,
    )
