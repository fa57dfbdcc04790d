"""The contract that the application speaks, as it lies beside this module in the function's code."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.shared.compatibility import Field, parse

CONTRACT = "contract.json"
_IN_WORDS: Mapping[str, str] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "timestamp": "a moment such as 2013-01-01T10:00:00Z, with its offset from UTC",
}


@dataclass(frozen=True)
class Contract:
    """What a request may hold and what an answer means.

    Attributes:
        name: project.
        version: for people.
        inputs: the fields of one record.
        output: the predicted value, and what an outcome may be.
        description: for people.
    """

    name: str
    version: str
    inputs: tuple[Field, ...]
    output: Field
    description: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Contract":
        """Read a document that :func:`lambdas.shared.compatibility.parse` has checked."""
        return cls(
            name=document["name"],
            version=str(document.get("version", "")),
            inputs=tuple(map(Field.of, document["inputs"])),
            output=Field.of(document["output"]),
            description=document.get("description", ""),
        )


def load(folder: Path = Path(__file__).parent) -> Contract:
    """Read ``contract.json``.

    Raises:
        ContractError: it describes no contract.
    """
    return Contract.of(parse((folder / CONTRACT).read_bytes()))


def is_number(field: Field) -> bool:
    """Whether the value of a field is a number, whole or not."""
    return field.type in {"integer", "number"}


def allowed(field: Field) -> str:
    """Say in words which values a field may have."""
    return _allowed(field) + (" or null" if field.nullable else "")


def _allowed(field: Field) -> str:
    kind = _IN_WORDS[field.type]
    if field.type == "string":
        one_of = f"one of {', '.join(field.categories)}" if field.categories else None
        matching = None if field.pattern is None else f"a text that matches {field.pattern}"
        return " and ".join(each for each in (one_of, matching) if each) or kind
    if not is_number(field) or (field.minimum is None and field.maximum is None):
        return kind
    if field.minimum is not None and field.maximum is not None:
        return f"{kind} between {field.minimum:g} and {field.maximum:g}"
    return f"{kind}, {field.range}"
