"""An answer of the embedded AWS leaves in one packet."""

import asyncio
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from sandbox.adapter.one_packet import OnePacketProtocol

BODY = b"x" * 100


async def application(_scope: dict[str, Any], _receive: Any, send: Callable[[dict[str, Any]], Any]) -> None:
    length = str(len(BODY)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": BODY})


class Wire(asyncio.Transport):
    """Keeps what is sent, each time by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[bytes] = []
        self.is_open = True
        self.answered = asyncio.Event()

    def write(self, data: Any) -> None:
        assert self.is_open
        self.packets.append(bytes(data))
        if BODY in self.packets[-1]:
            self.answered.set()

    def close(self) -> None:
        self.is_open = False

    def is_closing(self) -> bool:
        return not self.is_open


async def asked(protocol_class: type, *, connection: str) -> Wire:
    """Send a request to the protocol and wait until the answer is out."""
    config = uvicorn.Config(application, lifespan="off", log_config=None)
    config.load()
    protocol, wire = protocol_class(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)
    protocol.data_received(f"GET / HTTP/1.1\r\nhost: a\r\nconnection: {connection}\r\n\r\n".encode())
    await asyncio.wait_for(wire.answered.wait(), 5)
    protocol.timeout_keep_alive_handler()
    return wire


def test_head_and_body_are_one_packet() -> None:
    (answer,) = asyncio.run(asked(OnePacketProtocol, connection="keep-alive")).packets
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == BODY


def test_a_connection_that_is_closed_after_the_answer_has_sent_it_before() -> None:
    wire = asyncio.run(asked(OnePacketProtocol, connection="close"))
    assert wire.packets[-1].endswith(BODY)
    assert not wire.is_open
