"""A call of the application as API Gateway hands it to the function, and the function's answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """An answer as its caller sees it."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Reply":
        """What a caller sees of the function's answer."""
        return cls(answer["statusCode"], answer["headers"], json.loads(answer["body"]))

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


def event(
    method: str, path: str, body: object = None, *, request_id: str = "JKJaXmPLvHcESHA=", **other: Any
) -> dict[str, Any]:
    """An event of payload format 2.0; AWS page "Create AWS Lambda proxy integrations for HTTP APIs"."""
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "api"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "requestId": request_id,
            "stage": "$default",
        },
        "body": text,
        "isBase64Encoded": False,
    } | other
