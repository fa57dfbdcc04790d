"""HTML and SVG written from Python: everything that comes from data is escaped, and nothing else can be inserted."""

import html
import re

_LIMIT = 160
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_FORMULA = ("=", "+", "-", "@")
_VOID = frozenset({"meta", "link", "br", "path", "line", "rect", "circle"})


class Markup(str):
    """Text that is markup already; only this module's functions make it."""

    __slots__ = ()


Child = str | None


def element(tag: str, *children: Child, **attributes: str | float | None) -> Markup:
    """Return an element. Text children and attribute values are escaped, :class:`Markup` children are kept.

    Attribute names are Python names: ``class_`` is ``class`` and ``aria_label`` is ``aria-label``. ``None`` leaves an
    attribute or a child out.
    """
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(_value(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID and not children:
        return Markup(f"<{tag}{shown}/>")
    return Markup(f"<{tag}{shown}>{joined(*children)}</{tag}>")


def joined(*children: Child) -> Markup:
    """Return children one after the other; text is escaped."""
    return Markup("".join(_child(child) for child in children if child is not None))


def style(rules: str) -> Markup:
    """Return a style sheet of our own; it is never made from data."""
    return Markup(f"<style>{rules}</style>")


def harmless(value: object, *, limit: int | None = _LIMIT) -> str:
    """Return text from data as one line that neither a browser nor a spreadsheet takes for anything else.

    It is cut at the limit. Control characters and those that reorder or hide text are shown as their code. Text that a
    spreadsheet would compute (a cell copied from the page) gets an apostrophe in front, as OWASP's page "CSV Injection"
    advises.
    """
    line = _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", str(value))
    if limit is not None and len(line) > limit:
        line = line[: limit - 1] + "…"
    return f"'{line}" if line.lstrip().startswith(_FORMULA) else line


def number(value: float) -> str:
    """Return a coordinate with one decimal and no more characters than it needs."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else number(value)


def _child(child: str) -> str:
    return child if isinstance(child, Markup) else html.escape(child)
