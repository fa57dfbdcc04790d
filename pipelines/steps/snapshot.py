"""Reads a snapshot: the exact object versions that a run was started on, whatever became of the objects since."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipelines.steps import aws
from pipelines.steps.failure import StepError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_URI = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)")
_CHUNK_BYTES = 1 << 20
_FORMAT = 1


@dataclass(frozen=True)
class SnapshotObject:
    """One object of the data window, as it was when the snapshot was taken.

    Attributes:
        key: its key.
        version_id: its version.
        etag: what S3 says of its content.
        size: bytes.
        period: the period it belongs to, ``2013-01`` or ``2013-01-31``.
    """

    key: str
    version_id: str
    etag: str
    size: int
    period: str


@dataclass(frozen=True)
class Snapshot:
    """The manifest of a run's data.

    Attributes:
        id: sha256 of the manifest's bytes.
        bucket: where the objects are.
        objects: sorted by key.
    """

    id: str
    bucket: str
    objects: tuple[SnapshotObject, ...]


class SnapshotReader:
    """Reads a snapshot and its objects through one S3 client; holds one megabyte of an object at a time."""

    def __init__(self, client: "S3Client | None" = None) -> None:
        """Use the given client, or make one from the job's role and region."""
        self._client = client or aws.client("s3")

    def manifest(self, uri: str, *, snapshot_id: str) -> Snapshot:
        """Read a manifest and check that it is the one the run was started with.

        Raises:
            StepError: when it cannot be read, or its content is not what its id says.
        """
        where = _URI.fullmatch(uri)
        if where is None:
            raise StepError(f"snapshot URI {uri!r} is no S3 URI: expected s3://bucket/key")
        try:
            body = self._client.get_object(Bucket=where["bucket"], Key=where["key"])["Body"].read()
        except self._client.exceptions.ClientError as error:
            raise StepError(f"snapshot {uri} cannot be read: {error}") from error
        actual = hashlib.sha256(body).hexdigest()
        if actual != snapshot_id:
            raise StepError(
                f"snapshot {uri} was changed: its content has id {actual}, the run was started with {snapshot_id}"
            )
        try:
            document = json.loads(body)
            if document["format"] != _FORMAT:
                raise StepError(f"snapshot {uri} has format {document['format']!r}; this code reads format {_FORMAT}")
            objects = tuple(SnapshotObject(**entry) for entry in document["objects"])
            bucket = document["bucket"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise StepError(f"snapshot {uri} is no manifest: {type(error).__name__} {error}") from error
        if not objects:
            raise StepError(f"snapshot {uri} holds no object: there is nothing to train on")
        return Snapshot(id=snapshot_id, bucket=bucket, objects=objects)

    def files(self, snapshot: Snapshot) -> Iterator[tuple[SnapshotObject, Path]]:
        """Yield every object with a local copy of its recorded version; each copy is deleted before the next."""
        for entry in snapshot.objects:
            with self._local_copy(snapshot.bucket, entry) as path:
                yield entry, path

    @contextmanager
    def _local_copy(self, bucket: str, entry: SnapshotObject) -> Iterator[Path]:
        with TemporaryDirectory(prefix="snapshot-") as folder:
            path = Path(folder) / "object"
            name = f"object s3://{bucket}/{entry.key} version {entry.version_id}"
            try:
                body = self._client.get_object(Bucket=bucket, Key=entry.key, VersionId=entry.version_id)["Body"]
            except self._client.exceptions.ClientError as error:
                raise StepError(f"{name} of the snapshot cannot be read: {error}") from error
            with path.open("wb") as file:
                for chunk in body.iter_chunks(_CHUNK_BYTES):
                    file.write(chunk)
            if path.stat().st_size != entry.size:
                raise StepError(f"{name} has {path.stat().st_size} bytes, the snapshot recorded {entry.size}")
            yield path
