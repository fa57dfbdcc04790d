"""What a field of the contract allows, as a type that pydantic checks and as a JSON schema that people read."""

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, StrictBool, StrictFloat, StrictInt, StrictStr, WithJsonSchema
from pydantic import Field as Constraint

from application.contract import is_number
from lambdas.shared.compatibility import Field

_SHOWN: Final = 80
_END_OF_DAY: Final = re.compile(r"(?:\d{4}-?\d{2}-?\d{2}|\d{4}-?W\d{2}-?\d).24.*", re.DOTALL)


def type_of(field: Field) -> Any:
    """Return the type whose values the contract allows; nothing is converted."""
    # Any: pydantic takes types that are made at run time, and no type checker can follow it there.
    kind: Any = _CHECKED[field.type](field)
    if field.nullable:
        kind = kind | None
    return Annotated[kind, WithJsonSchema(json_schema(field))]


def json_schema(field: Field) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a field."""
    schema: dict[str, Any] = {"type": [field.type, "null"] if field.nullable else field.type}
    if field.type in {"string", "timestamp"}:
        schema["type"] = ["string", "null"] if field.nullable else "string"
    if field.type == "timestamp":
        schema["format"] = "date-time"
    if field.type == "string" and field.categories:
        schema["enum"] = [*field.categories, None] if field.nullable else list(field.categories)
    if field.type == "string" and field.pattern is not None:
        # JSON schema looks for a match anywhere; the contract wants the whole text.
        schema["pattern"] = f"^(?:{field.pattern})$"
    if is_number(field):
        bounds = {"minimum": field.minimum, "maximum": field.maximum}
        schema |= {name: bound for name, bound in bounds.items() if bound is not None}
    unit = f" ({field.unit})" if field.unit else ""
    if field.description or unit:
        schema["description"] = f"{field.description}{unit}".strip()
    return schema


def shown(value: object) -> str:
    """Write a value for people: short, whatever it is."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, str):
        return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
    if isinstance(value, int) and value.bit_length() > 4 * _SHOWN:
        return "a whole number of very many digits"
    return str(value)


def _text(field: Field) -> Any:
    if field.categories:
        kind: Any = Literal[field.categories]
    else:
        kind = StrictStr
    return Annotated[kind, AfterValidator(_matching(field.pattern))] if field.pattern is not None else kind


def _matching(pattern: str) -> Callable[[str], str]:
    # Python's own, as the model's contract uses it: pydantic's patterns are those of Rust and look anywhere.
    matches = re.compile(pattern).fullmatch

    def check(text: str) -> str:
        if matches(text) is None:
            raise ValueError("it does not match")
        return text

    return check


def _moment(text: str) -> str:
    # Midnight at the end of a day: Python reads it since 3.14 ("datetime", Python documentation), the model's does not.
    if _END_OF_DAY.fullmatch(text):
        raise ValueError("it has an hour 24")
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("it says no offset")
    return text


def _finite(number: int) -> int:
    try:
        math.isfinite(number)
    except OverflowError as error:
        raise ValueError("no float can hold it") from error
    return number


def _whole(field: Field) -> Any:
    lowest = None if field.minimum is None else math.ceil(field.minimum)
    highest = None if field.maximum is None else math.floor(field.maximum)
    return Annotated[StrictInt, Constraint(ge=lowest, le=highest), AfterValidator(_finite)]


def _number(field: Field) -> Any:
    return Annotated[StrictFloat, Constraint(ge=field.minimum, le=field.maximum, allow_inf_nan=False)]


_CHECKED: Final[dict[str, Callable[[Field], Any]]] = {
    "string": _text,
    "integer": _whole,
    "number": _number,
    "boolean": lambda _: StrictBool,
    "timestamp": lambda _: Annotated[StrictStr, AfterValidator(_moment)],
}
