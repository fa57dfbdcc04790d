"""What may lie in the retrain queue, and what it means.

AWS pages: "Amazon S3 Event Notifications with Amazon EventBridge", section "EventBridge event message structure";
"Alarm events and EventBridge" (Amazon CloudWatch User Guide), section "Alarm state change events".
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, RootModel

from lambdas.shared.errors import UnexpectedEventError
from lambdas.shared.events import EventModel

KINDS: Final = ("quality", "drift", "prediction-drift", "model-age")
"""Alarms that ask for training, the strongest reason first: labels prove what drift only suggests."""
DATA: Final = "data"
"""Trigger of a drop."""
_LONGEST_KEY: Final = 1024
"""Bytes of an object's key, and of a version id (page "Naming Amazon S3 objects")."""
_LONGEST_REASON: Final = 1023
"""Characters of an alarm's ``StateReason`` (Amazon CloudWatch API Reference); the ledger keeps it with the state."""
_FIRST_MOMENT, _LAST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Between them every moment can be written in UTC."""


class _Bucket(EventModel):
    name: str


class _Object(EventModel):
    key: Annotated[str, Field(min_length=1, max_length=_LONGEST_KEY)]
    version_id: Annotated[str, Field(alias="version-id", min_length=1, max_length=_LONGEST_KEY)]


class _ObjectCreatedDetail(EventModel):
    bucket: _Bucket
    object: _Object


class ObjectCreated(EventModel):
    """Amazon S3 stored an object in the data bucket (source ``aws.s3``)."""

    detail_type: Annotated[Literal["Object Created"], Field(alias="detail-type")]
    detail: _ObjectCreatedDetail


class _RetrainRequestedDetail(EventModel):
    reason: str = Field(min_length=1, max_length=1000)
    requested_by: str = Field(min_length=1, max_length=200)
    requires_new_data: bool = False
    wake_up: bool = False
    due: AwareDatetime | None = None
    """When a delayed wake-up was to arrive."""


class RetrainRequested(EventModel):
    """Somebody asks for a run: a person, a schedule, or Tandem itself (``wake_up``)."""

    source: Literal["tandem"]
    detail_type: Annotated[Literal["Retrain Requested"], Field(alias="detail-type")]
    detail: _RetrainRequestedDetail


class _AlarmState(EventModel):
    value: Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
    reason: str = ""
    timestamp: Annotated[AwareDatetime, Field(ge=_FIRST_MOMENT, lt=_LAST_MOMENT)]


class _AlarmDetail(EventModel):
    name: Annotated[str, Field(alias="alarmName", min_length=1)]
    state: _AlarmState


class AlarmStateChange(EventModel):
    """An alarm went on or off (source ``aws.cloudwatch``)."""

    source: Literal["aws.cloudwatch"]
    detail_type: Annotated[Literal["CloudWatch Alarm State Change"], Field(alias="detail-type")]
    detail: _AlarmDetail


_Message = Annotated[ObjectCreated | RetrainRequested | AlarmStateChange, Field(discriminator="detail_type")]


class RetrainMessage(RootModel[_Message]):
    """Anything that the retrain queue may hold."""


@dataclass(frozen=True)
class AlarmChange:
    """An alarm that asks for training went on or off."""

    kind: str
    name: str
    on: bool
    at: datetime
    """When, by CloudWatch's clock, in whole milliseconds: as the ledger keeps it."""
    reason: str

    @classmethod
    def of(cls, message: AlarmStateChange, *, stage: str) -> "AlarmChange | None":
        """Translate a parsed message; ``None`` when it only says that CloudWatch has too little data.

        Raises:
            UnexpectedEventError: the alarm is none of this stage's that ask for training.
        """
        name, state = message.detail.name, message.detail.state
        kind = name.removeprefix(f"{stage}-")
        if kind not in KINDS or kind == name:
            expected = ", ".join(f"{stage}-{each}" for each in KINDS)
            raise UnexpectedEventError(f"alarm {name!r} is none of {expected}: the rule is wrong")
        if state.value == "INSUFFICIENT_DATA":
            return None
        at = state.timestamp.replace(microsecond=state.timestamp.microsecond // 1000 * 1000)
        return cls(kind=kind, name=name, on=state.value == "ALARM", at=at, reason=state.reason[:_LONGEST_REASON])


@dataclass(frozen=True)
class Request:
    """One drop or request of the retrain queue, reduced to what the decision needs."""

    id: str
    reason: str
    trigger: str
    requires_new_data: bool
    wake_up: bool = False
    due: datetime | None = None
    object_version: tuple[str, str] | None = None
    """Key and version id, when a stored object caused the request."""

    @classmethod
    def of(cls, message: ObjectCreated | RetrainRequested, *, message_id: str) -> "Request":
        """Translate a parsed message."""
        if isinstance(message, ObjectCreated):
            stored = message.detail.object
            return cls(
                id=message_id,
                reason=f"new data: {stored.key}",
                trigger=DATA,
                requires_new_data=True,
                object_version=(stored.key, stored.version_id),
            )
        detail = message.detail
        return cls(
            id=message_id,
            reason=detail.reason,
            trigger=detail.requested_by,
            requires_new_data=detail.requires_new_data,
            wake_up=detail.wake_up,
            due=detail.due,
        )

    @property
    def must_be_remembered(self) -> bool:
        """Whether a second delivery would do harm: a run on unchanged data that nobody asked for twice."""
        return not self.requires_new_data and not self.wake_up
