"""Rows of the dashboard about the model: what serves, how the endpoint answers, drift and quality.

Metrics of the endpoint: AWS page "Monitor Amazon SageMaker AI with Amazon CloudWatch", endpoint invocation metrics.
"""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.constructs.monitor_metrics import MonitorMetrics
from stacks.settings import VARIANT, Settings

HEIGHT: Final = 6
_FIVE_MINUTES: Final = Duration.minutes(5)
_MICROSECONDS: Final = cloudwatch.YAxisProps(label="microseconds", min=0, show_units=False)
_DISTANCE: Final = cloudwatch.YAxisProps(min=0, max=1)
_FROM_ZERO: Final = cloudwatch.YAxisProps(min=0)

Row = list[cloudwatch.IWidget]


def what_serves(settings: Settings, metrics: MonitorMetrics, alarms: Sequence[cloudwatch.IAlarm]) -> Row:
    """The live version and its age, every alarm of the monitor, and where to ask for more."""
    names = settings.names
    asked = f"--project {names.project} --environment {names.environment}"
    return [
        cloudwatch.TextWidget(
            width=8,
            height=HEIGHT,
            markdown=(
                f"# {names.stage}\n{settings.project.description}\n\n"
                "| question | command |\n|---|---|\n"
                f"| What serves, since when? | `python -m ops status {asked}` |\n"
                f"| What happened, and why? | `python -m ops history {asked}` |\n"
                f"| Where does a version come from? | `python -m ops lineage VERSION {asked}` |\n"
            ),
        ),
        cloudwatch.SingleValueWidget(
            title="Live version, and days since it was registered",
            width=8,
            height=HEIGHT,
            sparkline=True,
            metrics=[metrics.metric("ModelVersion", label="version"), metrics.metric("ModelAgeDays", label="days")],
        ),
        cloudwatch.AlarmStatusWidget(title="The monitor's alarms", width=8, height=HEIGHT, alarms=alarms),
    ]


def endpoint(settings: Settings) -> Row:
    """Traffic, latency and errors of the endpoint."""
    return [
        cloudwatch.GraphWidget(
            title="Requests",
            width=8,
            height=HEIGHT,
            left=[_endpoint(settings, "Invocations", "Sum", label="requests")],
            left_y_axis=_FROM_ZERO,
        ),
        cloudwatch.GraphWidget(
            title="Latency of the model, and what SageMaker adds",
            width=8,
            height=HEIGHT,
            left=[
                _endpoint(settings, "ModelLatency", "p50", label="model, median"),
                _endpoint(settings, "ModelLatency", "p99", label="model, 99 %"),
                _endpoint(settings, "OverheadLatency", "p99", label="SageMaker, 99 %"),
            ],
            left_y_axis=_MICROSECONDS,
        ),
        cloudwatch.GraphWidget(
            title="Failed requests",
            width=8,
            height=HEIGHT,
            left=[
                _endpoint(settings, "Invocation4XXErrors", "Sum", label="refused (4xx)"),
                _endpoint(settings, "Invocation5XXErrors", "Sum", label="failed (5xx)"),
                _endpoint(settings, "InvocationModelErrors", "Sum", label="failed in the model"),
            ],
            left_y_axis=_FROM_ZERO,
        ),
    ]


def drift(settings: Settings, metrics: MonitorMetrics) -> Row:
    """How far inputs, answers and labels have moved from the model's baseline."""
    monitoring = settings.monitoring
    return [
        cloudwatch.GraphWidget(
            title="Drift of each feature",
            width=8,
            height=HEIGHT,
            left=[metrics.per_feature("FeatureDrift")],
            left_y_axis=_DISTANCE,
            left_annotations=[_limit(monitoring.max_drift)],
        ),
        cloudwatch.GraphWidget(
            title="Drift of the worst feature, of predictions and of labels",
            width=8,
            height=HEIGHT,
            left=[
                metrics.metric("FeatureDrift", label="worst feature"),
                metrics.metric("PredictionDrift", label="predictions"),
                metrics.metric("TargetDrift", label="labels"),
            ],
            left_y_axis=_DISTANCE,
            left_annotations=[_limit(monitoring.max_prediction_drift)],
        ),
        cloudwatch.GraphWidget(
            title="Share of rows that break the baseline's schema",
            width=8,
            height=HEIGHT,
            left=[metrics.metric("ViolationShare", label="share")],
            left_y_axis=_DISTANCE,
            left_annotations=[_limit(monitoring.max_violation_share)],
        ),
    ]


def quality(settings: Settings, metrics: MonitorMetrics) -> Row:
    """The primary metric on labels, at training and estimated, and how much worse that is."""
    return [
        cloudwatch.GraphWidget(
            title=f"{settings.gate.metric}: on labels, at training, estimated before labels arrive",
            width=8,
            height=HEIGHT,
            left=[
                metrics.metric("Quality", label="on labels"),
                metrics.metric("QualityBaseline", label="at training"),
                metrics.metric("QualityEstimate", label="estimate"),
            ],
        ),
        cloudwatch.GraphWidget(
            title="Share by which it is worse than its interval at training",
            width=8,
            height=HEIGHT,
            left=[metrics.metric("QualityDrop", label="share")],
            left_y_axis=_FROM_ZERO,
            left_annotations=[_limit(settings.monitoring.max_quality_drop)],
        ),
        cloudwatch.GraphWidget(
            title="Rows served, and rows with a label",
            width=8,
            height=HEIGHT,
            left=[metrics.metric("Rows", label="served"), metrics.metric("LabelledRows", label="labelled")],
            left_y_axis=_FROM_ZERO,
        ),
    ]


def _endpoint(settings: Settings, name: str, statistic: str, *, label: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/SageMaker",
        metric_name=name,
        dimensions_map={"EndpointName": settings.names.endpoint, "VariantName": VARIANT},
        statistic=statistic,
        period=_FIVE_MINUTES,
        label=label,
    )


def _limit(value: float) -> cloudwatch.HorizontalAnnotation:
    return cloudwatch.HorizontalAnnotation(value=value, label="limit", color=cloudwatch.Color.RED)
