"""The CloudWatch dashboard of one environment: from the version that serves down to the queues of the loop."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.constructs import dashboard_loop, dashboard_model
from stacks.constructs.event_path import EventPath
from stacks.constructs.monitor_alarms import MonitorAlarms
from stacks.constructs.monitor_metrics import MonitorMetrics
from stacks.settings import Settings

_SHOWS: Final = Duration.days(28)


class Dashboard(Construct):
    """One dashboard, named like the stage; its rows are built by ``dashboard_model`` and ``dashboard_loop``."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        metrics: MonitorMetrics,
        alarms: MonitorAlarms,
        paths: Sequence[EventPath],
    ) -> None:
        super().__init__(scope, construct_id)
        rows = [
            dashboard_model.what_serves(settings, metrics, list(alarms.alarms.values())),
            dashboard_model.endpoint(settings),
            dashboard_model.drift(settings, metrics),
            dashboard_model.quality(settings, metrics),
            dashboard_loop.runs(settings),
            dashboard_loop.queues(paths),
            dashboard_loop.monitor(metrics),
        ]
        self._dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=settings.names.dashboard,
            default_interval=_SHOWS,
            widgets=rows,
        )

    @property
    def name(self) -> str:
        """Name of the dashboard."""
        return self._dashboard.dashboard_name
