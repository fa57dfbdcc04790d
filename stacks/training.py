"""Training: from a drop of data (or a request) to a registered model, and the book-keeping of each run."""

from dataclasses import dataclass

from aws_cdk import ArnFormat, CfnOutput, Stack
from aws_cdk import aws_events as events
from constructs import Construct

from stacks.constructs.delivery_role import DeliveryRole
from stacks.constructs.event_path import Delivery, EventPath
from stacks.constructs.handler import Handler, HandlerContext, Sizing
from stacks.constructs.model_registry import ModelRegistry
from stacks.constructs.run_watch import RunWatch
from stacks.constructs.training_pipeline import TrainingPipeline, read_definition
from stacks.settings import RETRAINING_ALARMS, Settings
from stacks.storage import StorageResources

_LISTING = Sizing(memory_megabytes=1769, timeout_seconds=120)
"""StartTraining lists up to 100,000 objects: seconds of a whole core and 100 calls to S3 (benchmarks/snapshot.py)."""
_BURST = 90
"""Requests that one invocation of StartTraining takes together; all of them make one run. It remembers them in one
transaction of the ledger, which holds at most 100 writes (page "TransactWriteItems")."""

_WAITING = 30
"""Minutes that a job may wait for a machine: as long as its step tries again (``JOB_RETRY`` in ``pipelines/jobs.py``).
Together with the limits of the jobs, that is the limit of a run."""


@dataclass(frozen=True)
class TrainingResources:
    """What the other stacks of the stage use."""

    registry: ModelRegistry
    paths: tuple[EventPath, ...]


