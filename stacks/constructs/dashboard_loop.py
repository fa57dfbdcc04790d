"""Rows of the dashboard about the loop: runs and deployments, queues, and the monitor itself."""

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.constructs.dashboard_model import HEIGHT, Row
from stacks.constructs.event_path import EventPath
from stacks.constructs.handler import METRICS_NAMESPACE
from stacks.constructs.monitor_metrics import MonitorMetrics
from stacks.constructs.notifications import ALARM_PERIOD
from stacks.settings import Settings

_DAY: Final = Duration.days(1)
_FROM_ZERO: Final = cloudwatch.YAxisProps(min=0)
_RUNS: Final = {
    "RunsStarted": "started",
    "RunsPromoted": "promoted by the gate",
    "RunsKeptChampion": "champion kept",
    "RunsRejectedData": "data refused",
    "RunsFailed": "failed",
}
_NO_RUN: Final = {
    "NothingNew": "nothing new since the last run",
    "NoNewData": "an alarm, and no new data",
    "WaitsForAReason": "new data that waits for an alarm",
    "Deferred": "waits (deployment, cooldown, budget)",
    "TrainingRefused": "refused",
}
_DEPLOYMENTS: Final = {
    "DeploymentsRequested": "requested",
    "DeploymentsLive": "live",
    "DeploymentsRolledBack": "rolled back",
    "DeploymentsFailed": "failed",
    "DeploymentsRefused": "refused",
    "EndpointChangedByHand": "changed by hand",
}


def runs(settings: Settings) -> Row:
    """What the handlers decided, a day at a time."""
    return [
        _counters("Training runs", settings, _RUNS),
        _counters("Requests that started no run", settings, _NO_RUN),
        _counters("Deployments", settings, _DEPLOYMENTS),
    ]


def queues(paths: Sequence[EventPath]) -> Row:
    """How many messages each handler gave up on, and how long the oldest one waits."""
    return [
        cloudwatch.GraphWidget(
            title="Messages in dead-letter queues",
            width=12,
            height=HEIGHT,
            left=[
                path.dead_letters.metric_approximate_number_of_messages_visible(
                    period=ALARM_PERIOD, statistic="Maximum", label=path.node.id
                )
                for path in paths
            ],
            left_y_axis=_FROM_ZERO,
        ),
        cloudwatch.GraphWidget(
            title="Seconds that the oldest message waits",
            width=12,
            height=HEIGHT,
            left=[
                path.queue.metric_approximate_age_of_oldest_message(
                    period=ALARM_PERIOD, statistic="Maximum", label=path.node.id
                )
                for path in paths
            ],
            left_y_axis=_FROM_ZERO,
        ),
    ]


def monitor(metrics: MonitorMetrics) -> Row:
    """Whether the monitor runs, and what it could not read."""
    return [
        cloudwatch.GraphWidget(
            title="Windows judged",
            width=12,
            height=HEIGHT,
            left=[metrics.metric("MonitorRuns", label="judged")],
            left_y_axis=_FROM_ZERO,
        ),
        cloudwatch.GraphWidget(
            title="Captured records, and problems in them",
            width=12,
            height=HEIGHT,
            left=[metrics.metric("Records", label="records")],
            right=[metrics.metric("CaptureProblems", label="problems")],
            left_y_axis=_FROM_ZERO,
            right_y_axis=_FROM_ZERO,
        ),
    ]


def _counters(title: str, settings: Settings, labels: Mapping[str, str]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        width=8,
        height=HEIGHT,
        left=[_counter(settings, name, label=label) for name, label in labels.items()],
        left_y_axis=_FROM_ZERO,
    )


def _counter(settings: Settings, name: str, *, label: str) -> cloudwatch.MathExpression:
    """A counter of the handlers, summed over those that count it (AWS page "CloudWatch search expression syntax")."""
    names = settings.names
    search = (
        f"{{{METRICS_NAMESPACE},environment,project,service}} "
        f'MetricName="{name}" project="{names.project}" environment="{names.environment}"'
    )
    return cloudwatch.MathExpression(
        expression=f"SUM(SEARCH('{search}', 'Sum'))", label=label, period=_DAY, using_metrics={}
    )
