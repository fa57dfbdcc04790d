"""Lists the training window: the newest periods of the data prefix, as exact object versions.

Two kinds of calls, both bounded by what lies in the window and not by the history behind it: ListObjectsV2 with a
delimiter names the periods (one call per 1,000), then ListObjectVersions, started at the oldest period of the window,
yields key, VersionId, ETag and size together (one call per 1,000 versions; ListObjectsV2 has no VersionId, and one
HeadObject per object would not be bounded). AWS pages: "ListObjectsV2", "ListObjectVersions" (Amazon S3 API Reference).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdas.shared.snapshot import Snapshot, SnapshotObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef

_PERIOD = re.compile(r"period=(?P<period>\d{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)/")
_DATA = re.compile(r"[^/]+\.parquet")


@dataclass(frozen=True)
class Window:
    """Where the data lies and how much of it a run may use."""

    bucket: str
    prefix: str
    periods: int
    max_objects: int


@dataclass(frozen=True)
class Listing:
    """What the window holds. With ``too_many`` the listing was cut off and must not be used."""

    snapshot: Snapshot
    too_many: bool = False


def is_data_key(key: str, *, prefix: str) -> bool:
    """Whether a key is a data object: ``<prefix>period=YYYY-MM[-DD]/<name>.parquet``."""
    folder = _PERIOD.match(key.removeprefix(prefix)) if key.startswith(prefix) else None
    return folder is not None and _DATA.fullmatch(key.removeprefix(prefix)[folder.end() :]) is not None


def list_window(s3: "S3Client", window: Window) -> Listing:
    """List the current versions of the window's objects, at most one more than allowed."""
    folders = sorted(_period_folders(s3, window))[-window.periods :]
    if not folders:
        return Listing(Snapshot(window.bucket, window.prefix, ()))
    wanted = set(folders)
    found: list[SnapshotObject] = []
    for version in _versions(s3, window, start=folders[0]):
        folder, _, name = version["Key"].rpartition("/")
        if not version["IsLatest"] or f"{folder}/" not in wanted or not _DATA.fullmatch(name):
            continue
        if len(found) == window.max_objects:
            return Listing(Snapshot(window.bucket, window.prefix, tuple(found)), too_many=True)
        period = f"{folder}/".removeprefix(window.prefix).removeprefix("period=").removesuffix("/")
        found.append(
            SnapshotObject(
                key=version["Key"],
                version_id=version["VersionId"],
                etag=version["ETag"].strip('"'),
                size=version["Size"],
                period=period,
            )
        )
    return Listing(Snapshot(window.bucket, window.prefix, tuple(found)))


def _period_folders(s3: "S3Client", window: Window) -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=window.bucket, Prefix=window.prefix, Delimiter="/")
    for page in pages:
        for folder in page.get("CommonPrefixes", []):
            if _PERIOD.fullmatch(folder["Prefix"].removeprefix(window.prefix)):
                yield folder["Prefix"]


def _versions(s3: "S3Client", window: Window, *, start: str) -> "Iterator[ObjectVersionTypeDef]":
    # Everything from the folder `start` on sorts after its name without the slash.
    position: dict[str, Any] = {"KeyMarker": start.removesuffix("/")}
    while position:
        page = s3.list_object_versions(Bucket=window.bucket, Prefix=window.prefix, **position)
        yield from page.get("Versions", [])
        position = (
            {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
            if page["IsTruncated"]
            else {}
        )
