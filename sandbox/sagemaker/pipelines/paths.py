"""Paths such as `ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri` into the answers of Describe operations."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_TOKEN = re.compile(r"""\.?([^.\[\]]+)|\['([^']*)'\]|\["([^"]*)"\]|\[(\d+)\]""")


class PathError(LookupError):
    """The path leads nowhere; the message says where it ends."""


def tokens(path: str) -> list[str | int]:
    """Split a path into names and positions."""
    found: list[str | int] = []
    position = 0
    while position < len(path):
        match = _TOKEN.match(path, position)
        if match is None:
            raise PathError(f"{path!r} is no path: unexpected {path[position:]!r}")
        dotted, single, double, number = match.groups()
        found.append(int(number) if number is not None else dotted or single or double or "")
        position = match.end()
    return found


def look_up(value: Any, path: Sequence[str | int], *, shown: str) -> Any:
    """Follow a path; a name on a list finds the item with that name, such as the output of a processing job.

    Raises:
        PathError: when a part is missing.
    """
    for token in path:
        value = _child(value, token, shown=shown)
    return value


def _child(value: Any, token: str | int, *, shown: str) -> Any:
    match value, token:
        case Mapping(), str() if token in value:
            return value[token]
        case list(), int() if token < len(value):
            return value[token]
        case list(), str():
            for item in value:
                if isinstance(item, Mapping) and _name_of(item) == token:
                    return item
    raise PathError(f"{shown!r} cannot be resolved: there is no {token!r}")


def _name_of(item: Mapping[str, Any]) -> object:
    return next((item[name] for name in ("OutputName", "InputName", "ChannelName", "Name") if name in item), None)
