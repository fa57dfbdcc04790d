"""Where a model version comes from: the registry's record, joined with the ledger, the snapshot and the evaluation."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lambdas.shared import snapshot as snapshots
from lambdas.shared.evaluation import Evaluation, read_evaluation
from lambdas.shared.records import Deployment, Run
from lambdas.shared.snapshot import Snapshot
from ops import registry, storage
from ops.errors import OpsError
from ops.stage import Stage

_CODE = ("code_version", "code_bundle", "code_bucket", "definition_hash", "contract_version")
_PARAMETER = "hyperparameter_"
_LIBRARY = "lib_"


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Everything on record about one model version.

    Attributes:
        record: The manifest that the registration wrote (``CustomerMetadataProperties``).
        image: The image the model was trained with and serves in; its digest as SageMaker resolved it.
        model_uri: The archive that serves.
        snapshot: The data, object by object; None when the manifest is lost or was changed.
        snapshot_problem: Why it is None.
        run: The ledger's record of the run.
        evaluation: What the gate judged on.
        deployments: Every time the version was to serve.
        is_live: Whether the ledger holds it for live.
    """

    project: str
    environment: str
    version: int
    package_arn: str
    approval: str
    registered_at: datetime
    record: Mapping[str, str]
    image: str
    image_digest: str | None
    model_uri: str
    snapshot: Snapshot | None
    snapshot_problem: str | None
    run: Run | None
    evaluation: Evaluation | None
    deployments: tuple[Deployment, ...]
    is_live: bool

    @property
    def run_id(self) -> str:
        """The run that made it."""
        return self.record["run_id"]

    @property
    def reason(self) -> str:
        """Why it was trained: the ledger keeps the full text."""
        return self.run.reason if self.run else self.record.get("reason", "not recorded")

    @property
    def hyperparameters(self) -> dict[str, str]:
        """Hyperparameters by name."""
        return _with_prefix(self.record, _PARAMETER)

    @property
    def libraries(self) -> dict[str, str]:
        """Versions of the libraries that the code was locked to."""
        return _with_prefix(self.record, _LIBRARY)

    @property
    def parameters(self) -> dict[str, str]:
        """Every other setting on record."""
        told = {*_CODE, "project", "image", "run_id", "reason", "snapshot_id", "snapshot_uri", "champion"}
        return {
            name: value
            for name, value in self.record.items()
            if name not in told and not name.startswith((_PARAMETER, _LIBRARY)) and not name.endswith("_uri")
        }

    def as_json(self) -> dict[str, Any]:
        """The same for machines; times in ISO 8601, sizes in bytes."""
        return {
            "project": self.project,
            "environment": self.environment,
            "version": self.version,
            "package_arn": self.package_arn,
            "approval": self.approval,
            "registered_at": self.registered_at.isoformat(),
            "live": self.is_live,
            "reason": self.reason,
            "run": _run_as_json(self),
            "data": _data_as_json(self),
            "code": {name: self.record[name] for name in _CODE if name in self.record} | {"libraries": self.libraries},
            "image": {"uri": self.image, "digest": self.image_digest},
            "parameters": {**self.parameters, "hyperparameters": self.hyperparameters},
            "champion": self.record.get("champion"),
            "decision": _decision_as_json(self),
            "model_uri": self.model_uri,
            "evaluation_uri": self.record.get("evaluation_uri"),
            "report_uri": self.run.report_uri if self.run else self.record.get("report_uri"),
            "deployments": [deployment.model_dump(mode="json") for deployment in self.deployments],
        }


def read_lineage(stage: Stage, version: int) -> Lineage:
    """Ask the registry, then the ledger and the artifacts.

    Raises:
        OpsError: There is no such version, or it carries no record.
    """
    package = registry.describe(stage, version)
    record = package.get("CustomerMetadataProperties", {})
    if "run_id" not in record or "snapshot_uri" not in record:
        raise OpsError(
            f"version {version} of {stage.package_group} carries no record of its run: something else than the "
            "training pipeline registered it"
        )
    (container, *_) = package["InferenceSpecification"]["Containers"]
    snapshot, problem = read_snapshot(stage, record["snapshot_uri"], snapshot_id=record["snapshot_id"])
    live = stage.ledger.live()
    return Lineage(
        project=stage.project,
        environment=stage.environment,
        version=version,
        package_arn=package["ModelPackageArn"],
        approval=package.get("ModelApprovalStatus", "unknown"),
        registered_at=package["CreationTime"],
        record=record,
        image=container.get("Image", record.get("image", "not recorded")),
        image_digest=container.get("ImageDigest"),
        model_uri=container["ModelDataUrl"],
        snapshot=snapshot,
        snapshot_problem=problem,
        run=stage.ledger.run(record["run_id"]),
        evaluation=_evaluation(stage, record),
        deployments=tuple(stage.ledger.deployments_of(version)),
        is_live=live is not None and live.version == version,
    )


def read_snapshot(stage: Stage, uri: str, *, snapshot_id: str) -> tuple[Snapshot | None, str | None]:
    """Read a manifest and check it against its id; return it, or why it cannot be trusted."""
    manifest = storage.read(stage.target.s3, uri)
    if manifest is None:
        return None, f"the snapshot's manifest {uri} does not exist any more"
    actual = hashlib.sha256(manifest).hexdigest()
    if actual != snapshot_id:
        return None, f"the snapshot's manifest {uri} was altered: it has the id {actual}, recorded is {snapshot_id}"
    try:
        return snapshots.parse(manifest), None
    except ValueError as error:
        return None, f"{uri}: {error}"


def evaluation_uri(record: Mapping[str, str], *, artifacts_bucket: str) -> str:
    """Where the evaluation lies; the first versions did not carry its address."""
    computed = f"s3://{artifacts_bucket}/runs/{record['run_id']}/evaluate/evaluation.json"
    return record.get("evaluation_uri", computed)


def _evaluation(stage: Stage, record: Mapping[str, str]) -> Evaluation | None:
    body = storage.read(stage.target.s3, evaluation_uri(record, artifacts_bucket=stage.artifacts_bucket))
    return read_evaluation(body) if body else None


def _with_prefix(record: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in record.items() if name.startswith(prefix)}


def _run_as_json(lineage: Lineage) -> dict[str, Any]:
    run = lineage.run
    if run is None:
        return {"run_id": lineage.run_id, "status": None}
    return {
        "run_id": run.run_id,
        "status": run.status.value,
        "trigger": run.trigger,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "execution_arn": run.execution_arn,
    }


def _data_as_json(lineage: Lineage) -> dict[str, Any]:
    data: dict[str, Any] = {
        "snapshot_id": lineage.record["snapshot_id"],
        "snapshot_uri": lineage.record["snapshot_uri"],
        "problem": lineage.snapshot_problem,
    }
    if lineage.snapshot is None:
        return data
    objects = lineage.snapshot.objects
    return data | {
        "bucket": lineage.snapshot.bucket,
        "periods": list(lineage.snapshot.periods),
        "bytes": sum(each.size for each in objects),
        "objects": [vars(each) for each in objects],
    }


def _decision_as_json(lineage: Lineage) -> dict[str, Any] | None:
    judged = lineage.evaluation
    if judged is None:
        return None
    return {
        "rule": judged.gate_rule,
        "reason": judged.gate_reason,
        "improvement": judged.improvement,
        "lower_bound": judged.lower_bound,
        "metrics": judged.metrics,
        "champion_metrics": judged.champion_metrics,
        "naive_metrics": judged.naive_metrics,
    }
