"""Where an EventBridge rule delivers to, and where it puts what it could not deliver."""

import jsii
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from aws_cdk.interfaces.aws_events import IRuleRef


@jsii.implements(events.IRuleTarget)
class RuleTarget:
    """A target that is known by its ARN, and a dead-letter queue that takes what this rule could not deliver.

    Not the CDK's own targets: they let every rule of the account send to a queue that has a key, grant families of
    actions on that key, and look at a topic of another stack for its environment, which is not known at synth.
    """

    def __init__(
        self,
        arn: str,
        *,
        dead_letters: sqs.Queue,
        role: iam.IRole | None = None,
        message: events.RuleTargetInput | None = None,
    ) -> None:
        """Describe the target.

        Args:
            arn: of a queue, a topic or a pipeline.
            dead_letters: keeps the events that could not be delivered.
            role: which EventBridge takes on; a queue's policy lets it in without one.
            message: what is delivered instead of the event.
        """
        self._arn, self._dead_letters, self._role, self._message = arn, dead_letters, role, message

    def bind(self, rule: IRuleRef, id: str | None = None) -> events.RuleTargetConfig:  # noqa: A002 - the CDK's name
        """Let the rule fill the dead-letter queue; called by the CDK."""
        del id
        let_rule_send(self._dead_letters, rule)
        return events.RuleTargetConfig(
            arn=self._arn,
            role=self._role,
            input=self._message,
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self._dead_letters.queue_arn),
        )


def let_rule_send(queue: sqs.Queue, rule: IRuleRef) -> None:
    """Let EventBridge send what this rule matches to ``queue``, and nothing else."""
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": events.CfnRule.arn_for_rule(rule)}},
        )
    )
