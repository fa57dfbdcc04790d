"""botocore's service models and the constraints in them that botocore itself never checks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

# AWS's patterns are Java's. Python has no classes by Unicode property, so these stand for the nearest ones, inside or
# outside of brackets as the service models use them.
_UNICODE_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{M}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{P}": r"""!-/:-@\[-`{-~""",
    r"\p{S}": r"$+<=>^`|~",
    r"\p{Alnum}": "a-zA-Z0-9",
    r"\p{Print}": r"\x20-\x7E",
    r"\p{ASCII}": r"[\x00-\x7F]",
    r"\z": r"\Z",
}
_REPEATED_END = re.compile(r"\$\{\d+,\d+\}$")
_SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"


@cache
def service_model(service: str) -> ServiceModel:
    """The model of an AWS service as the installed botocore knows it."""
    return botocore.session.get_session().get_service_model(service)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for java, python in _UNICODE_CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(_REPEATED_END.sub("", pattern.replace(_SURROGATES, r"\U00010000-\U0010FFFF")))


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _broken(value: object, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: Member must {constraint}"


def _size_problems(size: float, shape: Shape, path: str, *, shown: object, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _broken(shown, path, f"{what} greater than or equal to {low}")
    if high is not None and size > high:
        yield _broken(shown, path, f"{what} less than or equal to {high}")


def _string_problems(value: str, shape: StringShape, path: str) -> Iterator[str]:
    yield from _size_problems(len(value), shape, path, shown=value, what="have length")
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not _compiled(pattern).fullmatch(value):
        yield _broken(value, path, f"satisfy regular expression pattern: {pattern}")
    if shape.enum and value not in shape.enum:
        yield _broken(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")


def _structure_problems(value: Mapping[str, Any], shape: StructureShape, path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield _broken(None, prefix + _lower_first(name), "not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _constraint_problems(value[name], member, prefix + _lower_first(name))


def _map_problems(value: Mapping[str, Any], shape: MapShape, path: str) -> Iterator[str]:
    yield from _size_problems(len(value), shape, path, shown=value, what="have length")
    for key, item in value.items():
        yield from _constraint_problems(key, shape.key, path)
        yield from _constraint_problems(item, shape.value, f"{path}.{key}.member")


def _list_problems(value: Sequence[Any], shape: ListShape, path: str) -> Iterator[str]:
    yield from _size_problems(len(value), shape, path, shown=value, what="have length")
    for number, item in enumerate(value, start=1):
        yield from _constraint_problems(item, shape.member, f"{path}.{number}.member")


def _constraint_problems(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Broken constraints; values of a wrong type are left to botocore's validator."""
    match shape.type_name, value:
        case "structure", dict():
            yield from _structure_problems(value, cast("StructureShape", shape), path)
        case "list", list():
            yield from _list_problems(value, cast("ListShape", shape), path)
        case "map", dict():
            yield from _map_problems(value, cast("MapShape", shape), path)
        case "string", str():
            yield from _string_problems(value, cast("StringShape", shape), path)
        case "blob", bytes():
            yield from _size_problems(len(value), shape, path, shown=f"{len(value)} bytes", what="have length")
        case (("integer" | "long" | "float" | "double"), int() | float()):
            yield from _size_problems(value, shape, path, shown=value, what="have value")


def problems(value: Mapping[str, Any], shape: Shape | None) -> str:
    """Say in AWS's words what is wrong with a request or a response; empty when nothing is.

    Names that AWS does not know are refused here, although AWS ignores them: a misspelt optional member must not
    go unnoticed.
    """
    if shape is None:
        return "" if not value else f"Unknown parameters in input: {', '.join(value)}"
    broken = list(_constraint_problems(value, shape, ""))
    if broken:
        noun = "validation error" if len(broken) == 1 else "validation errors"
        return f"{len(broken)} {noun} detected: {'; '.join(broken)}"
    try:
        report = ParamValidator().validate(dict(value), shape)
    except (RuntimeError, OverflowError) as error:  # botocore on a timestamp that is none
        return f"Invalid value for a timestamp: {error}"
    return report.generate_report() if report.has_errors() else ""
