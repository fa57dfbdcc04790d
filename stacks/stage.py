"""One project in one environment: four stacks that are deployed together."""

from pathlib import Path

from aws_cdk import Environment, PermissionsBoundary, Stage, Tags
from constructs import Construct

from stacks.constructs.handler import HandlerContext
from stacks.constructs.staging import Staging
from stacks.monitoring import MonitoringStack
from stacks.serving import ServingStack
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.training import TrainingStack


class ProjectStage(Stage):
    """Storage, Training, Serving and Monitoring, named ``<project>-<environment>-<stack>``."""

    def __init__(
        self, scope: Construct, *, settings: Settings, root: Path, code_version: str, staging: Staging
    ) -> None:
        place = settings.deployment
        boundary = place.permissions_boundary
        super().__init__(
            scope,
            settings.names.stage,
            env=Environment(account=place.account, region=place.region),
            permissions_boundary=PermissionsBoundary.from_name(boundary) if boundary else None,
        )
        storage = StorageStack(self, "Storage", settings=settings).resources
        handlers = HandlerContext(
            root=root,
            settings=settings,
            staging=staging,
            ledger=storage.ledger,
            notifications=storage.notifications,
        )
        training = TrainingStack(
            self, "Training", settings=settings, storage=storage, handlers=handlers, code_version=code_version
        ).resources
        serving = ServingStack(
            self, "Serving", settings=settings, storage=storage, training=training, handlers=handlers
        ).resources
        MonitoringStack(
            self,
            "Monitoring",
            settings=settings,
            staging=staging,
            storage=storage,
            training=training,
            serving=serving,
        )
        for key, value in place.tags.items():
            Tags.of(self).add(key, value)
