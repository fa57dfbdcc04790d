"""Settings of one project in one environment: base sections with the environment's differences applied."""

from pathlib import Path

from stacks.settings.model import Data, Gate, Monitoring, Project, Retraining, Rollout, Section, Serving, Training
from stacks.settings.names import Names


class Deployment(Section):
    """Where an environment lives and what happens to its data when a stack is deleted."""

    environment: str
    retain: bool
    notify: tuple[str, ...]
    account: str | None
    region: str | None
    permissions_boundary: str | None
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
    deployment: Deployment

    @property
    def names(self) -> Names:
        """The generated physical names."""
        return Names(project=self.project.name, environment=self.deployment.environment)


class ProjectSettings(Section):
    """A project with the settings of each of its environments, in the order of the file."""

    name: str
    environments: tuple[Settings, ...]
