"""Which model version serves, found where it is true: at the endpoint. And what that version is compared with.

Endpoint → endpoint configuration → model → model package (API reference: DescribeEndpoint, DescribeEndpointConfig,
DescribeModel, DescribeModelPackage).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pipelines.steps.drift import baseline
from pipelines.steps.drift.baseline import BASELINE, Baseline
from pipelines.steps.failure import StepError
from pipelines.steps.monitor.store import Store

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


@dataclass(frozen=True)
class Live:
    """The version that serves.

    Attributes:
        version: its number in the registry.
        package_arn: its package.
        run_id: the run that trained it.
        created: when it was registered.
        serving_since: when the endpoint was created.
        variant: of the endpoint; its capture lies in a folder of that name.
    """

    version: str
    package_arn: str
    run_id: str
    created: datetime
    serving_since: datetime
    variant: str

    def age_days(self, moment: datetime) -> float:
        """Return the version's age in days, 0 for one that was registered later."""
        return max(0.0, (moment - self.created).total_seconds() / 86_400)


def find(endpoint: str, sagemaker: "SageMakerClient") -> Live | None:
    """Look at the endpoint; ``None`` when there is none yet, or nothing serves.

    Raises:
        StepError: what serves is no version of a registry, or does not say which run trained it.
    """
    try:
        found = sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        # SageMaker has no error code of its own for an endpoint that does not exist.
        if "could not find" in error.response["Error"]["Message"].lower():
            return None
        raise
    variants = found.get("ProductionVariants")
    if not variants:
        return None
    config = sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
    (variant,) = config["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    containers = model.get("Containers") or [model.get("PrimaryContainer", {})]
    arn = containers[0].get("ModelPackageName")
    if arn is None:
        raise StepError(
            f"endpoint {endpoint} serves model {variant['ModelName']}, which is no version of a model package group: "
            "deploy an approved version, then the monitor knows what to compare with"
        )
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    run_id = package.get("CustomerMetadataProperties", {}).get("run_id")
    if run_id is None:
        raise StepError(f"model package {arn} does not say which run trained it, so its baseline cannot be found")
    return Live(
        version=str(package["ModelPackageVersion"]),
        package_arn=arn,
        run_id=run_id,
        created=package["CreationTime"].astimezone(UTC),
        serving_since=found["CreationTime"].astimezone(UTC),
        variant=variant["VariantName"],
    )


def read_baseline(live: Live, runs: Store) -> Baseline:
    """Read what the version is compared with, from the outputs of the run that trained it.

    Raises:
        StepError: there is no baseline; a version from before the monitor existed has none.
    """
    name = f"{live.run_id}/evaluate/{BASELINE}"
    content = runs.read(name)
    if content is None:
        raise StepError(
            f"version {live.version} has no baseline at {runs.uri(name)}: it was deleted, or the version is older than "
            "the monitor; ask for a training run (docs/operating.md), the next version brings one"
        )
    return baseline.parse(content)
