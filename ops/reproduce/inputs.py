"""Is everything that a version was made from still there, unchanged? Asked before anything is started."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lambdas.shared.snapshot import Snapshot, SnapshotObject
from ops import storage
from ops.errors import OpsError
from ops.lineage import Lineage, evaluation_uri
from ops.target import CONCURRENCY

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Objects in these classes exist but cannot be read (page "HeadObject", StorageClass and ArchiveStatus).
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class Loss(StrEnum):
    """What became of an input."""

    MISSING = "missing"
    ALTERED = "altered"
    ARCHIVED = "archived"


@dataclass(frozen=True)
class Problem:
    """One input that is not what it was.

    Attributes:
        loss: what became of it.
        uri: the object.
        version_id: its version, for an object of the snapshot.
        detail: one sentence.
    """

    loss: Loss
    uri: str
    version_id: str | None
    detail: str


def check(
    s3: "S3Client", lineage: Lineage, *, code_uri: str, artifacts_bucket: str, told: Callable[[str], None]
) -> list[Problem]:
    """Look at every object version of the snapshot, the code bundle, and what the result is compared with.

    Raises:
        OpsError: S3 refused to say.
    """
    needed = {
        code_uri: "the code bundle; synthesizing and publishing the recorded commit restores it under the same name",
        lineage.model_uri: "the registered model archive",
        evaluation_uri(lineage.record, artifacts_bucket=artifacts_bucket): "the registered evaluation",
    }
    problems = [
        Problem(Loss.MISSING, uri, None, f"{uri} does not exist any more: {what}")
        for uri, what in needed.items()
        if not storage.exists(s3, uri)
    ]
    if lineage.snapshot is None:
        uri, detail = lineage.record["snapshot_uri"], lineage.snapshot_problem or ""
        return [*problems, Problem(Loss.ALTERED if "altered" in detail else Loss.MISSING, uri, None, detail)]
    told(f"looking at {len(lineage.snapshot.objects)} object versions of snapshot {lineage.snapshot.id[:12]}")
    return [*problems, *check_objects(s3, lineage.snapshot)]


def check_objects(s3: "S3Client", snapshot: Snapshot) -> list[Problem]:
    """Compare every recorded object version with what S3 says of it now; several calls at a time.

    Raises:
        OpsError: S3 refused to say.
    """

    def look(entry: SnapshotObject) -> list[Problem]:
        return list(_look_at(s3, snapshot.bucket, entry))

    with ThreadPoolExecutor(max_workers=CONCURRENCY, thread_name_prefix="head") as pool:
        return [problem for problems in pool.map(look, snapshot.objects) for problem in problems]


def _look_at(s3: "S3Client", bucket: str, entry: SnapshotObject) -> Iterator[Problem]:
    uri = f"s3://{bucket}/{entry.key}"
    name = f"{uri} version {entry.version_id}"
    try:
        found = s3.head_object(Bucket=bucket, Key=entry.key, VersionId=entry.version_id)
    except ClientError as error:
        if not storage.is_absent(error):
            raise OpsError(f"S3 refused to look at {name}: {error}") from error
        yield Problem(Loss.MISSING, uri, entry.version_id, f"{name} does not exist any more")
        return
    etag, size = found["ETag"].strip('"'), found["ContentLength"]
    if (etag, size) != (entry.etag, entry.size):
        detail = f"{name} was altered: ETag {etag} and {size} bytes, recorded are {entry.etag} and {entry.size}"
        yield Problem(Loss.ALTERED, uri, entry.version_id, detail)
    archived = found.get("StorageClass") in _ARCHIVED or "ArchiveStatus" in found
    if archived and 'ongoing-request="false"' not in found.get("Restore", ""):
        detail = f"{name} is archived ({found.get('StorageClass')}): restore it (s3api restore-object), then try again"
        yield Problem(Loss.ARCHIVED, uri, entry.version_id, detail)
