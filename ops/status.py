"""Which version is in production: the ledger's answer, checked against the endpoint itself."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from lambdas.shared.ledger import Ledger
from lambdas.shared.records import LiveModel
from ops.target import Target

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
        provenance: Reason, snapshot, commit, bundle and contract of the live model package.
        metrics: Metrics of the live version on the hold-out of its run.
        run_in_flight: The training run under way, if there is one.
    """

    project: str
    environment: str
    endpoint: str
    verdict: Verdict
    explanation: str
    live: LiveModel | None
    serving: Serving | None
    provenance: dict[str, str]
    metrics: dict[str, float]
    run_in_flight: str | None
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
            "run_id": live.run_id if live else None,
            "package_arn": live.package_arn if live else None,
            "endpoint_config": live.endpoint_config if live else None,
            "serving_config": self.serving.endpoint_config if self.serving else None,
            "endpoint_status": self.serving.status if self.serving else None,
            **self.provenance,
            "metrics": self.metrics,
            "run_in_flight": self.run_in_flight,
            "asked_at": self.asked_at.isoformat(),
        }


def read_status(target: Target, *, project: str, environment: str, now: datetime) -> Status:
    """Ask the ledger, then the endpoint, then the registry.

    Raises:
        OpsError: The stacks of the project are not deployed in this environment.
    """
    stage = f"{project}-{environment}"
    ledger = Ledger(target.dynamodb, table=target.stack_outputs(f"{stage}-Storage")["LedgerTableName"])
    endpoint = target.stack_outputs(f"{stage}-Serving")["EndpointName"]
    live = ledger.live()
    serving = read_serving(target, endpoint)
    verdict, explanation = compare(live, serving)
    run = ledger.run(live.run_id) if live and live.run_id else None
    return Status(
        project=project,
        environment=environment,
        endpoint=endpoint,
        verdict=verdict,
        explanation=explanation,
        live=live,
        serving=serving,
        provenance=_provenance(target, live) if live else {},
        metrics=run.metrics if run else {},
        run_in_flight=ledger.training().run_id,
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


def _provenance(target: Target, live: LiveModel) -> dict[str, str]:
    described = target.sagemaker.describe_model_package(ModelPackageName=live.package_arn)
    metadata = described.get("CustomerMetadataProperties", {})
    return {name: metadata[name] for name in _METADATA if name in metadata}
