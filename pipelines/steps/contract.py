"""The contract between a model and whoever asks it: the fields it takes, the value it answers.

Standard library only: the serving process and the validate step both read it, and both should start fast.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Literal, get_args

FieldType = Literal["string", "integer", "number", "boolean", "timestamp"]
NAMES_OF_TYPES: Mapping[FieldType, str] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "timestamp": "a moment in time",
}
"""How messages call the types."""

_KINDS: Mapping[str, str] = {
    "nullable": "true or false",
    "optional": "true or false",
    "minimum": "a finite number or null",
    "maximum": "a finite number or null",
    "categories": "a list of texts",
    "pattern": "a text or null",
    "unit": "a text or null",
    "description": "a text",
}
"""What the keys of a field hold."""
_SHOWN = 80

Value = str | int | float | bool | datetime | None


class ContractError(ValueError):
    """A contract file does not describe a contract."""


class FieldError(ValueError):
    """A value breaks the contract.

    Attributes:
        field: name of the field.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"field {field!r} {reason}")
        self.field = field


@dataclass(frozen=True)
class Field:
    """One named value: what it may be, and what it means.

    Attributes:
        name: column in a drop, key in a request.
        type: ``timestamp`` is a moment in time: UTC in a drop, ISO 8601 with an offset in a request.
        nullable: whether the value may be unknown. It still has to be there, as null, unless it is optional.
        optional: whether an instance may leave it out, which means the same as null. So a field that a model learned
            later asks nothing of callers that do not know it.
        minimum: smallest allowed number.
        maximum: largest allowed number.
        categories: the only allowed texts; empty when any will do.
        pattern: regular expression that a text must match in full.
        unit: unit of a number, for people.
        description: what it means, for people.
    """

    name: str
    type: FieldType
    nullable: bool = False
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    pattern: str | None = None
    unit: str | None = None
    description: str = ""

    def parse(self, value: object) -> Value:
        """Check one JSON value and return it as a Python value.

        Raises:
            FieldError: when it is not what the contract says.
        """
        if value is None:
            if not self.nullable:
                raise FieldError(self.name, "is null and must not be")
            return None
        match self.type:
            case "timestamp":
                return self._timestamp(value)
            case "string":
                return self._text(value)
            case "boolean":
                if not isinstance(value, bool):
                    raise self._wrong_type(value)
                return value
            case "integer" | "number":
                return self._number(value)

    def allowed(self) -> str:
        """Say in words which values are allowed."""
        if self.categories:
            return "one of " + ", ".join(self.categories)
        if self.pattern is not None:
            return f"a text that matches {self.pattern}"
        if self.minimum is not None and self.maximum is not None:
            return f"between {self.minimum:g} and {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        if self.maximum is not None:
            return f"at most {self.maximum:g}"
        return NAMES_OF_TYPES[self.type]

    def _timestamp(self, value: object) -> datetime:
        if not isinstance(value, str):
            raise self._wrong_type(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise self._wrong_type(value) from error
        if moment.tzinfo is None:
            raise FieldError(self.name, f"is {value!r} and says no time zone: write 2013-01-01T10:00:00Z")
        return moment

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong_type(value)
        if (self.categories and value not in self.categories) or (
            self.pattern is not None and re.fullmatch(self.pattern, value) is None
        ):
            raise FieldError(self.name, f"is {value!r}, it must be {self.allowed()}")
        return value

    def _number(self, value: object) -> int | float:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and not (isinstance(value, float) and self.type == "number"):
            raise self._wrong_type(value)
        assert isinstance(value, int | float)  # noqa: S101  # for the type checker: both branches above say so
        if (
            not _is_finite(value)
            or (self.minimum is not None and value < self.minimum)
            or (self.maximum is not None and value > self.maximum)
        ):
            raise FieldError(self.name, f"is {_shown(value)}, it must be {self.allowed()}")
        return value

    def _wrong_type(self, value: object) -> FieldError:
        example = " such as 2013-01-01T10:00:00Z" if self.type == "timestamp" else ""
        return FieldError(self.name, f"is {value!r}, it must be {NAMES_OF_TYPES[self.type]}{example}")


@dataclass(frozen=True)
class Contract:
    """What a model takes and gives.

    Attributes:
        name: project.
        version: changes whenever a caller has to change.
        inputs: the fields of one instance.
        output: the predicted value; the label's column in a drop.
    """

    name: str
    version: str
    inputs: tuple[Field, ...]
    output: Field

    def parse_instance(self, instance: object) -> dict[str, Value]:
        """Check one instance of a request.

        Raises:
            FieldError: for the first field that is unknown, missing or not what the contract says.
        """
        if not isinstance(instance, Mapping):
            raise FieldError("instances", f"holds {instance!r}, it must hold objects with the contract's fields")
        known = {field.name for field in self.inputs}
        unknown = sorted(set(instance) - known)
        if unknown:
            raise FieldError(unknown[0], f"is unknown to contract {self.name} {self.version}")
        for field in self.inputs:
            if field.name not in instance and not field.optional:
                raise FieldError(field.name, "is missing" + (": send null when unknown" if field.nullable else ""))
        return {field.name: field.parse(instance.get(field.name)) for field in self.inputs}


def load(project: str) -> Contract:
    """Read the contract of a project from its package, wherever that is: a folder or a zip on PYTHONPATH."""
    return parse(source(project))


def source(project: str) -> str:
    """Return the text of a project's contract file."""
    return resources.files(f"pipelines.projects.{project}").joinpath("contract.json").read_text("utf-8")


def parse(text: str) -> Contract:
    """Read a contract from its JSON.

    Raises:
        ContractError: when it is no JSON, a part is missing or of another type, a field has a type nobody knows or is
            optional and not nullable, or a name comes twice.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"the contract is no JSON: {error}") from error
    for key, kind in (("name", str), ("version", str), ("inputs", list), ("output", dict)):
        value = document.get(key) if isinstance(document, dict) else None
        if not isinstance(value, kind):
            raise ContractError(f"contract: {key} is {_cut(value)}, it must be of type {kind.__name__}")
    inputs = tuple(_field(entry) for entry in document["inputs"])
    names = [field.name for field in inputs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContractError(f"contract {document['name']}: field {twice[0]!r} comes twice")
    return Contract(
        name=document["name"], version=document["version"], inputs=inputs, output=_field(document["output"])
    )


def _is_a(value: object, kind: str) -> bool:
    match kind:
        case "true or false":
            return isinstance(value, bool)
        case "a finite number or null":
            number = isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)
            return value is None or number
        case "a list of texts":
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
        case _:
            return isinstance(value, str) or (value is None and kind.endswith("or null"))


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float can hold
        return False


def _shown(number: float) -> str:
    try:
        math.isfinite(number)
    except OverflowError:  # so many digits that Python refuses to write them
        return "a number beyond all floats"
    return str(number)


def _cut(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


def _field(entry: object) -> Field:
    if not isinstance(entry, Mapping):
        raise ContractError(f"field {_cut(entry)}: it must be an object with name and type")
    name = entry.get("name")
    if not isinstance(name, str):
        raise ContractError(f"field {_cut(name)}: name must be a text")
    if entry.get("type") not in get_args(FieldType):
        raise ContractError(f"field {name!r}: type {_cut(entry.get('type'))} is none of {get_args(FieldType)}")
    for key, value in entry.items():
        if key in _KINDS and not _is_a(value, _KINDS[key]):
            raise ContractError(f"field {name!r}: {key} is {_cut(value)}, it must be {_KINDS[key]}")
    values = {**entry, "categories": tuple(entry.get("categories", ()))}
    try:
        field = Field(**values)
    except TypeError as error:
        raise ContractError(f"field {entry.get('name')!r}: {error}") from error
    if field.optional and not field.nullable:
        raise ContractError(
            f"field {field.name!r}: optional is true, so nullable must be true: what is left out is null"
        )
    try:
        re.compile(field.pattern or "")
    except (re.error, RecursionError, OverflowError) as error:
        raise ContractError(f"field {field.name!r}: pattern {_cut(field.pattern)} is none: {error}") from error
    return field
