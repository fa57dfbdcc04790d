"""The List operations: filters, sorting and pages, which all of SageMaker's work alike."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sandbox.sagemaker.protocol.dispatch import Request
from sandbox.sagemaker.protocol.errors import validation

_DEFAULT_PAGE = 10

Item = TypeVar("Item")


@dataclass(frozen=True)
class Row:
    """A resource as the List operations see it; `number` breaks ties of the creation time."""

    name: str
    created: datetime
    number: int
    summary: Mapping[str, Any]
    modified: datetime | None = None
    status: str = ""


def page_of(
    items: Sequence[Item], request: Request, *, default_size: int = _DEFAULT_PAGE
) -> tuple[list[Item], str | None]:
    """Cut the page that `NextToken` and `MaxResults` ask for; the second value is the token of the next one."""
    start = _offset(request.get("NextToken"))
    end = start + int(request.get("MaxResults", default_size))
    token = base64.urlsafe_b64encode(f"from:{end}".encode()).decode() if end < len(items) else None
    return list(items[start:end]), token


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        label, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
        if label == "from":
            return int(number)
    except (binascii.Error, ValueError) as error:
        raise validation("Invalid NextToken: take it from the previous answer.") from error
    raise validation("Invalid NextToken: take it from the previous answer.")


def _matches(row: Row, request: Request) -> bool:
    modified = row.modified or row.created
    earliest = request.get("CreationTimeAfter") or request.get("CreatedAfter")
    latest = request.get("CreationTimeBefore") or request.get("CreatedBefore")
    return (
        request.get("NameContains", "").lower() in row.name.lower()
        and request.get("StatusEquals", row.status) == row.status
        and (earliest is None or row.created > earliest)
        and (latest is None or row.created < latest)
        and (request.get("LastModifiedTimeAfter") is None or modified > request["LastModifiedTimeAfter"])
        and (request.get("LastModifiedTimeBefore") is None or modified < request["LastModifiedTimeBefore"])
    )


def listed(
    rows: Sequence[Row], request: Request, *, descending: bool, default_size: int = _DEFAULT_PAGE
) -> tuple[list[Mapping[str, Any]], str | None]:
    """Filter, sort and cut the rows as the request asks; the second value is the token of the next page.

    Args:
        rows: all resources of the kind.
        request: the validated request of the List operation.
        descending: the order when the request names none; it differs between the operations.
        default_size: how many rows an answer has when the request does not say.
    """
    keys = {
        "Name": lambda row: (row.name, row.number),
        "Status": lambda row: (row.status, row.created, row.number),
    }
    chosen = sorted(
        (row for row in rows if _matches(row, request)),
        key=keys.get(request.get("SortBy", ""), lambda row: (row.created, row.number)),
        reverse=request.get("SortOrder", "Descending" if descending else "Ascending") == "Descending",
    )
    page, token = page_of(chosen, request, default_size=default_size)
    return [row.summary for row in page], token
