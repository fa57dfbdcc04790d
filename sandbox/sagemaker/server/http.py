"""The two paths of an inference container: `GET /ping` and `POST /invocations`.

AWS's page "Custom Inference Code with Hosting Services".
"""

import asyncio
import os
import socket
import sys
import threading
from http import HTTPStatus

from sandbox.sagemaker.server.script import Reply, Script


def serve(script: Script, *, descriptor: int) -> None:
    """Answer on a listening socket that the parent process has opened."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(_serve(script, socket.socket(fileno=descriptor)))


def _end_with_parent() -> None:
    """The parent holds the other end of stdin; when it is gone, nobody would stop this process."""
    sys.stdin.buffer.read()
    os._exit(0)


async def _serve(script: Script, listening: socket.socket) -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(_encoded(await _answered(script, reader)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(converse, sock=listening)
    await server.serve_forever()


async def _answered(script: Script, reader: asyncio.StreamReader) -> Reply:
    """Answer one request of the platform, which sends every body with its length.

    The script is called in the loop: it answers one request after the other, as one worker of the image does, so
    threads would only wait for each other.
    """
    request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    method, path, _ = request.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    if (method, path) == ("POST", "/invocations"):
        return script.answer(body, content_type=headers.get("content-type"), accept=headers.get("accept"))
    healthy = (method, path) == ("GET", "/ping")
    return Reply(status=HTTPStatus.OK if healthy else HTTPStatus.NOT_FOUND, content_type="text/plain", body=b"")


def _encoded(reply: Reply) -> bytes:
    """The answer as one packet: the rest of two would wait for the first to be acknowledged."""
    head = (
        f"HTTP/1.1 {reply.status} \r\nContent-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n\r\n"
    )
    return head.encode("latin-1") + reply.body
