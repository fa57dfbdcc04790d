"""One deployed project in one environment: its names, its ledger, and where its files lie."""

import tomllib
from contextlib import suppress
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
        return self._outputs("Storage")

    @cached_property
    def _training(self) -> dict[str, str]:
        return self._outputs("Training")

    @cached_property
    def _serving(self) -> dict[str, str]:
        return self._outputs("Serving")

    @property
    def api_url(self) -> str:
        """Where the application answers."""
        url = self._outputs("Application")["ApiUrl"]
        if self.target.address is None:
            return url
        # An embedded AWS answers for all its APIs at its own address (MiniStack, "API Gateway").
        return f"{self.target.address}/_aws/execute-api/{url.removeprefix('https://').partition('.')[0]}"

    def _outputs(self, stack: str) -> dict[str, str]:
        return self.target.stack_outputs(f"{self.name}-{stack}", fix=self._how_to_deploy)

    @property
    def _how_to_deploy(self) -> str:
        if self.target.is_sandbox:
            return f"`python -m sandbox deploy --project {self.project}` deploys it"
        options = f"-c project={self.project} -c environment={self.environment}"
        return f'`npx cdk deploy "{self.name}/**" {options}` deploys it, --environment or --region names another place'

    @property
    def endpoint(self) -> str:
        """Name of the endpoint."""
        return self._serving["EndpointName"]

    @property
    def deployment_queue_url(self) -> str:
        """Where deployments are asked for."""
        return self._serving["DeploymentQueueUrl"]

    @cached_property
    def ledger(self) -> Ledger:
        """What ran, what is live, and why."""
        return Ledger(self.target.dynamodb, table=self._storage["LedgerTableName"])

    @property
    def artifacts_bucket(self) -> str:
        """Where snapshots, reports and models lie."""
        return self._storage["ArtifactsBucketName"]

    @property
    def data_bucket(self) -> str:
        """Where new data is put."""
        return self._storage["DataBucketName"]

    @property
    def retrain_queue_url(self) -> str:
        """Where training runs are asked for."""
        return self._training["RetrainQueueUrl"]

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
    names = project_names(projects)
    if len(names) == 1:
        return names[0]
    deployed = [name for name in names if target.has_stack(f"{name}-{environment}-Storage")]
    if len(deployed) == 1:
        return deployed[0]
    if deployed:
        raise OpsError(f"{', '.join(deployed)} are deployed in environment {environment}: name one with --project")
    how = "`python -m sandbox deploy`" if target.is_sandbox else 'README.md, "To an AWS account"'
    raise OpsError(
        f"none of {', '.join(names)} is deployed in environment {environment}: deploy one ({how}), or name another "
        "environment with --environment, another project with --project"
    )


def project_names(projects: Path = PROJECTS) -> list[str]:
    """Return the projects that have a folder here."""
    return sorted(path.parent.name for path in projects.glob("*/project.toml"))


def environment_names(projects: Path = PROJECTS) -> list[str]:
    """Return the environments that the projects name in their settings; a broken file names none."""
    found: set[str] = set()
    for path in projects.glob("*/project.toml"):
        with suppress(tomllib.TOMLDecodeError):
            found.update(tomllib.loads(path.read_text("utf-8")).get("environments", {}))
    return sorted(found)
