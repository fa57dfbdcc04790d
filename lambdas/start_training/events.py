"""What may lie in the retrain queue, and what it means.

AWS page: "Amazon S3 Event Notifications with Amazon EventBridge", section "EventBridge event message structure".
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, RootModel

from lambdas.shared.events import EventModel


class _Bucket(EventModel):
    name: str


class _Object(EventModel):
    key: str
    version_id: Annotated[str, Field(alias="version-id")]


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


class RetrainRequested(EventModel):
    """Somebody asks for a run: a person, an alarm, a schedule, or Tandem itself (``wake_up``)."""

    source: Literal["tandem"]
    detail_type: Annotated[Literal["Retrain Requested"], Field(alias="detail-type")]
    detail: _RetrainRequestedDetail


class RetrainMessage(RootModel[Annotated[ObjectCreated | RetrainRequested, Field(discriminator="detail_type")]]):
    """Anything that the retrain queue may hold."""


@dataclass(frozen=True)
class Request:
    """One message of the retrain queue, reduced to what the decision needs."""

    id: str
    reason: str
    trigger: str
    requires_new_data: bool
    wake_up: bool = False
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
                trigger="data",
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
        )

    @property
    def must_be_remembered(self) -> bool:
        """Whether a second delivery would do harm: a run on unchanged data that nobody asked for twice."""
        return not self.requires_new_data and not self.wake_up
