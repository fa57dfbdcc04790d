"""Lists the training window: the newest periods of the data prefix, as exact object versions.

Two kinds of calls, both bounded by what lies in the window and not by the history behind it: ListObjectsV2 with a
delimiter names the periods (one call per 1,000), then ListObjectVersions, started at the oldest period of the window,
yields key, VersionId, ETag and size together (one call per 1,000 versions; ListObjectsV2 has no VersionId, and one
HeadObject per object would not be bounded). AWS pages: "ListObjectsV2", "ListObjectVersions" (Amazon S3 API Reference).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lambdas.shared.snapshot import Snapshot, SnapshotObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectVersionTypeDef

_PERIOD = re.compile(r"period=(?P<period>[0-9]{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)/")
_DATA = re.compile(_PERIOD.pattern + r"[^/]+\.parquet")

MOST_VERSIONS = 300_000
"""Object versions that one listing reads: 300 calls, which the function's time limit has room for."""


@dataclass(frozen=True)
class Window:
    """Where the data lies and how much of it a run may use."""

    bucket: str
    prefix: str
    periods: int
    max_objects: int


class CutOff(StrEnum):
    """Why a listing ended early."""

    OBJECTS = "objects"
    VERSIONS = "versions"


@dataclass(frozen=True)
class Listing:
    """What the window holds. One that was ``cut_off`` must not be used."""

    snapshot: Snapshot
    cut_off: CutOff | None = None


LAYOUT = "period=YYYY-MM[-DD]/<name>.parquet"


def period_of(key: str, *, prefix: str) -> str | None:
    """Return the period of a data object; ``None`` for a key that does not follow the layout."""
    found = _DATA.fullmatch(key.removeprefix(prefix)) if key.startswith(prefix) else None
    return found["period"] if found else None


def list_window(s3: "S3Client", window: Window) -> Listing:
    """List the current versions of the window's objects, at most one more than allowed.

    Former versions and deleted objects are listed with them, so their number is bounded too: memory by
    ``max_objects``, time by :data:`MOST_VERSIONS`.
    """
    periods = sorted(_periods(s3, window))[-window.periods :]
    if not periods:
        return Listing(Snapshot(window.bucket, window.prefix, ()))
    wanted = set(periods)
    found: list[SnapshotObject] = []
    for number, version in enumerate(_versions(s3, window, first=periods[0])):
        if number == MOST_VERSIONS:
            return Listing(Snapshot(window.bucket, window.prefix, tuple(found)), CutOff.VERSIONS)
        period = period_of(version["Key"], prefix=window.prefix)
        if not version["IsLatest"] or period not in wanted:
            continue
        if len(found) == window.max_objects:
            return Listing(Snapshot(window.bucket, window.prefix, tuple(found)), CutOff.OBJECTS)
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


def _periods(s3: "S3Client", window: Window) -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=window.bucket, Prefix=window.prefix, Delimiter="/")
    for page in pages:
        for folder in page.get("CommonPrefixes", []):
            found = _PERIOD.fullmatch(folder["Prefix"].removeprefix(window.prefix))
            if found:
                yield found["period"]


def _versions(s3: "S3Client", window: Window, *, first: str) -> "Iterator[ObjectVersionTypeDef]":
    # Every key of this period and of the later ones sorts after the folder's name without its slash.
    position: dict[str, Any] = {"KeyMarker": f"{window.prefix}period={first}"}
    while position:
        page = s3.list_object_versions(Bucket=window.bucket, Prefix=window.prefix, **position)
        yield from page.get("Versions", [])
        position = (
            {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
            if page["IsTruncated"]
            else {}
        )
