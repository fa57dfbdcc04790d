"""What the emulator's S3 leaves out of its events.

AWS page: "EventBridge event message structure" (Amazon S3 User Guide): in a bucket with versioning, the event names the
version of the object.
"""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from sandbox.adapter import internals

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
