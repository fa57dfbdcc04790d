"""S3 for jobs and endpoints, always with the rights of their role."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sandbox.sagemaker.platform import Platform


class StorageError(Exception):
    """S3 does not have the data, or the role may not read or write it; the message names the URI."""


def split_uri(uri: str) -> tuple[str, str]:
    """The bucket and the key of `s3://bucket/key`."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise StorageError(f"{uri!r} is no S3 URI; it has the form s3://bucket/key")
    return bucket, key


def join_uri(uri: str, *parts: str) -> str:
    """Append path parts to an S3 URI."""
    return "/".join([uri.rstrip("/"), *parts])


class Storage:
    """S3 as a role sees it."""

    def __init__(self, platform: Platform, *, role_arn: str) -> None:
        self._role_arn = role_arn
        self._client: Any = platform.client("s3", role_arn=role_arn)

    def read(self, uri: str) -> bytes:
        """The bytes of an object."""
        bucket, key = split_uri(uri)
        try:
            body: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise self._error("read", uri, error) from error
        return body

    def write(self, uri: str, body: bytes, *, kms_key: str | None = None) -> None:
        """Store an object."""
        bucket, key = split_uri(uri)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
        except ClientError as error:
            raise self._error("write", uri, error) from error

    def exists(self, uri: str) -> bool:
        """Whether the role can see the object."""
        bucket, key = split_uri(uri)
        try:
            self._client.head_object(Bucket=bucket, Key=key)
        except ClientError:
            return False
        return True

    def download_file(self, uri: str, target: Path) -> None:
        """Copy an object into a file."""
        bucket, key = split_uri(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("wb") as file:
                body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
                for chunk in body.iter_chunks(1 << 20):
                    file.write(chunk)
        except ClientError as error:
            raise self._error("read", uri, error) from error

    def download_prefix(self, uri: str, directory: Path) -> None:
        """Copy all objects under a prefix (or the one object that it names) into a directory.

        Names are kept from the last complete folder of the prefix on, as SageMaker does.
        """
        bucket, prefix = split_uri(uri)
        found = False
        for key in self._keys(bucket, prefix, uri=uri):
            found = True
            self.download_file(f"s3://{bucket}/{key}", _inside(directory, _name_under(key, prefix), uri=uri))
        if not found:
            raise StorageError(f"no object found under {uri}")

    def download_manifest(self, uri: str, directory: Path) -> None:
        """Copy the objects that a manifest file lists: `[{"prefix": "s3://bucket/folder/"}, "name", …]`.

        Raises:
            StorageError: it is no manifest, or an object cannot be read.
        """
        try:
            head, *names = json.loads(self.read(uri))
            prefix = head["prefix"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise StorageError(f"{uri} is no manifest of S3 objects: {type(error).__name__} {error}") from error
        for name in (prefix, *names):
            if not isinstance(name, str):
                raise StorageError(f"{uri} is no manifest of S3 objects: {name!r} is no text")
        for name in names:
            self.download_file(f"{prefix}{name}", _inside(directory, name, uri=uri))

    def upload_directory(self, directory: Path, uri: str, *, kms_key: str | None = None) -> None:
        """Store every file of a directory under a prefix."""
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                name = path.relative_to(directory).as_posix()
                self.write(join_uri(uri, name), path.read_bytes(), kms_key=kms_key)

    def _keys(self, bucket: str, prefix: str, *, uri: str) -> Iterator[str]:
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for page in pages:
                yield from (entry["Key"] for entry in page.get("Contents", ()) if not entry["Key"].endswith("/"))
        except ClientError as error:
            raise self._error("list", uri, error) from error

    def _error(self, action: str, uri: str, error: ClientError) -> StorageError:
        details = error.response["Error"]
        return StorageError(
            f"cannot {action} {uri} as {self._role_arn}: {details.get('Code', '')} {details.get('Message', '')}".strip()
        )


def _inside(directory: Path, name: str, *, uri: str) -> Path:
    """Return where a name lies below a directory.

    Raises:
        StorageError: it would lie elsewhere; keys may hold `..` and begin with a slash, which mean nothing to S3.
    """
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise StorageError(f"the key {name!r} under {uri} would leave the folder of the job: store it by another name")
    return directory / path


def _name_under(key: str, prefix: str) -> str:
    if key == prefix:
        return key.rsplit("/", maxsplit=1)[-1]
    if key.startswith(f"{prefix.rstrip('/')}/"):
        return key[len(prefix.rstrip("/")) + 1 :] if prefix else key
    return key[prefix.rfind("/") + 1 :]
