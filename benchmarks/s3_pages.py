"""A stand-in for S3 that lists many objects: pages of 1,000 in the format of the real answers, made beforehand.

Formats: pages "ListObjectsV2" and "ListObjectVersions" (Amazon S3 API Reference), keys and ids as long as real ones.
It answers from memory in well under a millisecond, so what is measured is the client's side; AWS adds its own time
per page.
"""

import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 1000
_OWNER = (
    "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID>"
    "<DisplayName>mtd@amazon.com</DisplayName></Owner>"
)
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class Pages:
    """Answers for one bucket: ``count`` objects over ``periods`` months, one version each, and nothing else."""

    def __init__(self, *, count: int, periods: int = 12, prefix: str = "data/") -> None:
        names = [f"2013-{month:02d}" for month in range(1, periods + 1)]
        per_period = -(-count // periods)
        keys = [f"{prefix}period={names[index // per_period]}/part-{index:06d}.parquet" for index in range(count)]
        self.folders = _folders(prefix, names)
        self._pages = {
            "" if start == 0 else keys[start - 1]: _versions(
                prefix, keys[start : start + PAGE], more=start + PAGE < count
            )
            for start in range(0, count, PAGE)
        }

    def answer(self, path: str) -> bytes:
        """The body for a GET of this path."""
        asked = parse_qs(urlsplit(path).query, keep_blank_values=True)
        if "versions" not in asked:
            return self.folders
        marker = asked.get("key-marker", [""])[0]
        return self._pages.get(marker, self._pages[""])


def serve(pages: Pages) -> ThreadingHTTPServer:
    """Serve them on a free port of the loopback interface; ``shutdown`` ends it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(pages.answer(self.path))

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._send(b"")

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def _folders(prefix: str, names: list[str]) -> bytes:
    common = "".join(f"<CommonPrefixes><Prefix>{prefix}period={name}/</Prefix></CommonPrefixes>" for name in names)
    return (
        f"{_XML}<ListBucketResult {_NAMESPACE}><Name>data</Name><Prefix>{prefix}</Prefix><Delimiter>/</Delimiter>"
        f"<MaxKeys>1000</MaxKeys><KeyCount>{len(names)}</KeyCount><IsTruncated>false</IsTruncated>{common}"
        "</ListBucketResult>"
    ).encode()


def _versions(prefix: str, keys: list[str], *, more: bool) -> bytes:
    entries = "".join(
        f"<Version><Key>{key}</Key><VersionId>{_version_id(key)}</VersionId><IsLatest>true</IsLatest>"
        f"<LastModified>2013-03-01T10:15:00.000Z</LastModified><ETag>&quot;{_etag(key)}&quot;</ETag>"
        f"<Size>244467</Size>{_OWNER}<StorageClass>STANDARD</StorageClass></Version>"
        for key in keys
    )
    next_page = (
        f"<NextKeyMarker>{keys[-1]}</NextKeyMarker><NextVersionIdMarker>{_version_id(keys[-1])}</NextVersionIdMarker>"
        if more
        else ""
    )
    return (
        f"{_XML}<ListVersionsResult {_NAMESPACE}><Name>data</Name><Prefix>{prefix}</Prefix><KeyMarker/>"
        f"<VersionIdMarker/>{next_page}<MaxKeys>1000</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>{entries}"
        "</ListVersionsResult>"
    ).encode()


def _etag(key: str) -> str:
    return hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()


def _version_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
