"""One deployed project in one environment: its names, its ledger, and where its files lie."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lambdas.shared.ledger import Ledger
from ops.errors import OpsError
from ops.target import Target

PROJECTS = Path(__file__).parents[1] / "pipelines" / "projects"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What the operator asks about; nothing is asked of AWS before it is needed."""

    target: Target
    project: str
    environment: str

    @property
    def name(self) -> str:
        """The name of the stage, with which all names in it begin."""
        return f"{self.project}-{self.environment}"

    @cached_property
    def _storage(self) -> dict[str, str]:
        return self.target.stack_outputs(f"{self.name}-Storage")

    @cached_property
    def _training(self) -> dict[str, str]:
        return self.target.stack_outputs(f"{self.name}-Training")

    @cached_property
    def endpoint(self) -> str:
        """Name of the endpoint."""
        return self.target.stack_outputs(f"{self.name}-Serving")["EndpointName"]

    @cached_property
    def ledger(self) -> Ledger:
        """What ran, what is live, and why."""
        return Ledger(self.target.dynamodb, table=self._storage["LedgerTableName"])

    @property
    def artifacts_bucket(self) -> str:
        """Where snapshots, reports and models lie."""
        return self._storage["ArtifactsBucketName"]

    @property
    def training_pipeline(self) -> str:
        """Name of the training pipeline."""
        return self._training["TrainingPipelineName"]

    @property
    def package_group(self) -> str:
        """Name of the model package group."""
        return self._training["ModelPackageGroupName"]


def only_project(target: Target, environment: str, *, projects: Path = PROJECTS) -> str:
    """Return the one project there is, or the one that is deployed.

    Raises:
        OpsError: There are several, so one has to be named.
    """
    names = sorted(path.parent.name for path in projects.glob("*/project.toml"))
    if len(names) == 1:
        return names[0]
    deployed = [name for name in names if target.has_stack(f"{name}-{environment}-Storage")]
    if len(deployed) == 1:
        return deployed[0]
    which = f"{', '.join(deployed)} are" if deployed else f"none of {', '.join(names)} is"
    raise OpsError(f"{which} deployed in environment {environment}: name one with --project")
