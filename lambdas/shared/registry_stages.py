"""Keeps the life-cycle stage of the model packages equal to what the ledger says.

The stage is the environment; its status is ``Live``, ``Retired``, ``RolledBack`` or ``Failed``. AWS pages "Staging
Construct for your Model Lifecycle" (developer guide) and "ModelLifeCycle" (API reference).
"""

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from lambdas.shared import clock
from lambdas.shared.endpoints import is_validation_error
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import Deployment, DeploymentStatus, LiveModel
from lambdas.shared.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import ModelLifeCycleTypeDef

LIVE: Final = "Live"
_RETIRED: Final = "Retired"
_STATUSES: Final = {
    DeploymentStatus.ROLLED_BACK: "RolledBack",
    DeploymentStatus.FAILED: "Failed",
    DeploymentStatus.REJECTED: "Failed",
}
_RECENT: Final = 5
"""Deployments that are looked at: each settles before the next begins, so an older one was corrected long ago."""


class RegistryStages:
    """Writes life-cycle stages; saying the same again writes nothing."""

    def __init__(self, sagemaker: "SageMakerClient", ledger: Ledger, *, stage: str) -> None:
        """Describe them; ``stage`` is the name of the environment."""
        self._sagemaker = sagemaker
        self._ledger = ledger
        self._stage = stage

    def agree(self, live: LiveModel | None) -> None:
        """Let the packages of the last settled deployments say what became of them, the live one last."""
        settled = [each for each in self._ledger.deployments() if not each.is_open]
        newest_first = sorted(settled, key=lambda each: each.sequence, reverse=True)[:_RECENT]
        wanted: dict[str, ModelLifeCycleTypeDef] = {}
        for deployment in newest_first:
            wanted.setdefault(deployment.package_arn, self._of(deployment))
        if live is not None:
            wanted.pop(live.package_arn, None)
            wanted[live.package_arn] = self._cycle(LIVE, f"since {clock.iso(live.since)}, by {live.by}")
        for package_arn, cycle in wanted.items():
            self._write(package_arn, cycle)

    def _of(self, deployment: Deployment) -> "ModelLifeCycleTypeDef":
        told = f"deployment {deployment.sequence}: {deployment.detail or deployment.status}"
        return self._cycle(_STATUSES.get(deployment.status, _RETIRED), told)

    def _cycle(self, status: str, description: str) -> "ModelLifeCycleTypeDef":
        return {"Stage": self._stage, "StageStatus": status, "StageDescription": " ".join(description.split())[:1024]}

    def _write(self, package_arn: str, cycle: "ModelLifeCycleTypeDef") -> None:
        try:
            package = self._sagemaker.describe_model_package(ModelPackageName=package_arn)
        except ClientError as error:
            if is_validation_error(error, "does not exist"):
                return  # somebody deleted it: nothing of it can say anything wrong
            raise
        if package.get("ModelLifeCycle") == cycle:
            return
        self._sagemaker.update_model_package(ModelPackageArn=package_arn, ModelLifeCycle=cycle)
        logger.info("stage", package=package_arn, status=cycle["StageStatus"])
