"""The two paths of an inference container: `GET /ping` and `POST /invocations`.

AWS's page "Custom Inference Code with Hosting Services".
"""

import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox.sagemaker.server.script import Reply, Script


def serve(script: Script, *, descriptor: int) -> None:
    """Answer on a listening socket that the parent process has opened."""
    server = _Server(script, descriptor=descriptor)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    server.serve_forever(poll_interval=3600)


def _end_with_parent() -> None:
    """The parent holds the other end of stdin; when it is gone, nobody would stop this process."""
    sys.stdin.buffer.read()
    os._exit(0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: Script, *, descriptor: int) -> None:
        listening = socket.socket(fileno=descriptor)
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.script = script


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # One packet per answer, sent at once: otherwise Nagle's algorithm costs 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._send(Reply(status=200 if self.path == "/ping" else 404, content_type="text/plain", body=b""))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/invocations":
            self._send(Reply(status=404, content_type="text/plain", body=b""))
            return
        script = self.server.script
        self._send(
            script.answer(body, content_type=self.headers.get("Content-Type"), accept=self.headers.get("Accept"))
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep the log for what the user's code says."""

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()
