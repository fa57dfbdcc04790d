"""The contract that the application speaks, as it lies beside this module in the function's code."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdas.shared.compatibility import parse

CONTRACT = "contract.json"
_IN_WORDS: Mapping[str, str] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "timestamp": "a moment such as 2013-01-01T10:00:00Z, with its offset from UTC",
}


@dataclass(frozen=True)
class Field:
    """One named value; the attributes are those of ``contract.json``, which docs/contract.md explains."""

    name: str
    type: str
    nullable: bool = False
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    pattern: str | None = None
    unit: str | None = None
    description: str = ""

    @property
    def is_number(self) -> bool:
        """Whether the value is a number, whole or not."""
        return self.type in {"integer", "number"}

    def allowed(self) -> str:
        """Say in words which values are allowed."""
        return self._allowed() + (" or null" if self.nullable else "")

    def _allowed(self) -> str:
        kind = _IN_WORDS[self.type]
        if self.type == "string":
            one_of = f"one of {', '.join(self.categories)}" if self.categories else None
            matching = None if self.pattern is None else f"a text that matches {self.pattern}"
            return " and ".join(each for each in (one_of, matching) if each) or kind
        if not self.is_number or (self.minimum is None and self.maximum is None):
            return kind
        if self.maximum is None:
            return f"{kind}, at least {self.minimum:g}"
        if self.minimum is None:
            return f"{kind}, at most {self.maximum:g}"
        return f"{kind} between {self.minimum:g} and {self.maximum:g}"


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
            version=document["version"],
            inputs=tuple(_field(entry) for entry in document["inputs"]),
            output=_field(document["output"]),
            description=document.get("description", ""),
        )


def load(folder: Path = Path(__file__).parent) -> Contract:
    """Read ``contract.json``.

    Raises:
        ContractError: it describes no contract.
    """
    return Contract.of(parse((folder / CONTRACT).read_bytes()))


def _field(entry: Mapping[str, Any]) -> Field:
    return Field(**{**entry, "categories": tuple(entry.get("categories", ()))})
