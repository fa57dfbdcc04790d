"""Which version is in production: the ledger's answer, checked against the endpoint itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambdas.shared.records import Deployment, LiveModel
from lambdas.shared.registry_stages import LIVE
from ops import deployments, registry
from ops.stage import Stage
from ops.target import Target

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeModelPackageOutputTypeDef

_METADATA = ("reason", "snapshot_id", "code_version", "code_bundle", "contract_version")


class Verdict(StrEnum):
    """What the comparison of ledger and endpoint says."""

    LIVE = "live"
    UPDATING = "updating"
    MISMATCH = "mismatch"
    NOTHING_LIVE = "nothing live"


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What the endpoint serves at this moment, according to SageMaker."""

    status: str
    endpoint_config: str
    package_arn: str | None


@dataclass(frozen=True, kw_only=True)
class Status:
    """The answer to "which version is in production?".

    Attributes:
        verdict: Whether ledger and endpoint agree.
        explanation: One sentence for people.
        live: The ledger's record of the live version, if there is one.
        serving: What SageMaker says, if the endpoint exists.
        because: Why the live version was deployed.
        provenance: Reason of the run, snapshot, commit, bundle and contract of the live model package.
        metrics: Metrics of the live version on the hold-out of its run.
        previous_version: What `ops rollback` would return to.
        deploying: The deployment under way, if there is one.
        run_in_flight: The training run under way, if there is one.
        notes: What the registry says otherwise than the ledger.
        next_step: What the operator can do now, when something is missing or wrong.
    """

    project: str
    environment: str
    endpoint: str
    verdict: Verdict
    explanation: str
    live: LiveModel | None
    serving: Serving | None
    because: str | None
    provenance: dict[str, str]
    metrics: dict[str, float]
    previous_version: int | None
    deploying: Deployment | None
    run_in_flight: str | None
    notes: tuple[str, ...]
    next_step: str | None
    asked_at: datetime

    def as_json(self) -> dict[str, Any]:
        """The same for machines; times in ISO 8601."""
        live = self.live
        return {
            "project": self.project,
            "environment": self.environment,
            "endpoint": self.endpoint,
            "verdict": self.verdict.value,
            "explanation": self.explanation,
            "live": self.verdict in {Verdict.LIVE, Verdict.UPDATING},
            "version": live.version if live else None,
            "since": live.since.isoformat() if live else None,
            "by": live.by if live else None,
            "because": self.because,
            "run_id": live.run_id if live else None,
            "package_arn": live.package_arn if live else None,
            "endpoint_config": live.endpoint_config if live else None,
            "serving_config": self.serving.endpoint_config if self.serving else None,
            "endpoint_status": self.serving.status if self.serving else None,
            **self.provenance,
            "metrics": self.metrics,
            "previous_version": self.previous_version,
            "deploying": self.deploying.model_dump(mode="json") if self.deploying else None,
            "run_in_flight": self.run_in_flight,
            "notes": list(self.notes),
            "next_step": self.next_step,
            "asked_at": self.asked_at.isoformat(),
        }


def read_status(stage: Stage, *, now: datetime) -> Status:
    """Ask the ledger, then the endpoint, then the registry.

    Raises:
        OpsError: The stacks of the project are not deployed in this environment.
    """
    ledger = stage.ledger
    live = ledger.live()
    serving = read_serving(stage.target, stage.endpoint)
    verdict, explanation = compare(live, serving)
    run = ledger.run(live.run_id) if live and live.run_id else None
    package = registry.look_up(stage, live.package_arn) if live else None
    before = deployments.candidates(stage, instead_of=live.version).chosen if live else None
    deploying, in_flight = deployments.under_way(stage), ledger.training().run_id
    return Status(
        project=stage.project,
        environment=stage.environment,
        endpoint=stage.endpoint,
        verdict=verdict,
        explanation=explanation,
        live=live,
        serving=serving,
        because=_because(stage, live) if live else None,
        provenance=_provenance(package) if package else {},
        metrics=run.metrics if run else {},
        previous_version=before.version if before else None,
        deploying=deploying,
        run_in_flight=in_flight,
        notes=tuple(registry_notes(live, package, environment=stage.environment)) if live else (),
        next_step=_next_step(stage, verdict, live, is_busy=deploying is not None or in_flight is not None),
        asked_at=now,
    )


