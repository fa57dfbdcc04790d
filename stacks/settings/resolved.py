"""Settings of one project in one environment: base sections with the environment's differences applied."""

from pathlib import Path

from stacks.settings.model import (
    Application,
    Data,
    DeliveryPipelines,
    Gate,
    Monitoring,
    Project,
    Retraining,
    Rollout,
    Section,
    Serving,
    Training,
)
from stacks.settings.names import Names
from stacks.settings.types import Network


class Deployment(Section):
    """Where an environment lives and what happens to its data when a stack is deleted.

    Attributes:
        is_delivered: whether the pipelines of ``[delivery]`` go there.
        delivery_account: where these pipelines live; ``None`` is the environment's own account.
    """

    environment: str
    retain: bool
    notify: tuple[str, ...]
    account: str | None
    region: str | None
    permissions_boundary: str | None
    network: Network
    is_delivered: bool
    delivery_account: str | None
    tags: dict[str, str]


class Settings(Section):
    """All that the stacks of one stage need to know. ``folder`` is the project's folder."""

    folder: Path
    project: Project
    data: Data
    training: Training
    gate: Gate
    retraining: Retraining
    serving: Serving
    rollout: Rollout
    monitoring: Monitoring
    application: Application
    deployment: Deployment

    @property
    def names(self) -> Names:
        """The generated physical names."""
        return Names(project=self.project.name, environment=self.deployment.environment)


class ProjectSettings(Section):
    """A project with the settings of each of its environments, in the order of the file, and of their delivery."""

    name: str
    environments: tuple[Settings, ...]
    delivery: DeliveryPipelines | None = None

    @property
    def folder(self) -> Path:
        """The project's folder, as the repository names it."""
        return Path("pipelines", "projects", self.name)

    def environment(self, name: str) -> Settings:
        """The settings of one environment.

        Raises:
            KeyError: the project has no such environment.
        """
        found = {one.deployment.environment: one for one in self.environments}
        return found[name]
