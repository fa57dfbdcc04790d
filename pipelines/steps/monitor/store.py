"""Where the monitor reads and writes: one bucket and prefix, listed and read with the job's role."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pipelines.steps.failure import StepError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CONNECTIONS = 8
_ABSENT = frozenset({"NoSuchKey", "404"})


@dataclass(frozen=True)
class Store:
    """Objects below one prefix of a bucket.

    Attributes:
        client: of S3.
        bucket: its name.
        prefix: ends with a slash, or is empty.
    """

    client: "S3Client"
    bucket: str
    prefix: str = ""

    def below(self, folder: str) -> "Store":
        """Return the store of a folder in this one."""
        return Store(self.client, self.bucket, f"{self.prefix}{folder}")

    def uri(self, name: str = "") -> str:
        """Return where an object lies."""
        return f"s3://{self.bucket}/{self.prefix}{name}"

    def names(self, folder: str = "") -> Iterator[str]:
        """Yield the names of all objects in a folder, sorted."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.prefix}{folder}"
        )
        for page in pages:
            for entry in page.get("Contents", []):
                yield entry["Key"].removeprefix(self.prefix)

    def read(self, name: str) -> bytes | None:
        """Return an object's content, ``None`` when there is none.

        Raises:
            StepError: S3 refuses to say.
        """
        try:
            return self.client.get_object(Bucket=self.bucket, Key=f"{self.prefix}{name}")["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise StepError(f"{self.uri(name)} cannot be read: {error}") from error

    def read_all(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the contents of several objects, read side by side, in the order of their names.

        Raises:
            StepError: S3 refuses to say.
        """
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            return list(pool.map(self.read, names))

    def document(self, name: str) -> Any:
        """Return an object's JSON, ``None`` when there is no such object.

        Raises:
            StepError: it is no JSON.
        """
        return self._parsed(name, self.read(name))

    def documents(self, names: Sequence[str]) -> list[Any]:
        """Return the JSON of several objects, ``None`` for those that do not exist.

        Raises:
            StepError: one is no JSON.
        """
        contents = self.read_all(names)
        return [self._parsed(name, content) for name, content in zip(names, contents, strict=True)]

    def write(self, name: str, content: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Write an object."""
        self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}{name}", Body=content, ContentType=content_type)

    def write_document(self, name: str, document: Any) -> None:
        """Write an object's JSON; not-a-number has no place in it."""
        text = json.dumps(document, sort_keys=True, allow_nan=False)
        self.write(name, text.encode() + b"\n", content_type="application/json")

    def write_documents(self, documents: Mapping[str, Any]) -> None:
        """Write the JSON of several objects, side by side."""
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            list(pool.map(self.write_document, documents.keys(), documents.values()))

    def _parsed(self, name: str, content: bytes | None) -> Any:
        try:
            return None if content is None else json.loads(content)
        except (ValueError, RecursionError) as error:
            raise StepError(f"{self.uri(name)} is no JSON: {error}") from error