def compare(live: LiveModel | None, serving: Serving | None) -> tuple[Verdict, str]:
    """Say whether what the ledger holds for live is what the endpoint serves."""
    if live is None:
        state = "the endpoint exists, but" if serving else "there is no endpoint:"
        return Verdict.NOTHING_LIVE, f"{state} no deployment has been confirmed yet"
    if serving is None:
        return Verdict.MISMATCH, f"the ledger says version {live.version} is live, but the endpoint does not exist"
    if serving.endpoint_config != live.endpoint_config:
        return Verdict.MISMATCH, (
            f"the ledger says version {live.version} is live with the endpoint config {live.endpoint_config}, "
            f"but the endpoint serves {serving.endpoint_config}: somebody or something else changed it"
        )
    if serving.package_arn not in {None, live.package_arn}:
        return Verdict.MISMATCH, (
            f"the ledger says {live.package_arn} is live, but the endpoint's model comes from {serving.package_arn}"
        )
    if serving.status != "InService":
        return Verdict.UPDATING, f"version {live.version} serves while the endpoint is {serving.status}"
    return Verdict.LIVE, f"version {live.version} is live, and the endpoint serves it"


def read_serving(target: Target, endpoint: str) -> Serving | None:
    """Ask SageMaker what the endpoint serves; None when there is no such endpoint."""
    try:
        described = target.sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationException":  # what SageMaker answers for an absent endpoint
            return None
        raise
    config = described["EndpointConfigName"]
    return Serving(status=described["EndpointStatus"], endpoint_config=config, package_arn=_package(target, config))


def _package(target: Target, config: str) -> str | None:
    variants = target.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    model = target.sagemaker.describe_model(ModelName=variants[0]["ModelName"])
    containers = [model.get("PrimaryContainer", {}), *model.get("Containers", [])]
    return next((container["ModelPackageName"] for container in containers if "ModelPackageName" in container), None)


def registry_notes(
    live: LiveModel, package: "DescribeModelPackageOutputTypeDef | None", *, environment: str
) -> Iterator[str]:
    """Say where the registry disagrees with the ledger about the live version."""
    version = live.version
    if package is None:
        yield f"the model package of version {version} was deleted from the registry while it serves"
        return
    approval = registry.approval(package)
    if approval != registry.APPROVED:
        yield f"version {version} is {approval} in the registry while it serves"
    told = "nothing"
    if "ModelLifeCycle" in package:
        told = f"{package['ModelLifeCycle']['Stage']}: {package['ModelLifeCycle']['StageStatus']}"
    if told != f"{environment}: {LIVE}":
        yield (
            f"the registry's life-cycle stage of version {version} says {told}, expected {environment}: {LIVE}; the "
            "next deployment or event of the endpoint corrects it"
        )


def _because(stage: Stage, live: LiveModel) -> str | None:
    deployed = stage.ledger.deployments_of(live.version)
    return next((each.reason for each in deployed if each.sequence == live.sequence), None)


def _provenance(package: "DescribeModelPackageOutputTypeDef") -> dict[str, str]:
    metadata = package.get("CustomerMetadataProperties", {})
    return {name: metadata[name] for name in _METADATA if name in metadata}


def _next_step(stage: Stage, verdict: Verdict, live: LiveModel | None, *, is_busy: bool) -> str | None:
    if verdict is Verdict.MISMATCH and live is not None:
        return f"find out who changed it; `python -m ops rollback --to {live.version}` restores version {live.version}"
    if verdict is not Verdict.NOTHING_LIVE or is_busy:
        return None
    newest = next(iter(stage.ledger.runs(limit=1)), None)
    if newest is None:
        return _how_to_drop(stage)
    if newest.version is not None and newest.package_arn is not None:
        package = registry.look_up(stage, newest.package_arn)
        if package is not None and registry.approval(package) == "PendingManualApproval":
            return f"version {newest.version} waits for approval: `python -m ops approve {newest.version}`"
    return f"the newest run, {newest.run_id}, is {newest.status.value}: `python -m ops history` says what happened"


def _how_to_drop(stage: Stage) -> str:
    target = stage.target
    where = f" --endpoint-url {target.endpoint_url}" if target.endpoint_url else ""
    return (
        "drop the first data, its event starts the training: "
        f"`aws{where} s3 cp drops/ s3://{stage.data_bucket}/data/ --recursive`, objects named "
        "data/period=YYYY-MM/<name>.parquet"
    )
