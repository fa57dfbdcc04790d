"""The metrics that the monitoring job publishes, as alarms and dashboards name them.

One datapoint a window, at the window's end. Published twice after a crash it is the same value twice, hence the
statistic Maximum throughout.
"""

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.settings import WINDOW_LENGTH, Settings

NAMESPACE: Final = "Tandem/Monitoring"
_STATISTIC: Final = "Maximum"


@dataclass(frozen=True)
class MonitorMetrics:
    """Metrics of one environment; each period is one window of its monitor."""

    settings: Settings

    @property
    def period(self) -> Duration:
        """Length of a window."""
        return Duration.seconds(int(WINDOW_LENGTH[self.settings.monitoring.window].total_seconds()))

    def metric(self, name: str, *, label: str | None = None) -> cloudwatch.Metric:
        """A metric of the endpoint as a whole."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map=self._dimensions(),
            statistic=_STATISTIC,
            period=self.period,
            label=label,
        )

    def per_feature(self, name: str) -> cloudwatch.MathExpression:
        """The same metric for every feature that has it, found when the dashboard is opened.

        AWS page "CloudWatch search expression syntax".
        """
        schema = ",".join([NAMESPACE, *self._dimensions(), "Feature"])
        terms = " ".join(f'{dimension}="{value}"' for dimension, value in self._dimensions().items())
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{{{schema}}} MetricName=\"{name}\" {terms}', '{_STATISTIC}')",
            label="${PROP('Dim.Feature')}",
            period=self.period,
            using_metrics={},
        )

    def _dimensions(self) -> dict[str, str]:
        names = self.settings.names
        return {"Project": names.project, "Environment": names.environment, "Endpoint": names.endpoint}
