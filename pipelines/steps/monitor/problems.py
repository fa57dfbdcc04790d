"""What was wrong with the files of a window: counted by kind, with one example each, and never the end of the job."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["truncated", "json", "encoding", "shape", "fields", "unreadable"]
"""``truncated``: the last line ends early; ``json``: a line is no JSON; ``encoding``: data in another encoding than
JSON; ``shape``: JSON that is no request or answer of this model; ``fields``: fields nobody knows, the rest is used;
``unreadable``: the file itself."""

_LONGEST = 200


@dataclass(frozen=True)
class Problem:
    """Records of one kind that could not be used, or not in full.

    Attributes:
        kind: what was wrong.
        count: how many.
        key: the file of the first one, in the order of keys.
        detail: what it was there.
    """

    kind: Kind
    count: int
    key: str
    detail: str

    def as_document(self) -> dict[str, Any]:
        """Return it as the judgement holds it."""
        return dict(vars(self))


def problem(kind: Kind, key: str, detail: object, *, count: int = 1) -> Problem:
    """Return a problem with its detail on one short line; half a surrogate pair is written as its escape."""
    text = str(detail).encode("utf-8", "backslashreplace").decode("utf-8")
    return Problem(kind, count, key, " ".join(text.split())[:_LONGEST])


def summed(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return one problem per kind, sorted by kind; the smallest key stands for the others."""
    found: dict[Kind, Problem] = {}
    for each in problems:
        known = found.get(each.kind)
        if known is None:
            found[each.kind] = each
        else:
            first = min(known, each, key=lambda one: (one.key, one.detail))
            found[each.kind] = Problem(each.kind, known.count + each.count, first.key, first.detail)
    return tuple(found[kind] for kind in sorted(found))
