"""The body of a request, from an event of an HTTP API to checked JSON.

AWS pages: "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway" (payload format 2.0), "Lambda quotas"
(6 MB for request and response) and "InvokeEndpoint" (a body of at most 6 MB in its service model). The limit here lies
well below both, also when the body comes in base64 and when every record is answered with warnings.
"""

import base64
import binascii
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from pydantic import BaseModel, ValidationError

from application.problems import BAD_BODY, TOO_LARGE, WRONG_MEDIA_TYPE, Explainer, ProblemError, Violation

MOST_BYTES: Final = 1024 * 1024
JSON: Final = "application/json"
_EXACT: Final = 2**53
"""Up to here a float and a whole number mean the same."""
_MOST_BASE64: Final = MOST_BYTES * 4 // 3 + 4


def read(event: Mapping[str, Any]) -> Any:
    """Return the parsed JSON of an event's body.

    Raises:
        ProblemError: it is no JSON, too large, or said to be something else.
    """
    media_type = _header(event, "content-type").partition(";")[0].strip().lower()
    if media_type != JSON:
        said = f"it is {media_type[:80]!r}" if media_type else "there is none"
        raise ProblemError(WRONG_MEDIA_TYPE, f"Content-Type must be {JSON}, {said}.", headers={"Accept": JSON})
    content = _content(event)
    if len(content) > MOST_BYTES:
        raise ProblemError(TOO_LARGE, f"A body has at most {MOST_BYTES:,} bytes, this one has {len(content):,}.")
    try:
        return json.loads(
            content.decode(), parse_float=_number, parse_constant=_refuse_constant, object_pairs_hook=_object
        )
    except RecursionError as error:
        raise ProblemError(BAD_BODY, "The body is nested too deeply.") from error
    except UnicodeDecodeError as error:
        raise ProblemError(BAD_BODY, f"The body is no UTF-8: {error.reason} at byte {error.start}.") from error
    except ValueError as error:
        raise ProblemError(BAD_BODY, f"The body is no JSON: {error}.") from error


def check(document: Any, model: type[BaseModel], explainer: Explainer, *, most: int) -> list[dict[str, Any]]:
    """Return the entries of a body, as they were sent, after the model has checked all of them.

    Raises:
        ProblemError: the body breaks the contract, or holds more than ``most`` entries.
    """
    entries = document.get(explainer.key) if isinstance(document, dict) else None
    if isinstance(entries, list) and len(entries) > most:
        raise ProblemError(
            TOO_LARGE,
            f"A request holds at most {most} {explainer.key}, this one holds {len(entries)}.",
            errors=[Violation(explainer.key, f"a list of 1 to {most} objects", value=f"{len(entries)} entries")],
        )
    try:
        model.model_validate(document)
    except ValidationError as error:
        raise explainer.problem(error) from error
    checked: list[dict[str, Any]] = document[explainer.key]
    return checked


def _header(event: Mapping[str, Any], name: str) -> str:
    headers = event.get("headers")
    if not isinstance(headers, Mapping):
        return ""
    # An HTTP API sends lower case; a person who tests the function may not.
    found = headers.get(name) or next((value for key, value in headers.items() if str(key).lower() == name), "")
    return found if isinstance(found, str) else ""


def _content(event: Mapping[str, Any]) -> bytes:
    body = event.get("body")
    if not isinstance(body, str):
        return b""
    if not event.get("isBase64Encoded"):
        return body.encode(errors="surrogatepass")
    if len(body) > _MOST_BASE64:
        raise ProblemError(TOO_LARGE, f"A body has at most {MOST_BYTES:,} bytes, this one has more.")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProblemError(BAD_BODY, "The body is said to be base64 and is not.") from error


def _number(text: str) -> float:
    """Read a number as JSON schema sees it: 1.0 is a whole number, whatever a caller's language made of it."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"an object has the key {twice[:80]!r} twice")
    return found
