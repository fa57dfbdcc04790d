"""An S3 client that keeps objects in memory: what steps of the pipelines read and write in unit tests."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError


@dataclass
class MemoryS3:
    """Answers GetObject, PutObject and the pages of ListObjectsV2 (two objects a page).

    Attributes:
        objects: contents by bucket and key.
        puts: keys in the order in which they were written.
    """

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803  # as boto3 spells it
        if (Bucket, Key) not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": Key}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803  # the same
        assert ContentType
        self.objects[Bucket, Key] = Body
        self.puts.append(Key)

    def get_paginator(self, operation: str) -> "MemoryS3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803  # the same
        keys = sorted(key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix))
        for first in range(0, max(len(keys), 1), 2):
            page = [{"Key": key} for key in keys[first : first + 2]]
            yield {"Contents": page} if page else {}
