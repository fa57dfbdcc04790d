"""From a validation error to sentences that name the key, the value and what is allowed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stacks.settings.model import ProjectFile, Section
from stacks.settings.types import Allowed

_KEY_MARK: Final = "[key]"
_LONGEST_VALUE: Final = 80


@dataclass(frozen=True)
class Problem:
    """One thing to correct in one file. ``key`` is dotted, as TOML writes it; ``given`` is TOML text."""

    key: str
    given: str | None
    allowed: str
    kind: str = "not allowed"
    hint: str = ""

    def __str__(self) -> str:
        """One line: key, given value, what is allowed, and a suggestion if there is one."""
        given = "" if self.given is None else f" (given: {self.given})"
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.key}: {self.kind}{given}. Allowed: {self.allowed}.{hint}"


def as_toml(value: Any) -> str:
    """A value as a person would have typed it, shortened to one line."""
    if isinstance(value, Mapping):
        return "a table"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def did_you_mean(word: str, known: list[str]) -> str:
    """A question naming the closest known word, or nothing."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"?' if close else ""


def problems_of(error: ValidationError, *, document: Mapping[str, Any]) -> list[Problem]:
    """Every key that the error complains about, once, in the order of the file's model."""
    found: dict[str, Problem] = {}
    for detail in error.errors(include_url=False):
        problem = _problem(detail, document)
        found.setdefault(problem.key, problem)
    return list(found.values())


def _problem(detail: ErrorDetails, document: Mapping[str, Any]) -> Problem:
    path = _path_in(document, detail)
    key = ".".join(_quoted(part) for part in path)
    if detail["type"] == "extra_forbidden":
        table = _bare(_written(_annotation_at(path[:-1])))
        known = list(table.model_fields)
        return Problem(
            key=key,
            given=as_toml(detail["input"]),
            kind="unknown key",
            allowed=", ".join(known),
            hint=did_you_mean(str(path[-1]), known),
        )
    if detail["loc"][-1] == _KEY_MARK:
        return Problem(key, as_toml(path[-1]), describe(_annotation_at((*path[:-1], _KEY_MARK))), kind="bad name")
    allowed = describe(_annotation_at(path))
    if detail["type"] == "missing":
        return Problem(key, None, allowed, kind="missing")
    return Problem(key, as_toml(detail["input"]), allowed)


def _path_in(document: Any, detail: ErrorDetails) -> tuple[str | int, ...]:
    """The part of pydantic's location that exists in the file (it appends union members and markers)."""
    path: list[str | int] = []
    node = document
    for part in detail["loc"]:
        if isinstance(node, Mapping) and part in node:
            node = node[str(part)]
        elif isinstance(node, list) and isinstance(part, int):
            node = node[part]
        elif detail["type"] != "missing":
            break
        path.append(part)
    return tuple(path)


def _quoted(part: str | int) -> str:
    text = str(part)
    return text if text.replace("_", "").replace("-", "").isalnum() else f'"{text}"'


def _annotation_at(path: tuple[str | int, ...]) -> Any:
    node: Any = ProjectFile
    for part in path:
        bare = _bare(_written(node))
        if isinstance(bare, type) and issubclass(bare, Section):
            info = bare.model_fields[str(part)]
            node = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
        elif get_origin(bare) is list:
            node = get_args(bare)[0]
        else:
            node = get_args(bare)[0 if part == _KEY_MARK else 1]
    return node


def _written(annotation: Any) -> Any:
    """The type of what may be left out; TOML itself has no null."""
    members = get_args(annotation) if get_origin(annotation) in (UnionType, Union) else ()
    present = [member for member in members if member is not NoneType]
    return present[0] if len(present) == 1 else annotation


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _metadata(annotation: Any) -> list[Any]:
    """All metadata of an annotation, that of ``Field(...)`` unpacked."""
    if get_origin(annotation) is not Annotated:
        return []
    unpacked: list[Any] = []
    for item in get_args(annotation)[1:]:
        unpacked.extend(getattr(item, "metadata", [item]))
    return unpacked


def describe(annotation: Any) -> str:
    """What a value of this type may be, in words."""
    annotation = _written(annotation)
    metadata = _metadata(annotation)
    for item in metadata:
        if isinstance(item, Allowed):
            return item.text
    bare = _bare(annotation)
    origin = get_origin(bare)
    if origin is Literal:
        return "one of " + ", ".join(as_toml(choice) for choice in get_args(bare))
    if origin in (UnionType, Union):
        return " or ".join(describe(member) for member in get_args(bare))
    if origin is list:
        return f"a list{_length(metadata, 'entries')}, each {describe(get_args(bare)[0])}"
    if isinstance(bare, type) and issubclass(bare, Section):
        return "a table with the keys " + ", ".join(bare.model_fields)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return words.get(bare, "a table") + _bounds(metadata) + _length(metadata, "characters")


def _bounds(metadata: list[Any]) -> str:
    phrases = [
        f"{words} {getattr(item, attribute)}"
        for kind, attribute, words in (
            (Ge, "ge", "at least"),
            (Gt, "gt", "greater than"),
            (Le, "le", "at most"),
            (Lt, "lt", "less than"),
        )
        for item in metadata
        if isinstance(item, kind)
    ]
    return ", " + " and ".join(phrases) if phrases else ""


def _length(metadata: list[Any], unit: str) -> str:
    longest = [item.max_length for item in metadata if isinstance(item, MaxLen)]
    return f" of at most {longest[0]} {unit}" if longest else ""
