"""Versioned buckets in memory: what the handlers ask of S3."""

import hashlib
import io
from dataclasses import dataclass
from typing import Any

from sagemaker_in_memory import Refused


@dataclass(frozen=True)
class Stored:
    """One version of an object."""

    key: str
    version_id: str
    body: bytes

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class Buckets:
    """All buckets; the newest version of a key is the last one."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], list[Stored]] = {}

    def put_object(self, request: dict[str, Any]) -> dict[str, Any]:
        known = self.versions.setdefault((request["Bucket"], request["Key"]), [])
        known.append(Stored(request["Key"], f"v{len(known):03d}", request["Body"]))
        return {"VersionId": known[-1].version_id, "ETag": known[-1].etag}

    def get_object(self, request: dict[str, Any]) -> dict[str, Any]:
        known = self.versions.get((request["Bucket"], request["Key"]))
        if not known:
            raise Refused("NoSuchKey", "The specified key does not exist.")
        return {"Body": io.BytesIO(known[-1].body)}

    def list_objects_v2(self, request: dict[str, Any]) -> dict[str, Any]:
        prefix, delimiter = request["Prefix"], request.get("Delimiter")
        keys = self._keys(request["Bucket"], prefix)
        if not delimiter:
            return {"Contents": [{"Key": key} for key in keys[: request.get("MaxKeys", 1000)]]}
        folders = {prefix + key.removeprefix(prefix).partition(delimiter)[0] + delimiter for key in keys}
        return {"CommonPrefixes": [{"Prefix": folder} for folder in sorted(folders)]}

    def list_object_versions(self, request: dict[str, Any]) -> dict[str, Any]:
        keys = [key for key in self._keys(request["Bucket"], request["Prefix"]) if key > request["KeyMarker"]]
        return {"IsTruncated": False, "Versions": [one for key in keys for one in self._listed(request["Bucket"], key)]}

    def current(self, bucket: str) -> list[Stored]:
        """The newest version of every object."""
        return [known[-1] for (place, _), known in sorted(self.versions.items()) if place == bucket]

    def holds(self, bucket: str, key: str, version_id: str) -> bool:
        return any(each.version_id == version_id for each in self.versions.get((bucket, key), []))

    def _keys(self, bucket: str, prefix: str) -> list[str]:
        return sorted(key for place, key in self.versions if place == bucket and key.startswith(prefix))

    def _listed(self, bucket: str, key: str) -> list[dict[str, Any]]:
        newest_first = self.versions[bucket, key][::-1]
        return [
            {
                "Key": key,
                "VersionId": each.version_id,
                "IsLatest": number == 0,
                "ETag": each.etag,
                "Size": len(each.body),
            }
            for number, each in enumerate(newest_first)
        ]