class TrainingStack(Stack):
    """Training pipeline, model registry, and the event paths that start and close a run."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        storage: StorageResources,
        handlers: HandlerContext,
        code_version: str,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"{settings.names.stage}: training pipeline and model registry",
            termination_protection=settings.deployment.retain,
        )
        definition = read_definition(settings)
        registry = ModelRegistry(self, "Registry", settings=settings)
        pipeline = TrainingPipeline(
            self,
            "Pipeline",
            settings=settings,
            staging=handlers.staging,
            definition=definition,
            artifacts=storage.artifacts,
            registry=registry,
            placement=handlers.placement,
        )
        storage.data.grant_read_versions(pipeline.role, prefix=settings.data.prefix)
        storage.artifacts.grant_list(pipeline.role)
        storage.artifacts.grant_read(pipeline.role, prefix="snapshots/")
        storage.artifacts.grant_read(pipeline.role, prefix="runs/")
        storage.artifacts.grant_write(pipeline.role, prefix="runs/")
        registry.grant_describe(pipeline.role)
        registry.grant_register(pipeline.role)

        start = Handler(
            self,
            "StartTraining",
            name="start_training",
            description="Freezes a snapshot of the data and starts the training pipeline, one run at a time",
            context=handlers,
            sends_to_itself=True,
            environment={
                **_start_settings(settings),
                **_start_resources(storage, pipeline),
                "RUN_LIMIT_SECONDS": str(60 * definition.jobs * (settings.training.max_runtime_minutes + _WAITING)),
                "CODE_VERSION": code_version,
                "CONTRACT_VERSION": definition.contract_version,
            },
            sizing=_LISTING,
        )
        retrain = EventPath(
            self,
            "Retrain",
            description="New data asks for a training run",
            pattern=_data_arrived(storage, settings),
            handler=start,
            notifications=storage.notifications,
            key=storage.key,
            delivery=Delivery(settle_seconds=settings.retraining.settle_seconds, batch_size=_BURST),
        )
        retrain.deliver(
            "Monitor", description="The monitor asks for a training run", pattern=_alarm_changed(self, settings)
        )
        storage.data.grant_list_versions(start.role)
        storage.artifacts.grant_write(start.role, prefix="snapshots/")
        storage.artifacts.grant_read(start.role, prefix="snapshots/")
        pipeline.grant_start(start.role)

        close = Handler(
            self,
            "CloseTraining",
            name="close_training",
            description="Records how a training run ended, stops one at its limit, and asks for the next one",
            context=handlers,
            environment={"ARTIFACTS_BUCKET": storage.artifacts.name},
        )
        closing = EventPath(
            self,
            "Closing",
            description="A training run has ended",
            pattern=_run_ended(pipeline),
            handler=close,
            notifications=storage.notifications,
            key=storage.key,
        )
        pipeline.grant_stop(close.role)
        RunWatch(
            self,
            "Watch",
            every_minutes=settings.training.watch_minutes,
            closing=closing,
            notifications=storage.notifications,
            key=storage.key,
        )
        # StartTraining closes a run too, when it finds a lock whose run has ended and whose event never came.
        for handler in (start, close):
            retrain.grant_send(handler, variable="RETRAIN_QUEUE_URL")
            storage.artifacts.grant_list(handler.role)
            storage.artifacts.grant_read(handler.role, prefix="runs/")
            pipeline.grant_read_executions(handler.role)

        if settings.deployment.is_delivered:
            asks = DeliveryRole(self, "Delivery", settings=settings, side="ml")
            asks.grant_find(*(f"{settings.names.stage}-{name}" for name in ("Storage", "Training")))
            retrain.grant_ask(asks.role)
            storage.ledger.grant_read_write(asks.role)
            storage.ledger.grant_query(asks.role)
            storage.artifacts.grant_list(asks.role)
            storage.artifacts.grant_read(asks.role, prefix="runs/")
            storage.notifications.grant_publish(asks.role)
            registry.grant_describe(asks.role)
            pipeline.grant_read_executions(asks.role)

        self.resources = TrainingResources(registry=registry, paths=(retrain, closing))
        CfnOutput(self, "TrainingPipelineName", value=pipeline.name)
        CfnOutput(self, "ModelPackageGroupName", value=registry.name)
        CfnOutput(self, "RetrainQueueUrl", value=retrain.queue.queue_url)


def _start_settings(settings: Settings) -> dict[str, str]:
    data, retraining, training = settings.data, settings.retraining, settings.training
    return {
        "DATA_PREFIX": data.prefix,
        "WINDOW_PERIODS": str(data.window_periods),
        "MAX_OBJECTS": str(data.max_objects),
        "COOLDOWN_SECONDS": str(60 * retraining.cooldown_minutes),
        "MAX_RUNS_PER_DAY": str(retraining.max_runs_per_day),
        "NEW_DATA": retraining.new_data,
        "APPROVAL_STATUS": "Approved" if retraining.approval == "automatic" else "PendingManualApproval",
        "PROCESSING_INSTANCE_TYPE": training.instance_type,
        "TRAINING_INSTANCE_TYPE": training.instance_type,
    }


def _start_resources(storage: StorageResources, pipeline: TrainingPipeline) -> dict[str, str]:
    return {
        "DATA_BUCKET": storage.data.name,
        "ARTIFACTS_BUCKET": storage.artifacts.name,
        "PIPELINE_NAME": pipeline.name,
    }


def _data_arrived(storage: StorageResources, settings: Settings) -> events.EventPattern:
    """AWS page "Amazon S3 event notifications: EventBridge event message structure"."""
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={"bucket": {"name": [storage.data.name]}, "object": {"key": [{"prefix": settings.data.prefix}]}},
    )


def _alarm_changed(scope: Construct, settings: Settings) -> events.EventPattern:
    """AWS page "Alarm events and EventBridge"; the alarms stand in the Monitoring stack, which is built on this one."""
    stack = Stack.of(scope)
    return events.EventPattern(
        source=["aws.cloudwatch"],
        detail_type=["CloudWatch Alarm State Change"],
        resources=[
            stack.format_arn(
                service="cloudwatch",
                resource="alarm",
                resource_name=settings.names.alarm(kind),
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            for kind in RETRAINING_ALARMS
        ],
        detail={"state": {"value": ["ALARM", "OK"]}},
    )


def _run_ended(pipeline: TrainingPipeline) -> events.EventPattern:
    """AWS page "Events that Amazon SageMaker AI sends to Amazon EventBridge", pipeline execution state change."""
    return events.EventPattern(
        source=["aws.sagemaker"],
        detail_type=["SageMaker Model Building Pipeline Execution Status Change"],
        detail={
            "pipelineArn": [pipeline.arn],
            "currentPipelineExecutionStatus": ["Succeeded", "Failed", "Stopped"],
        },
    )
