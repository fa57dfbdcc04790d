"""An endpoint on loopback: answers as the model server does, or fails as SageMaker does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"


@dataclass(frozen=True)
class Failure:
    """An error of the service."""

    status: int
    code: str
    message: str = "said by the service"
    members: dict[str, Any] = field(default_factory=dict)


NOT_FOUND = Failure(400, "ValidationError", "Endpoint flights-test of account 000000000000 not found.")


@dataclass
class EndpointServer:
    """What it answers, and what it was asked.

    Attributes:
        failure: instead of an answer.
        raw: body of the answer, instead of one prediction a record.
        version: that the answers tell.
        bodies: of the requests.
        ids: inference ids of the requests.
        silent: while it is set, no request is answered.
    """

    url: str = ""
    failure: Failure | None = None
    raw: bytes | None = None
    version: str | None = "7"
    bodies: list[Any] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    silent: bool = False
    end: threading.Event = field(default_factory=threading.Event)

    def answer(self, body: bytes) -> bytes:
        """The body of an answer."""
        instances = json.loads(body)["instances"]
        told: dict[str, Any] = {"predictions": [100.0 + number for number in range(len(instances))]}
        return json.dumps(told | ({"model_version": self.version} if self.version else {})).encode()


@contextmanager
def serving() -> Iterator[EndpointServer]:
    """Serve until the block ends."""
    state = EndpointServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.bodies.append(json.loads(body))
            state.ids.append(self.headers[INFERENCE_ID])
            if state.silent:
                state.end.wait()
                self.close_connection = True
                return
            if state.failure is not None:
                content = json.dumps({"Message": state.failure.message, **state.failure.members}).encode()
                self.send_response(state.failure.status)
                self.send_header("x-amzn-errortype", state.failure.code)
            else:
                content = state.answer(body) if state.raw is None else state.raw
                self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        state.end.set()
        server.shutdown()
        server.server_close()
        thread.join()
