"""Invocations of endpoints go to the embedded SageMaker at once, without all that the emulator would ask of them first.

A model may be asked hundreds of times a second. Only where permissions are enforced do they take the long way.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from sandbox.adapter import internals
from sandbox.sagemaker.endpoints.invocation import endpoint_of

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Handler = Callable[[str, str, dict[str, str], bytes, Mapping[str, Any]], Awaitable[tuple[int, dict[str, str], bytes]]]

_SIGNED_FOR = "/sagemaker/aws4_request"


def with_short_way(application: Application, invoke: Handler) -> Application:
    """The application with a short way to the models."""

    async def served(scope: Message, receive: Receive, send: Send) -> None:
        headers = _invocation(scope)
        if headers is None or internals.ENFORCES_IAM.get():
            await application(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, answered, content = await invoke("POST", scope["path"], headers, body, {})
        given = {**answered, "Content-Length": str(len(content))}
        raw = [(name.lower().encode("latin-1"), value.encode("utf-8")) for name, value in given.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    return served


def _invocation(scope: Message) -> dict[str, str] | None:
    """The headers of an invocation of an endpoint; None for any other request."""
    if scope["type"] != "http" or scope["method"] != "POST" or endpoint_of(scope["path"]) is None:
        return None
    headers = {name.decode("latin-1").lower(): value.decode("utf-8", "replace") for name, value in scope["headers"]}
    return headers if _SIGNED_FOR in headers.get("authorization", "") else None
