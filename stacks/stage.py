"""One project in one environment: what the ML pipeline deploys, what the application pipeline deploys, or both."""

from pathlib import Path

from aws_cdk import Environment, PermissionsBoundary, Stack, Stage, Tags
from constructs import Construct

from stacks.application import ApplicationStack
from stacks.constructs.handler import HandlerContext
from stacks.constructs.staging import Staging
from stacks.monitoring import MonitoringStack
from stacks.network import NetworkStack
from stacks.serving import ServingStack
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.training import TrainingStack


class EnvironmentStage(Stage):
    """Account, region, permissions boundary and tags of an environment; stacks are ``<project>-<environment>-…``."""

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
        self._settings = settings
        self._root = root
        self._code_version = code_version
        self._staging = staging
        for key, value in place.tags.items():
            Tags.of(self).add(key, value)

    def _add_ml(self) -> list[Stack]:
        """Add the stacks of the ML side; returns those that export something."""
        settings, staging = self._settings, self._staging
        is_isolated = settings.deployment.network == "isolated"
        stack = StorageStack(self, "Storage", settings=settings)
        storage = stack.resources
        network = NetworkStack(self, "Network", settings=settings, key=storage.key) if is_isolated else None
        placement = network.placement if network is not None else None
        handlers = HandlerContext(
            root=self._root,
            settings=settings,
            staging=staging,
            ledger=storage.ledger,
            notifications=storage.notifications,
            key=storage.key,
            placement=placement,
        )
        training = TrainingStack(
            self, "Training", settings=settings, storage=storage, handlers=handlers, code_version=self._code_version
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
            placement=placement,
        )
        return [stack] if network is None else [network, stack]

    def _add_application(self) -> ApplicationStack:
        return ApplicationStack(
            self,
            "Application",
            settings=self._settings,
            root=self._root,
            staging=self._staging,
            code_version=self._code_version,
        )


class MlStage(EnvironmentStage):
    """Storage, Training, Serving and Monitoring, and Network if isolated: what the pipeline of the ML code deploys."""

    def __init__(
        self, scope: Construct, *, settings: Settings, root: Path, code_version: str, staging: Staging
    ) -> None:
        super().__init__(scope, settings=settings, root=root, code_version=code_version, staging=staging)
        self._add_ml()


class ApplicationStage(EnvironmentStage):
    """Application: what the application's pipeline deploys, next to an environment that exists."""

    def __init__(
        self, scope: Construct, *, settings: Settings, root: Path, code_version: str, staging: Staging
    ) -> None:
        super().__init__(scope, settings=settings, root=root, code_version=code_version, staging=staging)
        self._add_application()


class ProjectStage(EnvironmentStage):
    """All of these stacks, for whoever deploys an environment with one command."""

    def __init__(
        self, scope: Construct, *, settings: Settings, root: Path, code_version: str, staging: Staging
    ) -> None:
        super().__init__(scope, settings=settings, root=root, code_version=code_version, staging=staging)
        exporting = self._add_ml()
        application = self._add_application()
        # The application finds them by exports, which the CDK does not see.
        for stack in exporting:
            application.add_stack_dependency(stack)
