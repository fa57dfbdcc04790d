"""Tags of every resource, and with them the knowledge which ARNs exist."""

import threading
from collections.abc import Iterable, Mapping

from sandbox.sagemaker.listing import page_of
from sandbox.sagemaker.protocol.dispatch import Answer, Operation, Request
from sandbox.sagemaker.protocol.errors import validation

_MAX_TAGS = 50


class Tags:
    """The tags of all resources by ARN."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tags: dict[str, dict[str, str]] = {}

    def create(self, arn: str, tags: Iterable[Mapping[str, str]] | None) -> None:
        """Start to keep the tags of a new resource."""
        with self._lock:
            self._tags[arn] = {tag["Key"]: tag["Value"] for tag in tags or ()}

    def forget(self, arn: str) -> None:
        """A resource was deleted."""
        with self._lock:
            self._tags.pop(arn, None)

    def of(self, arn: str) -> dict[str, str]:
        """The tags of a resource, as events carry them."""
        with self._lock:
            return dict(self._tags.get(arn, {}))

    def operations(self) -> dict[str, Operation]:
        """The operations by their AWS names."""
        return {"AddTags": self._add, "ListTags": self._list, "DeleteTags": self._delete}

    def _existing(self, request: Request) -> dict[str, str]:
        tags = self._tags.get(request["ResourceArn"])
        if tags is None:
            raise validation(f'Could not find resource "{request["ResourceArn"]}".')
        return tags

    def _add(self, request: Request) -> Answer:
        with self._lock:
            tags = self._existing(request)
            merged = tags | {tag["Key"]: tag["Value"] for tag in request["Tags"]}
            if len(merged) > _MAX_TAGS:
                raise validation(f"A resource can have at most {_MAX_TAGS} tags, not {len(merged)}.")
            tags.update(merged)
            return {"Tags": _as_list(tags)}

    def _list(self, request: Request) -> Answer:
        with self._lock:
            tags = _as_list(self._existing(request))
        items, token = page_of(tags, request, default_size=_MAX_TAGS)
        return {"Tags": items, "NextToken": token}

    def _delete(self, request: Request) -> Answer:
        with self._lock:
            tags = self._existing(request)
            for key in request["TagKeys"]:
                tags.pop(key, None)
        return {}


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
