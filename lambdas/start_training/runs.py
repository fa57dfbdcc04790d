"""Starts pipeline executions: builds the run that is written into the ledger, and starts exactly that run.

AWS page: "StartPipelineExecution" (Amazon SageMaker API Reference).
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lambdas.shared import clock
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import Run, RunStatus
from lambdas.shared.snapshot import Snapshot
from lambdas.start_training.environment import StartTrainingEnvironment
from lambdas.start_training.wishes import Wish

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

NO_CHAMPION = "none"
# The Register step copies the reason into the package's metadata, which allows 256 of these characters
# (CustomerMetadataValue in the API reference).
_NOT_IN_METADATA = re.compile(r"[^\w .:/=+\-@]")
_METADATA_LIMIT = 256


class RunStarter:
    """Plans runs and starts them."""

    def __init__(
        self,
        environment: StartTrainingEnvironment,
        *,
        ledger: Ledger,
        s3: "S3Client",
        sagemaker: "SageMakerClient",
    ) -> None:
        self._environment = environment
        self._ledger = ledger
        self._s3 = s3
        self._sagemaker = sagemaker

    def plan(self, wish: Wish, snapshot: Snapshot) -> Run:
        """Freeze everything about a run that is going to be started.

        The manifest is stored first: whoever sees the run in the ledger can rely on it. It is named by its content, so
        a manifest of a run that then loses the lock does no harm.
        """
        environment = self._environment
        self._s3.put_object(
            Bucket=environment.artifacts_bucket,
            Key=snapshot.key,
            Body=snapshot.manifest,
            ContentType="application/json",
        )
        started_at = clock.now()
        run_id = _run_id(started_at, snapshot=snapshot, wish=wish)
        snapshot_uri = f"s3://{environment.artifacts_bucket}/{snapshot.key}"
        return Run(
            run_id=run_id,
            status=RunStatus.STARTING,
            reason=wish.reason,
            trigger=wish.trigger,
            snapshot_id=snapshot.id,
            snapshot_uri=snapshot_uri,
            started_at=started_at,
            parameters={
                "RunId": run_id,
                "Reason": _plain(wish.reason),
                "SnapshotUri": snapshot_uri,
                "SnapshotId": snapshot.id,
                "ChampionPackageArn": self._champion(),
                "ApprovalStatus": environment.approval_status,
                "CodeVersion": environment.code_version,
                "ContractVersion": environment.contract_version,
                "ProcessingInstanceType": environment.processing_instance_type,
                "TrainingInstanceType": environment.training_instance_type,
            },
        )

    def start(self, run: Run) -> str:
        """Start the run's execution and return its ARN; a repeated start yields the same execution."""
        response = self._sagemaker.start_pipeline_execution(
            PipelineName=self._environment.pipeline_name,
            # The name leads from an execution back to its run, also when its ARN was never recorded.
            PipelineExecutionDisplayName=run.run_id,
            PipelineExecutionDescription=run.parameters["Reason"],
            PipelineParameters=[{"Name": name, "Value": value} for name, value in run.parameters.items()],
            ClientRequestToken=hashlib.sha256(run.run_id.encode()).hexdigest(),
        )
        return response["PipelineExecutionArn"]

    def _champion(self) -> str:
        """Return the package to beat: the one that serves according to the ledger.

        Not the newest approved one: a version that was rolled back or never went live is no champion.
        """
        live = self._ledger.live()
        return live.package_arn if live else NO_CHAMPION


def _plain(reason: str) -> str:
    return " ".join(_NOT_IN_METADATA.sub(" ", reason).split())[:_METADATA_LIMIT].strip() or "not stated"


def _run_id(started_at: datetime, *, snapshot: Snapshot, wish: Wish) -> str:
    content = f"{started_at.isoformat()} {snapshot.id} {wish.reason}"
    return f"{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
