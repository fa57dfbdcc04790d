"""The records of the ledger: what each one says, without how it is stored (that is :mod:`lambdas.shared.ledger`)."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Base of all records. Attributes that a newer release added are kept when an older one writes the record back."""

    model_config = ConfigDict(frozen=True, extra="allow")


class RunStatus(StrEnum):
    """How far a training run got."""

    STARTING = "starting"
    RUNNING = "running"
    PROMOTED = "promoted"
    KEPT_CHAMPION = "kept_champion"
    REJECTED_DATA = "rejected_data"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Whether the run may still change."""
        return self in {RunStatus.STARTING, RunStatus.RUNNING}


class DeploymentStatus(StrEnum):
    """What became of a requested deployment."""

    REQUESTED = "requested"
    LIVE = "live"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    REJECTED = "rejected"


class Alarm(Record):
    """An alarm that asks for training, as the newest of its events left it.

    Events are ordered by the time that CloudWatch gave them, so that late, duplicate and reordered ones leave the
    right state. While it is on, it wishes for a run on new data; once it is off, it wishes nothing.
    """

    kind: str
    name: str
    on: bool
    at: datetime
    """When it went into this state, by CloudWatch's clock."""
    reason: str
    """Why, in CloudWatch's words."""
    asks: bool = False
    """Whether it went on and nothing was decided about that yet."""
    told_at: datetime | None = None
    """``at`` of the state about which people were told that there is no new data."""


class TrainingState(Record):
    """The one run in flight, if any, and what waits behind it.

    ``dirty`` means: a drop or a person asked for training and has not been served. It outlives every message, so that
    a lost or late message never loses a wish; messages only wake the handler up to look at it. What alarms wish is not
    copied into it: that follows from ``alarms``, and ends with them.
    """

    revision: int = 0
    """Grows with each write; every write is conditional on the revision it was decided on."""
    run_id: str | None = None
    execution_arn: str | None = None
    started_at: datetime | None = None
    dirty: bool = False
    dirty_reason: str | None = None
    dirty_trigger: str | None = None
    dirty_requires_new_data: bool = True
    """False when somebody waits who wants a run even on unchanged data."""
    wake_up_at: datetime | None = None
    """When the deferred message that was sent will arrive."""
    last_started_at: datetime | None = None
    last_snapshot_id: str | None = None
    recent_starts: tuple[datetime, ...] = ()
    """Starts of the last 24 hours, oldest first: the retrain budget."""
    refusal: str | None = None
    """The refusal that was last recorded and notified, so that a burst is told once."""
    deferral: str | None = None
    """What the wish waits for that was last recorded and notified, so that each cooldown is told once."""
    waiting_period: str | None = None
    """Newest period of the data that was last recorded as waiting for a reason, so that a burst is recorded once."""
    trained_snapshot_id: str | None = None
    """Snapshot of the last run that ended with a verdict of the gate: what lies beside it is new data."""
    alarms: dict[str, Alarm] = {}
    """By kind."""

    @property
    def waits(self) -> bool:
        """Whether somebody waits for a decision."""
        return self.dirty or any(alarm.asks for alarm in self.alarms.values())


class LiveModel(Record):
    """Which model version serves, since when, and who or what put it there."""

    version: int
    package_arn: str
    endpoint_config: str
    since: datetime
    by: str
    sequence: int
    """Sequence of the deployment that made it live: an older confirmation cannot overwrite a newer one."""
    run_id: str | None = None


class ApplicationContract(Record):
    """What the delivered application speaks: a model version that it cannot call is not deployed."""

    contract: str
    """The contract's document (``contract.json``) as canonical JSON."""
    commit: str
    """Of the application's source."""
    deployed_at: datetime
    by: str
    revision: int = 1
    """Grows with each delivery; every write is conditional on the revision it was decided on."""

    @property
    def document(self) -> dict[str, Any]:
        """The contract."""
        document: dict[str, Any] = json.loads(self.contract)
        return document


class Run(Record):
    """One training run: why, on what, and how it ended."""

    run_id: str
    status: RunStatus
    reason: str
    trigger: str
    snapshot_id: str
    snapshot_uri: str
    started_at: datetime
    parameters: dict[str, str]
    """The pipeline's parameters, frozen when the lock was taken, so that a resumed start asks for the same run."""
    ends_by: datetime | None = None
    """When it has to be over: the limits of its jobs and their waiting together. ``None`` in runs of older releases."""
    execution_arn: str | None = None
    stop_requested_at: datetime | None = None
    """When the watch found it running at its limit, and had it stopped."""
    stop_reason: str | None = None
    """What the watch found."""
    abandoned: bool = False
    """Whether its execution was still stopping when its end was written down."""
    ended_at: datetime | None = None
    package_arn: str | None = None
    version: int | None = None
    metrics: dict[str, float] = {}
    """Of the challenger; ``champion_metrics`` and ``naive_metrics`` are figures on the same rows."""
    champion_metrics: dict[str, float] = {}
    naive_metrics: dict[str, float] = {}
    gate_rule: str | None = None
    gate_reason: str | None = None
    improvement: float | None = None
    lower_bound: float | None = None
    report_uri: str | None = None
    """The report for people: the evaluation of a judged run, the validation of refused data."""
    failure: str | None = None
    """Why there is no verdict: refused data or a failed step. A kept champion is none."""


class Deployment(Record):
    """One request to let a model version serve with one endpoint configuration."""

    version: int
    endpoint_config: str
    model_name: str = ""
    """The SageMaker model that the configuration names."""
    status: DeploymentStatus
    package_arn: str
    requested_at: datetime
    requested_by: str
    reason: str
    sequence: int
    """Position in the order of all deployments of this endpoint, starting at 1."""
    previous_version: int | None = None
    previous_config: str | None = None
    endpoint_modified_at: str
    """``LastModifiedTime`` of the endpoint before the request ("absent": no endpoint): as long as it is unchanged,
    SageMaker has not accepted the update, so an endpoint on the old configuration proves no rollback."""
    request_id: str | None = None
    run_id: str | None = None
    was_live: bool = False
    """Whether this configuration had been live before it was requested (again)."""
    rollout: str | None = None
    """How the update moves traffic and which alarms watch it, in words; none for the first one."""
    confirmed_at: datetime | None = None
    detail: str | None = None
    tidied_at: datetime | None = None
    """When configuration and model were deleted; a new deployment of the version makes them again."""

    @property
    def is_open(self) -> bool:
        """Whether the outcome is still unknown."""
        return self.status is DeploymentStatus.REQUESTED

    @property
    def is_proven(self) -> bool:
        """Whether this configuration has been live, and nothing is known against it since."""
        return self.status is DeploymentStatus.LIVE or (self.is_open and self.was_live)


class DeploymentPointer(Record):
    """The newest requested deployment: an endpoint takes one at a time."""

    version: int
    endpoint_config: str
    sequence: int


class Decision(Record):
    """Something that was asked for and was not done, and why."""

    at: datetime
    identity: str
    handler: str
    outcome: str
    reason: str
    subject: str | None = None
    trigger: str | None = None
    """Who or what asked."""


class TrainedSnapshot(Record):
    """Remembers that a run was started on a snapshot, so that a late event about its data starts no second one."""

    snapshot_id: str
    run_id: str


class HandledRequest(Record):
    """Remembers that a person's request was served, so that a second delivery of it is not served again."""

    request_id: str
    handled_at: datetime
    by: str
    expires_at: int
    """Epoch seconds after which DynamoDB may delete the record (longer than any queue keeps a message)."""
