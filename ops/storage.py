"""Objects by their URI, and answers of S3 that mean "there is nothing"."""

import hashlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.errors import OpsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# HeadObject has no body, so it knows no better code than the status; 405 is the answer for a delete marker.
_ABSENT = frozenset({"404", "405", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "NotFound", "MethodNotAllowed"})
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Location:
    """Bucket and key of an object."""

    bucket: str
    key: str

    @classmethod
    def of(cls, uri: str) -> "Location":
        """Take an S3 URI apart.

        Raises:
            OpsError: It is none.
        """
        bucket, separator, key = uri.removeprefix("s3://").partition("/")
        if not uri.startswith("s3://") or not separator or not key:
            raise OpsError(f"{uri!r} is no address of an object: expected s3://bucket/key")
        return cls(bucket, key)


def is_absent(error: ClientError) -> bool:
    """Whether S3 says that the object, or this version of it, does not exist."""
    return error.response["Error"]["Code"] in _ABSENT


def read(s3: "S3Client", uri: str) -> bytes | None:
    """Read a small object; ``None`` when it does not exist.

    Raises:
        OpsError: S3 refused.
    """
    where = Location.of(uri)
    try:
        return s3.get_object(Bucket=where.bucket, Key=where.key)["Body"].read()
    except ClientError as error:
        if is_absent(error):
            return None
        raise OpsError(f"S3 refused to read {uri}: {error}") from error


def exists(s3: "S3Client", uri: str) -> bool:
    """Whether an object exists.

    Raises:
        OpsError: S3 refused to say.
    """
    where = Location.of(uri)
    try:
        s3.head_object(Bucket=where.bucket, Key=where.key)
    except ClientError as error:
        if is_absent(error):
            return False
        raise OpsError(f"S3 refused to look at {uri}: {error}") from error
    return True


def download(s3: "S3Client", uri: str, path: Path) -> str:
    """Copy an object to a file in pieces of one megabyte; return its SHA-256.

    Raises:
        OpsError: It does not exist, S3 refused, or the file cannot be written.
    """
    where, digest = Location.of(uri), hashlib.sha256()
    try:
        body = s3.get_object(Bucket=where.bucket, Key=where.key)["Body"]
    except ClientError as error:
        raise OpsError(f"{uri} cannot be read: {error}") from error
    try:
        with closing(body), path.open("wb") as file:
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                file.write(chunk)
                digest.update(chunk)
    except OSError as error:
        raise OpsError(f"{path} cannot be written: {error}") from error
    return digest.hexdigest()
