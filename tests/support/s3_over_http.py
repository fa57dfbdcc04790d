"""The objects of a :class:`memory_s3.MemoryS3` over HTTP, for processes of their own: GetObject and nothing else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

from memory_s3 import MemoryS3

_ABSENT = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>absent</Message></Error>'


@contextmanager
def serving(s3: MemoryS3) -> Iterator[str]:
    """Yield the address; clients have to use path-style requests, as they do for an address without a host name."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            bucket, _, key = unquote(urlparse(self.path).path).lstrip("/").partition("/")
            content = s3.objects.get((bucket, key))
            self.send_response(404 if content is None else 200)
            body = _ABSENT if content is None else content
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
