"""Inputs made of other inputs: changed where they mean something, so that most get past the first check.

A fuzzer's own mutations work on bytes; of a JSON document they leave no JSON. These change the tree, and also the tree
within a text of the tree.
"""

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

from fuzzing.parser import Parser

HUGE: Final = "9" * 400
"""A whole number that no float can hold."""
ENDLESS: Final = "9" * 5000
"""One that Python refuses to read."""
_DEEPEST: Final = 60
_LEAVES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, int(HUGE), 0.5, -0.0, 1e308, 5e-324),
    *(
        float("nan"),
        float("inf"),
        -float("inf"),
        "",
        " ",
        "0",
        "1.5",
        "true",
        "null",
        "nan",
        "a",
        "\x00",
        "\ud800",
        "\u202e",
    ),
    *("٣", "=1+1", "../../etc/passwd", "<script>", "%s{0}", "x" * 300, "[1]", "{}", "[[1]]", "(", "(a+)+$"),
    *(
        "2013-01-01",
        "2013-01-01T24:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2013-02-30T00:00Z",
    ),
    *([], {}, [None], [[]], {"": ""}, {"a": {}}, [0] * 50),
)
_TEXTS: Final = (
    *(",", ":", "[", "]", "{", "}", '"', "'", "\\", "\n", "\r\n", "\t", " ", "#", "=", "-", "+", ".", "/", "*", "?"),
    *(
        "\x00",
        "\x1b[2J",
        "\u202e",
        "\ud800",
        "٣",
        "1e999",
        "nan",
        "inf",
        HUGE,
        ENDLESS,
        "../",
        "<b>",
        "&amp;",
        "9" * 20,
    ),
    *("[" * 2000, '{"a":' * 2000, "((" * 60, "a" * 2000),
)
_BYTES: Final = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\x00" * 8, b"\x7f" + b"\xff" * 3, b"PAR1")


def mutated(parser: Parser, data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """Return an input like this one, the same for the same state of ``random``."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = _once(parser, data, random, others)
    return data[: parser.longest]


def _once(parser: Parser, data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    match parser.syntax:
        case "json" if random.random() < 0.85:
            return _of_json(data, parser.tokens, random)
        case "lines" if random.random() < 0.85:
            return _of_lines(data, parser.tokens, random, others)
        case "bytes":
            return _of_bytes(data, random, others)
    return _of_text(data.decode("utf-8", "surrogatepass" if _is_text(data) else "replace"), parser.tokens, random)


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _of_json(data: bytes, tokens: Sequence[str], random: Random) -> bytes:
    try:
        document = json.loads(data)
        changed = _changed(document, list(_nodes(document, _DEEPEST)), tokens, random)
        return json.dumps(changed, ensure_ascii=random.random() < 0.9).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return _of_text(data.decode("utf-8", "replace"), tokens, random)


def _of_lines(data: bytes, tokens: Sequence[str], random: Random, others: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    match random.randrange(8):
        case 0:
            lines.insert(at, random.choice(lines))
        case 1:
            del lines[at]
        case 2:
            lines[at] = lines[at][: random.randrange(len(lines[at]) + 1)]
        case 3 if others:
            lines.insert(at, random.choice(random.choice(others).split(b"\n")))
        case _:
            lines[at] = _of_json(lines[at], tokens, random)
    return b"\n".join(lines)


def _of_text(text: str, tokens: Sequence[str], random: Random) -> bytes:
    at = random.randrange(len(text) + 1)
    upto = min(len(text), at + random.choice((0, 0, 1, 1, 2, 5, 20)))
    match random.randrange(4):
        case 0:
            put = ""
        case 1:
            start = random.randrange(len(text) + 1)
            put = text[start : start + random.randrange(30)]
        case 2 if tokens:
            put = random.choice(tokens)
        case _:
            put = (
                random.choice(_TEXTS)
                if random.random() < 0.7
                else chr(random.choice((random.randrange(128), random.randrange(0x11000))))
            )
    return (text[:at] + put + text[upto:]).encode("utf-8", "surrogatepass")


def _of_bytes(data: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    upto = min(len(data), at + random.choice((0, 1, 1, 1, 2, 4, 8, 40)))
    match random.randrange(5):
        case 0:
            put = b""
        case 1:
            put = random.choice(_BYTES)
        case 2:
            start = random.randrange(len(data) + 1)
            put = data[start : start + random.randrange(40)]
        case 3 if others:
            other = random.choice(others)
            return data[:at] + other[min(at, len(other)) :]
        case _:
            put = random.randbytes(upto - at)
    return data[:at] + put + data[upto:]


def _nodes(value: Any, deepest: int, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value of a document."""
    yield path
    if deepest and isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _nodes(item, deepest - 1, (*path, key))


def _changed(  # noqa: C901, PLR0911  # one way after the other
    document: Any, paths: list[tuple[Any, ...]], tokens: Sequence[str], random: Random
) -> Any:
    path = random.choice(paths)
    if not path:
        path = random.choice(paths)
    value = _at(document, path)
    other = _at(document, random.choice(paths))
    if isinstance(value, str) and value[:1] in ("{", "[") and random.random() < 0.8:
        return _put(
            document, path, _of_json(value.encode("utf-8", "surrogatepass"), tokens, random).decode("utf-8", "replace")
        )
    match random.randrange(8):
        case 0 if path:
            return _put(document, path, None, remove=True)
        case 1:
            return _put(document, path, other)
        case 2 if isinstance(value, dict):
            key = (
                random.choice(tokens)
                if tokens and random.random() < 0.7
                else random.choice(("", "a", "\ud800", "format", "name"))
            )
            return _put(document, path, {**value, key: random.choice((other, random.choice(_LEAVES)))})
        case 2 if isinstance(value, list):
            return _put(document, path, [*value, *random.choice((value[:1], [other], [random.choice(_LEAVES)], value))])
        case 3 if isinstance(value, str):
            return _put(document, path, _of_text(value, tokens, random).decode("utf-8", "surrogatepass"))
        case 3 if isinstance(value, int | float) and not isinstance(value, bool):
            return _put(document, path, random.choice((-value, value + 1, value - 1, str(value), [value])))
        case 4 if tokens:
            return _put(document, path, random.choice(tokens))
        case 5:
            return _put(document, path, random.choice(([value], {"a": value}, [value] * 3)))
        case _:
            return _put(document, path, random.choice(_LEAVES))


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def _put(document: Any, path: tuple[Any, ...], value: Any, *, remove: bool = False) -> Any:
    """Return a copy of a document with one value replaced or removed."""
    if not path:
        return value
    first, *rest = path
    if remove and not rest:
        if isinstance(document, dict):
            return {key: item for key, item in document.items() if key != first}
        return [item for number, item in enumerate(document) if number != first]
    inner = _put(document[first], tuple(rest), value, remove=remove)
    if isinstance(document, dict):
        return {**document, first: inner}
    return [*document[:first], inner, *document[first + 1 :]]
