"""One Lambda function of the loop: its code, its role, its log group and the variables that every handler reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.ledger import Ledger
from stacks.constructs.logs import kept_logs
from stacks.constructs.notifications import Notifications
from stacks.constructs.permissions import allow, allow_everywhere
from stacks.constructs.placement import Placement
from stacks.constructs.regional import powertools_layer_arn
from stacks.constructs.staging import Staging
from stacks.constructs.unfitting import decline_for_function
from stacks.settings import Settings

METRICS_NAMESPACE: Final = "Tandem"
"""Where handlers count; Powertools adds the dimensions ``service``, ``project`` and ``environment``."""


@dataclass(frozen=True)
class Sizing:
    """What a handler may use.

    Attributes:
        memory_megabytes: Lambda gives processor time in proportion; 1,769 MB are one core (AWS page "Configure Lambda
            function memory").
        timeout_seconds: longest run; queues keep a message invisible six times as long (AWS page "Using Lambda with
            Amazon SQS", queue configuration).
    """

    memory_megabytes: int = 512
    timeout_seconds: int = 60


@dataclass(frozen=True)
class HandlerContext:
    """What every handler of a stage is given; ``placement`` is its place in an isolated network."""

    root: Path
    settings: Settings
    staging: Staging
    ledger: Ledger
    notifications: Notifications
    key: kms.IKey
    placement: Placement | None = None


class Handler(Construct):
    """A Python function from ``lambdas/<name>`` with exactly the permissions that are granted to ``role``."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        description: str,
        context: HandlerContext,
        environment: Mapping[str, str],
        sizing: Sizing | None = None,
        sends_to_itself: bool = False,
    ) -> None:
        """Define the function.

        ``sends_to_itself`` is for a handler that waits by sending itself a delayed message: Lambda would stop such a
        chain after about 16 invocations (AWS page "Use Lambda recursive loop detection to prevent infinite loops").
        Its waiting must be bounded by other means.
        """
        super().__init__(scope, construct_id)
        self.sizing = sizing or Sizing()
        log_group = kept_logs(self, "Logs", key=context.key, retain=context.settings.deployment.retain)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        allow(
            self.role,
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log_group.log_group_arn],
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            code=lambda_.Code.from_asset(context.staging.handler(name, root=context.root)),
            handler=f"lambdas.{name}.handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.X86_64,
            memory_size=self.sizing.memory_megabytes,
            timeout=Duration.seconds(self.sizing.timeout_seconds),
            role=self.role,
            log_group=log_group,
            recursive_loop=lambda_.RecursiveLoop.ALLOW if sends_to_itself else lambda_.RecursiveLoop.TERMINATE,
            logging_format=lambda_.LoggingFormat.JSON,
            layers=[lambda_.LayerVersion.from_layer_version_arn(self, "Powertools", powertools_layer_arn(self))],
            environment=_common_environment(name, context) | dict(environment),
        )
        trace(self.function, self.role)
        if context.placement is not None:
            context.placement.put_function(self.function, self.role)
        decline_for_function(self.function, is_isolated=context.placement is not None)
        context.ledger.grant_read_write(self.role)
        context.notifications.grant_publish(self.role)


def _common_environment(name: str, context: HandlerContext) -> dict[str, str]:
    return {
        "PROJECT": context.settings.names.project,
        "ENVIRONMENT": context.settings.names.environment,
        "LEDGER_TABLE": context.ledger.name,
        "NOTIFICATION_TOPIC_ARN": context.notifications.topic.topic_arn,
        "POWERTOOLS_SERVICE_NAME": name,
        "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


def trace(function: lambda_.Function, role: iam.Role) -> None:
    """Let a function tell X-Ray how long it took."""
    # The L2 switch would mix this statement, which knows no resource level, into the policy with the exact grants.
    resource = function.node.default_child
    if not isinstance(resource, lambda_.CfnFunction):
        raise TypeError(f"{function.node.path}: expected a CfnFunction, found {type(resource).__name__}")
    resource.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
    allow_everywhere(
        role,
        "Tracing",
        actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
        reason="X-Ray's write actions have no resource level (Service Authorization Reference, AWS X-Ray).",
    )
