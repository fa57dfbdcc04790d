"""The function behind the HTTP API."""

from typing import Any


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request."""
    return {"statusCode": 503, "body": ""}
