"""Answers about a stack when it is done.

Whoever deploys looks at a stack every few seconds (the CDK command line: five), and a stack of the sandbox takes one or
two: so the answer is held for a moment while the stack is under way. On AWS nothing holds it, and it only saves time.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Answer = tuple[int, Mapping[str, str], bytes | str]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]

_LONGEST_SECONDS = 4.0
_LOOK_SECONDS = 0.05
_ASKS = re.compile(rb"(?:^|&)Action=DescribeStacks(?:&|$)")
_UNDER_WAY = re.compile(r"<StackStatus>(?!REVIEW_)[A-Z_]+_IN_PROGRESS</StackStatus>")


def until_settled(handle: Handler) -> Handler:
    """Hold the answer of DescribeStacks, for four seconds at most, while a stack that it tells of is under way."""

    async def handle_patiently(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Answer:
        until = time.monotonic() + (_LONGEST_SECONDS if _ASKS.search(body or b"") else 0.0)
        while True:
            answer = await handle(method, path, headers, body, query_params)
            if time.monotonic() >= until or not _UNDER_WAY.search(_text(answer[2])):
                return answer
            await asyncio.sleep(_LOOK_SECONDS)

    return handle_patiently


def _text(body: bytes | str) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else body
