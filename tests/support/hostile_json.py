"""JSON as nobody would write it: any shape, the keys that a reader looks for, and what breaks naive readers."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

DEEP = "[" * 100_000 + "]" * 100_000
HUGE = "9" * 400
"""A whole number that no float can hold."""
ENDLESS = "9" * 5000
"""One that Python refuses to read."""
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [10**400, -1, 0, 1, "\ud800", "=1+1", "../../etc/passwd", "2013-01-01", "9999-12-31T23:59:59-14:00"]
    )
)


def values(*keys: str) -> st.SearchStrategy[Any]:
    """Any JSON whose objects often have these keys."""
    names = st.sampled_from(keys) | st.text(max_size=4)
    return st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6), max_leaves=14
    )


def damaged(document: Any, draw: Callable[[st.SearchStrategy[Any]], Any], *, keys: tuple[str, ...]) -> Any:
    """A good document in which one place was replaced, removed or added to: it gets past the first checks."""
    if isinstance(document, dict) and document and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(document)))
        if not draw(st.integers(0, 9)):
            return {name: value for name, value in document.items() if name != key}
        return document | {key: damaged(document[key], draw, keys=keys)}
    if isinstance(document, list) and document and draw(st.integers(0, 3)):
        position = draw(st.integers(0, len(document) - 1))
        changed = damaged(document[position], draw, keys=keys)
        return [*document[:position], changed, *document[position + 1 :]]
    return draw(values(*keys))
