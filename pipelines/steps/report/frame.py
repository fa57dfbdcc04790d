"""What every page of Tandem is framed by: one file that needs nothing else, no script, no font, no image, no request.

A policy in its head tells the browser to refuse all of them, should data ever find a way in.
"""

from collections.abc import Iterable

from pipelines.steps.report.markup import Child, Markup, element, joined, style
from pipelines.steps.report.style import CSS

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def document(title: str, *content: Child) -> str:
    """Return a whole page as HTML: its title in the browser's tab, and its sections from top to bottom."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        style(CSS),
    )
    body = element("body", element("main", *content))
    return joined(Markup("<!DOCTYPE html>\n"), element("html", head, body, lang="en"), Markup("\n"))


def section(title: str, *children: Child) -> Markup:
    """Return a card with a heading."""
    return element("section", element("h2", title), *children)


def tiles(shown: Iterable[tuple[str, str, str]]) -> Markup:
    """Return the few numbers that carry a verdict: (name, value, what it is to be held against)."""
    return element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", value, element("small", more)))
            for name, value, more in shown
        ),
        class_="facts",
    )
