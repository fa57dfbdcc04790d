"""The monitor's alarms: what each is about, when it is on, what missing data means, and what a person does then.

``docs/operating.md`` holds the same decisions as a table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from stacks.constructs.monitor_metrics import MonitorMetrics
from stacks.constructs.notifications import Notifications, with_runbook
from stacks.settings import RETRAINING_ALARMS, AlarmKind, Settings, periods_without_a_run

_ABOVE: Final = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_BELOW: Final = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_KEEP: Final = cloudwatch.TreatMissingData.IGNORE
"""Missing data keeps the state: a window of which nothing could be said is no reason to change one's mind."""
_BREACHING: Final = cloudwatch.TreatMissingData.BREACHING


@dataclass(frozen=True)
class AlarmRule:
    """One alarm.

    Attributes:
        kind: what it is about; also the end of its name and its runbook.
        metric: name of the monitor's metric.
        threshold: limit that the metric is compared with.
        bad: windows that have to be beyond the limit ...
        of: ... among the last so many.
        happened: what it means.
        todo: what to do.
        comparison: on which side of the limit a window is bad.
        missing: what a window without data counts as.
    """

    kind: AlarmKind
    metric: str
    threshold: float
    bad: int
    of: int
    happened: str
    todo: str
    comparison: cloudwatch.ComparisonOperator = _ABOVE
    missing: cloudwatch.TreatMissingData = _KEEP

    @property
    def description(self) -> str:
        """What happened, what to do and where to read more."""
        reaction = "A training run has been asked for. " if self.kind in RETRAINING_ALARMS else ""
        return with_runbook(f"{self.happened} {reaction}{self.todo}", self.kind)


def alarm_rules(settings: Settings) -> Iterator[AlarmRule]:
    """Every alarm of one environment, with its limits from the settings."""
    monitoring = settings.monitoring
    bad, of = monitoring.alarm_windows, monitoring.alarm_of
    yield AlarmRule(
        kind="drift",
        metric="FeatureDrift",
        threshold=monitoring.max_drift,
        bad=bad,
        of=of,
        happened="Live requests no longer look like the data that the model was trained on.",
        todo="Read in the drift report which inputs moved and since when, and whether their source is broken.",
    )
    yield AlarmRule(
        kind="prediction-drift",
        metric="PredictionDrift",
        threshold=monitoring.max_prediction_drift,
        bad=bad,
        of=of,
        happened="The model answers differently than it did on its own hold-out.",
        todo="Compare with the drift of the inputs: without it, look at the deployment and at the callers.",
    )
    yield AlarmRule(
        kind="quality",
        metric="QualityDrop",
        threshold=monitoring.max_quality_drop,
        bad=bad,
        of=of,
        happened="On the labels that arrived, the live model is worse than it was at training.",
        todo="Watch the run's gate decision; roll back if an earlier version was better.",
    )
    yield AlarmRule(
        kind="data-quality",
        metric="ViolationShare",
        threshold=monitoring.max_violation_share,
        bad=bad,
        of=of,
        happened="Too many live requests break the schema of the model's baseline.",
        todo="Find the rule and the column in the drift report, then the caller that sends them; no run mends this.",
    )
    yield AlarmRule(
        kind="no-traffic",
        metric="Rows",
        threshold=1,
        bad=bad,
        of=bad,
        comparison=_BELOW,
        happened="The endpoint was not asked, or data capture kept nothing of it.",
        todo="Check the application first, then data capture and the endpoint's role.",
    )
    yield from _stopped(settings)
    yield AlarmRule(
        kind="model-age",
        metric="ModelAgeDays",
        threshold=monitoring.max_model_age_days,
        bad=1,
        of=1,
        happened="The live model is older than the settings allow.",
        todo="If the runs since then were refused, read why in python -m ops history.",
    )


def _stopped(settings: Settings) -> Iterator[AlarmRule]:
    """No alarm where the schedule pauses for longer than CloudWatch looks back; ``retain`` forbids such a schedule."""
    periods = periods_without_a_run(settings.monitoring)
    if periods is not None:
        yield AlarmRule(
            kind="monitor-stopped",
            metric="MonitorRuns",
            threshold=1,
            bad=periods,
            of=periods,
            comparison=_BELOW,
            missing=_BREACHING,
            happened="No window was judged for longer than the schedule allows: nobody watches the model.",
            todo="Look at the executions of the monitoring pipeline and at the schedule's dead-letter queue.",
        )


class MonitorAlarms(Construct):
    """One alarm for each rule; all of them tell people when they go on and when they go off."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        metrics: MonitorMetrics,
        notifications: Notifications,
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarms: Mapping[AlarmKind, cloudwatch.Alarm] = {
            rule.kind: self._alarm(rule, settings, metrics) for rule in alarm_rules(settings)
        }
        tell = actions.SnsAction(notifications.topic)
        for alarm in self.alarms.values():
            alarm.add_alarm_action(tell)
            alarm.add_ok_action(tell)

    def _alarm(self, rule: AlarmRule, settings: Settings, metrics: MonitorMetrics) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            rule.kind.title().replace("-", ""),
            alarm_name=settings.names.alarm(rule.kind),
            alarm_description=rule.description,
            metric=metrics.metric(rule.metric),
            threshold=rule.threshold,
            comparison_operator=rule.comparison,
            datapoints_to_alarm=rule.bad,
            evaluation_periods=rule.of,
            treat_missing_data=rule.missing,
        )
