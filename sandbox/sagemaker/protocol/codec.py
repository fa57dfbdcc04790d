"""JSON of the wire to values of Python and back, along the shapes of the service model."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from botocore.model import ListShape, MapShape, Shape, StructureShape


def decode(value: Any, shape: Shape) -> Any:
    """Turn parsed JSON into values: timestamps (epoch seconds) become datetimes, nulls disappear."""
    match shape.type_name, value:
        case "structure", dict():
            members = cast("StructureShape", shape).members
            return {
                name: decode(item, members[name]) if name in members else item
                for name, item in value.items()
                if item is not None
            }
        case "list", list():
            return [decode(item, cast("ListShape", shape).member) for item in value]
        case "map", dict():
            return {key: decode(item, cast("MapShape", shape).value) for key, item in value.items()}
        case "timestamp", int() | float():
            return datetime.fromtimestamp(value, UTC)
    return value


def without_nones(value: Any) -> Any:
    """Leave out the members that are None: AWS's answers have no nulls."""
    if isinstance(value, Mapping):
        return {key: without_nones(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [without_nones(item) for item in value]
    return value


def json_default(value: object) -> float:
    """Write a datetime as epoch seconds with milliseconds, as the JSON protocol has it."""
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{type(value).__name__} has no place in an answer of AWS")
