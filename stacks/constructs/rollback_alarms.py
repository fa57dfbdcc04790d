"""The alarms that make SageMaker undo an update of the endpoint, and that tell people at any other time.

AWS page "Auto-Rollback Configuration and Monitoring": both fleets report under one variant name, so during an update
the figures are those of the old and the new fleet together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.handler import METRICS_NAMESPACE
from stacks.constructs.notifications import Notifications, with_runbook
from stacks.constructs.permissions import allow
from stacks.settings import ALARM_MINUTES, VARIANT, RollbackKind, Settings

APPLICATION_ERRORS: Final = "PredictionErrors"
"""The application counts 1 for a request that it could not answer and 0 for any other; the mean is the share."""
_BAD_MINUTES: Final = 2


@dataclass(frozen=True)
class _Rule:
    """One alarm: two of three minutes in which the mean of a metric is above a limit."""

    kind: RollbackKind
    metric: cloudwatch.Metric
    above: float
    happened: str


def _rules(settings: Settings) -> Iterator[_Rule]:
    rollout, names = settings.rollout, settings.names
    yield _Rule(
        kind="errors",
        metric=_of_endpoint(settings, "Invocation5XXErrors"),
        above=rollout.max_error_share,
        happened="The endpoint fails too large a share of its requests (5xx).",
    )
    yield _Rule(
        kind="latency",
        metric=_of_endpoint(settings, "ModelLatency"),
        # SageMaker reports microseconds.
        above=rollout.max_latency_ms * 1000,
        happened="The model takes too long to answer, on average.",
    )
    yield _Rule(
        kind="application",
        metric=cloudwatch.Metric(
            namespace=METRICS_NAMESPACE,
            metric_name=APPLICATION_ERRORS,
            dimensions_map={"project": names.project, "environment": names.environment, "service": "application"},
            statistic="Average",
            period=Duration.minutes(1),
        ),
        above=rollout.max_application_error_share,
        happened="The application cannot answer too large a share of its requests.",
    )


def _of_endpoint(settings: Settings, name: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/SageMaker",
        metric_name=name,
        dimensions_map={"EndpointName": settings.names.endpoint, "VariantName": VARIANT},
        statistic="Average",
        period=Duration.minutes(1),
    )


class RollbackAlarms(Construct):
    """Three alarms with generated names; a minute without requests is a good one."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, notifications: Notifications
    ) -> None:
        super().__init__(scope, construct_id)
        rules = tuple(_rules(settings))
        self.names: Sequence[str] = [settings.names.rollback_alarm(rule.kind) for rule in rules]
        self._alarms = [self._alarm(rule, settings) for rule in rules]
        tell = actions.SnsAction(notifications.topic)
        for alarm in self._alarms:
            alarm.add_alarm_action(tell)
            alarm.add_ok_action(tell)

    def grant_describe(self, role: iam.Role) -> None:
        """Let ``role`` see which of them are on: SageMaker does so with the execution role of the endpoint."""
        allow(role, actions=["cloudwatch:DescribeAlarms"], resources=[alarm.alarm_arn for alarm in self._alarms])

    def _alarm(self, rule: _Rule, settings: Settings) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            rule.kind.title(),
            alarm_name=settings.names.rollback_alarm(rule.kind),
            alarm_description=with_runbook(
                f"{rule.happened} An update under way is rolled back by SageMaker.", "rollback"
            ),
            metric=rule.metric,
            threshold=rule.above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            datapoints_to_alarm=_BAD_MINUTES,
            evaluation_periods=ALARM_MINUTES,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
