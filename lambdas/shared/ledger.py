"""The ledger: one DynamoDB table that says what runs, what is live, and why. Also read by ``ops``.

Keys (``pk`` / ``sk``): ``STATE#training|live|deployment|application`` / ``STATE``; ``RUN`` / run id; ``DEPLOYMENT`` /
``<version, six digits>#<endpoint config>``; ``DECISION`` / ``<time>#<identity>``; ``REQUEST`` / message id;
``SNAPSHOT`` / snapshot id.

Every write states the condition under which it is still right. A :class:`Write` is one conditional put;
:meth:`Ledger.commit` applies several of them together or not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from lambdas.shared import clock
from lambdas.shared.attributes import decode_item, encode, encode_item
from lambdas.shared.errors import ConflictError
from lambdas.shared.records import (
    ApplicationContract,
    Decision,
    Deployment,
    DeploymentPointer,
    DeploymentStatus,
    HandledRequest,
    LiveModel,
    Record,
    Run,
    RunStatus,
    TrainedSnapshot,
    TrainingState,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

AnyRecord = TypeVar("AnyRecord", bound=Record)

# SQS keeps a message for at most 14 days (page "Amazon SQS message quotas").
_REMEMBER_REQUESTS = timedelta(days=15)
_RACE_LOST = {"ConditionalCheckFailed", "TransactionConflict"}


@dataclass(frozen=True)
class Write:
    """One conditional put. ``condition`` uses ``:name`` for the values given in ``values``."""

    pk: str
    sk: str
    record: Record
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def put_training(state: TrainingState) -> Write:
    """Replace the training state that ``state`` was derived from; any other writer in between is a conflict."""
    successor = state.model_copy(update={"revision": state.revision + 1})
    if state.revision == 0:
        return Write("STATE#training", "STATE", successor, "attribute_not_exists(pk)")
    return Write("STATE#training", "STATE", successor, "revision = :seen", {":seen": state.revision})


def put_new_run(run: Run) -> Write:
    """Add a run that does not exist yet."""
    return Write("RUN", run.run_id, run, "attribute_not_exists(pk)")


def put_run(run: Run) -> Write:
    """Advance a run that has not ended."""
    return Write(
        "RUN",
        run.run_id,
        run,
        "#status IN (:starting, :running)",
        {":starting": RunStatus.STARTING, ":running": RunStatus.RUNNING},
        {"#status": "status"},
    )


def put_live(live: LiveModel) -> Write:
    """Record what serves, unless a later deployment is already recorded as live."""
    condition = "attribute_not_exists(pk) OR #sequence < :sequence"
    return Write("STATE#live", "STATE", live, condition, {":sequence": live.sequence}, {"#sequence": "sequence"})


def put_application(application: ApplicationContract) -> Write:
    """Record what the application speaks, as the direct successor of what was on record before."""
    if application.revision == 1:
        return Write("STATE#application", "STATE", application, "attribute_not_exists(pk)")
    return Write(
        "STATE#application", "STATE", application, "revision = :previous", {":previous": application.revision - 1}
    )


def put_pointer(deployment: Deployment) -> Write:
    """Point at a new deployment, which must be the direct successor of the one pointed at."""
    pointer = DeploymentPointer(
        version=deployment.version, endpoint_config=deployment.endpoint_config, sequence=deployment.sequence
    )
    previous = deployment.sequence - 1
    if previous == 0:
        return Write("STATE#deployment", "STATE", pointer, "attribute_not_exists(pk)")
    names = {"#sequence": "sequence"}
    return Write("STATE#deployment", "STATE", pointer, "#sequence = :previous", {":previous": previous}, names)


def keep_pointer(deployment: Deployment) -> Write:
    """Change nothing, but only if no other deployment was requested since; part of a transaction."""
    pointer = DeploymentPointer(
        version=deployment.version, endpoint_config=deployment.endpoint_config, sequence=deployment.sequence
    )
    names = {"#sequence": "sequence"}
    return Write("STATE#deployment", "STATE", pointer, "#sequence = :seen", {":seen": deployment.sequence}, names)


def put_new_deployment(deployment: Deployment) -> Write:
    """Add a deployment; one that was settled earlier may be requested again, one that is open may not."""
    condition = "attribute_not_exists(pk) OR #status <> :requested"
    values = {":requested": DeploymentStatus.REQUESTED}
    return Write("DEPLOYMENT", deployment_key(deployment), deployment, condition, values, {"#status": "status"})


def put_deployment(deployment: Deployment, *, seen: Deployment) -> Write:
    """Change an open deployment, provided nobody touched it since ``seen`` was read."""
    return Write(
        "DEPLOYMENT",
        deployment_key(deployment),
        deployment,
        "#status = :requested AND #sequence = :sequence AND requested_at = :requested_at",
        {":requested": DeploymentStatus.REQUESTED, ":sequence": seen.sequence, ":requested_at": seen.requested_at},
        {"#status": "status", "#sequence": "sequence"},
    )


def put_tidied(deployment: Deployment) -> Write:
    """Remember that what a settled deployment consisted of is deleted, unless it was requested again meanwhile."""
    condition = "#status <> :requested AND #sequence = :sequence"
    values = {":requested": DeploymentStatus.REQUESTED, ":sequence": deployment.sequence}
    names = {"#status": "status", "#sequence": "sequence"}
    return Write("DEPLOYMENT", deployment_key(deployment), deployment, condition, values, names)


def put_decision(decision: Decision) -> Write:
    """Add a decision; the same one (time and identity) is kept once."""
    key = f"{clock.iso(decision.at)}#{decision.identity}"
    return Write("DECISION", key, decision, "attribute_not_exists(pk)")


def put_trained(run: Run, *, failed: TrainedSnapshot | None) -> Write:
    """Remember the first run of a snapshot, or the one that tries again what an earlier, failed run did not do."""
    record = TrainedSnapshot(snapshot_id=run.snapshot_id, run_id=run.run_id)
    if failed is None:
        return Write("SNAPSHOT", run.snapshot_id, record, "attribute_not_exists(pk)")
    return Write("SNAPSHOT", run.snapshot_id, record, "run_id = :failed", {":failed": failed.run_id})


def put_handled(request_id: str, *, by: str) -> Write:
    """Remember that a request was served; a second one is a conflict."""
    now = clock.now()
    expires_at = int((now + _REMEMBER_REQUESTS).timestamp())
    record = HandledRequest(request_id=request_id, handled_at=now, by=by, expires_at=expires_at)
    return Write("REQUEST", request_id, record, "attribute_not_exists(pk)")


def deployment_key(deployment: Deployment | DeploymentPointer) -> str:
    """Sort key of a deployment: versions sort as numbers."""
    return f"{deployment.version:06d}#{deployment.endpoint_config}"


class Ledger:
    """Reads and writes the records of one project in one environment."""

    def __init__(self, client: "DynamoDBClient", *, table: str) -> None:
        self._client = client
        self._table = table

    def training(self) -> TrainingState:
        """Return the training state (an empty one before the first run)."""
        return self._get("STATE#training", "STATE", TrainingState) or TrainingState()

    def live(self) -> LiveModel | None:
        """Return what serves according to the last confirmed deployment."""
        return self._get("STATE#live", "STATE", LiveModel)

    def application(self) -> ApplicationContract | None:
        """Return what the delivered application speaks; ``None`` as long as none was delivered."""
        return self._get("STATE#application", "STATE", ApplicationContract)

    def run(self, run_id: str) -> Run | None:
        """Return one run."""
        return self._get("RUN", run_id, Run)

    def trained(self, snapshot_id: str) -> TrainedSnapshot | None:
        """Return which run was started on a snapshot: the first one that did not fail, else the last one."""
        return self._get("SNAPSHOT", snapshot_id, TrainedSnapshot)

    def newest_deployment(self) -> Deployment | None:
        """Return the deployment that was requested last, open or settled."""
        pointer = self._get("STATE#deployment", "STATE", DeploymentPointer)
        return self._get("DEPLOYMENT", deployment_key(pointer), Deployment) if pointer else None

    def deployments_of(self, version: int) -> list[Deployment]:
        """Return every deployment of one model version; there are few, one per endpoint configuration."""
        response = self._client.query(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :version)",
            ExpressionAttributeValues={":pk": encode("DEPLOYMENT"), ":version": encode(f"{version:06d}#")},
        )
        return [Deployment.model_validate(decode_item(item)) for item in response["Items"]]

    def runs(self, *, limit: int) -> list[Run]:
        """Return the newest runs, newest first."""
        return self._newest("RUN", Run, limit=limit)

    def decisions(self, *, limit: int) -> list[Decision]:
        """Return the newest decisions, newest first."""
        return self._newest("DECISION", Decision, limit=limit)

    def deployments(self) -> list[Deployment]:
        """Return every deployment, the highest version first; there are few per version."""
        return self._newest("DEPLOYMENT", Deployment, limit=None)

    def is_handled(self, request_id: str) -> bool:
        """Whether a request was served already."""
        return self._get("REQUEST", request_id, HandledRequest) is not None

    def has_decision(self, decision: Decision) -> bool:
        """Whether exactly this decision is on record."""
        return self._get("DECISION", put_decision(decision).sk, Decision) is not None

    def commit(self, *writes: Write) -> None:
        """Apply all writes, or none.

        Raises:
            ConflictError: at least one condition does not hold any more.
        """
        try:
            if len(writes) == 1:
                self._client.put_item(**self._put(writes[0]))
            else:
                items: list[TransactWriteItemTypeDef] = [{"Put": self._put(write)} for write in writes]
                self._client.transact_write_items(TransactItems=items)
        except ClientError as error:
            if _lost_a_race(error):
                raise ConflictError(f"the ledger changed while writing {[write.sk for write in writes]}") from error
            raise

    def _get(self, pk: str, sk: str, kind: type[AnyRecord]) -> AnyRecord | None:
        response = self._client.get_item(
            TableName=self._table, Key={"pk": encode(pk), "sk": encode(sk)}, ConsistentRead=True
        )
        item = response.get("Item")
        return kind.model_validate(decode_item(item)) if item else None

    def _newest(self, pk: str, kind: type[AnyRecord], *, limit: int | None) -> list[AnyRecord]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            ScanIndexForward=False,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": encode(pk)},
            PaginationConfig={"MaxItems": limit} if limit else {},
        )
        return [kind.model_validate(decode_item(item)) for page in pages for item in page["Items"]]

    def _put(self, write: Write) -> Any:
        request: dict[str, Any] = {
            "TableName": self._table,
            "Item": encode_item({"pk": write.pk, "sk": write.sk, **write.record.model_dump()}),
            "ConditionExpression": write.condition,
        }
        if write.values:
            request["ExpressionAttributeValues"] = encode_item(write.values)
        if write.names:
            request["ExpressionAttributeNames"] = dict(write.names)
        return request


def _lost_a_race(error: ClientError) -> bool:
    """Tell a failed condition from a real fault (page "TransactWriteItems", section "TransactionCanceledException")."""
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
        return bool(reasons & _RACE_LOST) and not reasons - _RACE_LOST - {"None"}
    return code in {"ConditionalCheckFailedException", "TransactionConflictException"}
