"""What the emulator's S3 leaves out: versions in its events, and its refusal to delete a full bucket with its stack.

AWS pages: "EventBridge event message structure" (Amazon S3 User Guide): in a bucket with versioning, the event names
the version of the object. "AWS::S3::Bucket" (AWS CloudFormation Template Reference): only an empty bucket goes with its
stack, the deletion of one that has contents fails.
"""

import json
import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from sandbox.adapter import internals

_DELETED, _ABSENT = 204, 404
_version: ContextVar[str | None] = ContextVar("version of the object whose event is sent", default=None)


def complete_events() -> None:
    """Make S3's events on the bus carry `version-id`."""
    fire = internals.FIRE_S3_EVENT.get()
    dispatch = internals.DISPATCH_EVENT.get()

    def fire_s3_event(*arguments: Any, version_id: str | None = None, **options: Any) -> None:
        token = _version.set(version_id)
        try:
            fire(*arguments, version_id=version_id, **options)
        finally:
            _version.reset(token)

    def dispatch_event(event: Mapping[str, Any], view: Any = None) -> None:
        version_id = _version.get()
        if event.get("Source") == "aws.s3" and version_id is not None and view is None:
            detail = json.loads(event["Detail"])
            detail["object"].setdefault("version-id", version_id)
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, view)

    internals.FIRE_S3_EVENT.replace(fire_s3_event)
    internals.DISPATCH_EVENT.replace(dispatch_event)


def refuse_to_delete_full_buckets() -> None:
    """Let CloudFormation delete buckets by the operation that everybody uses."""
    bucket = internals.RESOURCE_HANDLERS.get()["AWS::S3::Bucket"]
    delete, forget = internals.DELETE_BUCKET.get(), bucket["delete"]

    def delete_bucket(physical_id: str, properties: Mapping[str, Any]) -> None:
        status, _, body = delete(physical_id)
        if status not in {_DELETED, _ABSENT}:
            raise ValueError(f"The bucket {physical_id} cannot be deleted: {_message(body)}")
        forget(physical_id, properties)

    bucket["delete"] = delete_bucket


def _message(body: bytes) -> str:
    found = re.search(r"<Message>(.*?)</Message>", body.decode(errors="replace"))
    return found[1] if found else "S3 gave no reason"
