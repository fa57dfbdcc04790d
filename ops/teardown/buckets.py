"""Buckets: how much is in one, and emptying it for good, with every version, delete marker and unfinished upload."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ops.errors import OpsError
from ops.target import CONCURRENCY
from ops.teardown.services import unless_absent

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_COUNTED_PAGES = 100
_SEAL = "TornDown"


@dataclass(frozen=True)
class Contents:
    """What is in a bucket.

    Attributes:
        objects: Objects that a listing shows.
        versions: All versions, those of the objects included.
        markers: Delete markers.
        uploads: Multipart uploads that were never finished.
        is_all: False when counting was given up because there is so much.
    """

    objects: int = 0
    versions: int = 0
    markers: int = 0
    uploads: int = 0
    is_all: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether nothing keeps the bucket from being deleted."""
        return not (self.versions or self.markers or self.uploads)

    def __str__(self) -> str:
        """The numbers, for people."""
        more = "" if self.is_all else "more than "
        numbers = {
            "objects": self.objects,
            "versions": self.versions,
            "delete markers": self.markers,
            "unfinished uploads": self.uploads,
        }
        said = [f"{more}{number:,} {what}" for what, number in numbers.items() if number]
        return ", ".join(said) or "empty"


def measure(s3: "S3Client", bucket: str) -> Contents | None:
    """Count what is in a bucket, up to 100,000 versions; None when there is no such bucket."""
    if unless_absent(lambda: s3.head_bucket(Bucket=bucket)) is None:
        return None
    objects = versions = markers = pages = 0
    for page in islice(s3.get_paginator("list_object_versions").paginate(Bucket=bucket), _COUNTED_PAGES + 1):
        found = page.get("Versions", [])
        objects += sum(version["IsLatest"] for version in found)
        versions += len(found)
        markers += len(page.get("DeleteMarkers", []))
        pages += 1
    uploads = sum(1 for _ in islice(_uploads(s3, bucket), _COUNTED_PAGES * 1000))
    return Contents(objects, versions, markers, uploads, is_all=pages <= _COUNTED_PAGES)


def is_open(s3: "S3Client", bucket: str) -> bool:
    """Whether something can still be put in; False when there is no such bucket."""
    document = _policy(s3, bucket)
    return document is not None and not _is_sealed(document)


def seal(s3: "S3Client", bucket: str, *, partition: str) -> None:
    """Let nobody put anything in any more: access logs and captured data arrive hours late.

    AWS page "Enabling Amazon S3 server access logging": a Deny in the bucket's policy keeps the log delivery out.
    """
    document = _policy(s3, bucket)
    if document is None or _is_sealed(document):
        return
    statement = {
        "Sid": _SEAL,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:{partition}:s3:::{bucket}/*",
    }
    document["Statement"] = [*document.get("Statement", []), statement]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))


def _is_sealed(document: dict[str, Any]) -> bool:
    return any(statement.get("Sid") == _SEAL for statement in document.get("Statement", []))


def _policy(s3: "S3Client", bucket: str) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        match error.response["Error"]["Code"]:
            case "NoSuchBucketPolicy":
                return {"Version": "2012-10-17"}
            case "NoSuchBucket":
                return None
            case _:
                raise
    return document


def empty(s3: "S3Client", bucket: str, *, told: Callable[[str], None]) -> None:
    """Delete everything in a bucket, a thousand a call, several calls at a time.

    Raises:
        OpsError: S3 kept something; the message names the first of it.
    """
    kept: list[str] = []
    deleted = 0
    pages = iter(s3.get_paginator("list_object_versions").paginate(Bucket=bucket))

    def delete(identifiers: "list[ObjectIdentifierTypeDef]") -> list[str]:
        if not identifiers:
            return []
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": identifiers, "Quiet": True})
        return [f"{each.get('Key')}: {each.get('Message') or each.get('Code')}" for each in answer.get("Errors", [])]

    with ThreadPoolExecutor(max_workers=CONCURRENCY, thread_name_prefix="delete") as pool:
        # Not all pages at once: listing is faster than deleting, and there may be millions.
        while some := [_identifiers(page) for page in islice(pages, CONCURRENCY)]:
            for errors in pool.map(delete, some):
                kept += errors
            deleted += sum(map(len, some))
            if len(some) == CONCURRENCY:
                told(f"{bucket}: {deleted - len(kept):,} versions and delete markers are deleted")
        for upload in _uploads(s3, bucket):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    if kept:
        raise OpsError(f"S3 kept {len(kept):,} of {deleted:,}, such as {kept[0]}")


def _identifiers(page: Any) -> "list[ObjectIdentifierTypeDef]":
    found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    return [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]


def _uploads(s3: "S3Client", bucket: str) -> Iterator[Any]:
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        yield from page.get("Uploads", [])
