"""Calls of endpoints and of HTTP APIs are answered at once, without all that the emulator would ask of them first.

There may be hundreds a second. Only where permissions are enforced do they take the long way.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from sandbox.adapter import internals
from sandbox.sagemaker.endpoints.invocation import endpoint_of

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, Mapping[str, Any]], Awaitable[Answer]]

_SIGNED_FOR = "/sagemaker/aws4_request"
_API_PATH = "/_aws/execute-api/"


def with_short_way(application: Application, invoke: Handler) -> Application:
    """The application with a short way to the models and to the APIs."""

    async def served(scope: Message, receive: Receive, send: Send) -> None:
        headers = None if internals.ENFORCES_IAM.get() else _headers(scope)
        if headers is None:
            await application(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        if scope["path"].startswith(_API_PATH):
            status, answered, content = await _call_api(scope, headers, body)
        else:
            status, answered, content = await invoke("POST", scope["path"], headers, body, {})
        given = internals.HEADER_LIST.get()({**answered, "Content-Length": str(len(content))})
        await send({"type": "http.response.start", "status": status, "headers": given})
        await send({"type": "http.response.body", "body": content})

    return served


def _headers(scope: Message) -> dict[str, str] | None:
    """The headers of a request that has a short way; None for any other one."""
    if scope["type"] != "http":
        return None
    is_api = scope["path"].startswith(_API_PATH)
    if not is_api and (scope["method"] != "POST" or endpoint_of(scope["path"]) is None):
        return None
    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("utf-8", "replace")
        joined = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{joined}{text}" if name in headers else text
    return headers if is_api or _SIGNED_FOR in headers.get("authorization", "") else None


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when the caller is gone."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _call_api(scope: Message, headers: dict[str, str], body: bytes) -> Answer:
    query = scope.get("query_string", b"").decode("utf-8", "replace")
    answer: Answer = await internals.CALL_API.get()(
        headers.get("host", ""),
        scope["path"],
        scope["method"],
        headers,
        body,
        parse_qs(query, keep_blank_values=True),
        raw_path=scope["raw_path"].decode("latin-1"),
        raw_query_string=query,
    )
    return answer
