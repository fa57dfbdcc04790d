"""The sandbox's own addresses beside those of AWS: its clock."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from sandbox.adapter.timekeeper import Timekeeper
from sandbox.clock import parse_moment
from sandbox.control import CLOCK_PATH, ClockState
from sandbox.errors import SandboxError

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def with_control(application: Application, timekeeper: Timekeeper) -> Application:
    """The application with the sandbox's own addresses."""

    async def controlled(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != CLOCK_PATH:
            await application(scope, receive, send)
            return
        try:
            status, answer = HTTPStatus.OK, (await _answer(scope, receive, timekeeper)).as_dict()
        except (SandboxError, OverflowError, TypeError, ValueError) as error:
            status, answer = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    return controlled


async def _answer(scope: Message, receive: Receive, timekeeper: Timekeeper) -> ClockState:
    if scope["method"] == "GET":
        return timekeeper.state()
    if scope["method"] != "POST":
        raise SandboxError("the clock is read with GET and moved with POST")
    request = json.loads(await _body(receive))
    if not isinstance(request, dict) or len(request) != 1:
        raise SandboxError('a move is {"advance_seconds": 3600} or {"to": "2013-03-01T00:00:00Z"}')
    if "to" in request:
        return await timekeeper.advance(to=parse_moment(str(request["to"])))
    if "advance_seconds" in request:
        return await timekeeper.advance(by=timedelta(seconds=float(request["advance_seconds"])))
    raise SandboxError(f"a move has no {next(iter(request))!r}: give advance_seconds or to")


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SandboxError("the caller is gone")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
