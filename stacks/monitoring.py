"""Monitoring: what live traffic says of the model, the alarms on it, and the dashboard of the environment."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.constructs.dashboard import Dashboard
from stacks.constructs.failed_runs import FailedRuns
from stacks.constructs.monitor_alarms import MonitorAlarms
from stacks.constructs.monitor_metrics import MonitorMetrics
from stacks.constructs.monitoring_pipeline import MonitoringPipeline, read_definition
from stacks.constructs.pipeline_schedule import PipelineSchedule
from stacks.constructs.placement import Placement
from stacks.constructs.staging import Staging
from stacks.serving import ServingResources
from stacks.settings import GROUND_TRUTH, Settings
from stacks.storage import StorageResources
from stacks.training import TrainingResources

_ADVICE = "Read why in the logs of its step (/aws/sagemaker/ProcessingJobs); the next run judges the windows it missed."


class MonitoringStack(Stack):
    """The scheduled monitoring pipeline, its alarms and the dashboard."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        staging: Staging,
        storage: StorageResources,
        training: TrainingResources,
        serving: ServingResources,
        placement: Placement | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"{settings.names.stage}: monitor, alarms and dashboard",
            termination_protection=settings.deployment.retain,
        )
        names, notifications = settings.names, storage.notifications
        pipeline = MonitoringPipeline(
            self,
            "Pipeline",
            settings=settings,
            staging=staging,
            definition=read_definition(settings),
            artifacts=storage.artifacts,
            data=storage.data,
            placement=placement,
        )
        for prefix in ("capture/", "runs/", "monitoring/"):
            storage.artifacts.grant_read(pipeline.role, prefix=prefix)
        storage.artifacts.grant_write(pipeline.role, prefix="monitoring/")
        storage.artifacts.grant_list(pipeline.role)
        storage.data.grant_read(pipeline.role, prefix=GROUND_TRUTH)
        storage.data.grant_list(pipeline.role)
        serving.endpoint.grant_trace(pipeline.role)
        training.registry.grant_describe(pipeline.role)

        PipelineSchedule(
            self,
            "Schedule",
            expression=settings.monitoring.schedule,
            pipeline=pipeline,
            parameter="Until",
            notifications=notifications,
            key=storage.key,
        )
        FailedRuns(
            self,
            "FailedRuns",
            pipeline=pipeline,
            rule_name=names.failed_monitoring,
            advice=_ADVICE,
            notifications=notifications,
            key=storage.key,
        )
        metrics = MonitorMetrics(settings)
        alarms = MonitorAlarms(self, "Alarms", settings=settings, metrics=metrics, notifications=notifications)
        dashboard = Dashboard(
            self,
            "Overview",
            settings=settings,
            metrics=metrics,
            alarms=alarms,
            paths=[*training.paths, *serving.paths],
        )
        CfnOutput(self, "MonitoringPipelineName", value=pipeline.name)
        CfnOutput(self, "DashboardName", value=dashboard.name)
        CfnOutput(self, "AlarmNames", value=",".join(names.alarm(kind) for kind in alarms.alarms))
