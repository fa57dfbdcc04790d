"""The snapshot: the exact object versions that a training run reads, named by the hash of its own manifest.

The manifest ``snapshots/<sha256>.json`` is canonical JSON (sorted keys, no spaces), so the same state of the data
always gives the same id, and overwriting or deleting objects later changes nothing about what a snapshot yields.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

FORMAT = 1


@dataclass(frozen=True, order=True)
class SnapshotObject:
    """One object at one version. ``size`` is in bytes; ``period`` is ``YYYY-MM`` or ``YYYY-MM-DD``."""

    key: str
    version_id: str
    etag: str
    size: int
    period: str


@dataclass(frozen=True)
class Snapshot:
    """The training window of a bucket at one moment."""

    bucket: str
    prefix: str
    objects: tuple[SnapshotObject, ...]

    @cached_property
    def manifest(self) -> bytes:
        """The canonical bytes that are stored and hashed."""
        content = {
            "format": FORMAT,
            "bucket": self.bucket,
            "prefix": self.prefix,
            "objects": [asdict(each) for each in sorted(self.objects)],
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()

    @cached_property
    def id(self) -> str:
        """SHA-256 of the manifest, in hexadecimal."""
        return hashlib.sha256(self.manifest).hexdigest()

    @property
    def key(self) -> str:
        """Key of the manifest in the artifacts bucket."""
        return manifest_key(self.id)

    @property
    def periods(self) -> tuple[str, ...]:
        """The distinct periods, oldest first."""
        return tuple(sorted({each.period for each in self.objects}))

    @property
    def newest(self) -> tuple[SnapshotObject, ...]:
        """The objects of the newest period."""
        last = max((each.period for each in self.objects), default=None)
        return tuple(each for each in self.objects if each.period == last)


def manifest_key(snapshot_id: str) -> str:
    """Key under which a snapshot's manifest is stored."""
    return f"snapshots/{snapshot_id}.json"


def parse(manifest: bytes) -> Snapshot:
    """Read a stored manifest.

    Raises:
        ValueError: it has another format, or is no manifest at all.
    """
    try:
        content = json.loads(manifest)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"this is no snapshot manifest of format {FORMAT}")
        objects = tuple(_object(each) for each in content["objects"])
        return Snapshot(bucket=_text(content["bucket"]), prefix=_text(content["prefix"]), objects=objects)
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"this is no snapshot manifest: {type(error).__name__} {error}") from error


def _object(entry: Mapping[str, Any]) -> SnapshotObject:
    found = SnapshotObject(**entry)
    for value in (found.key, found.version_id, found.etag, found.period):
        _text(value)
    if type(found.size) is not int or found.size < 0:
        raise TypeError(f"size is {found.size!r}")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def versions_in(manifest: bytes) -> frozenset[tuple[str, str]]:
    """Return the (key, version id) pairs that a stored manifest holds."""
    return frozenset((each["key"], each["version_id"]) for each in json.loads(manifest)["objects"])
