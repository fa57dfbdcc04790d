"""A page taken apart for tests: which elements and texts it has, and that every element is closed."""

from html.parser import HTMLParser

STRUCTURE = {"html", "head", "title", "style", "meta", "link", "body", "main", "header", "section", "div", "span"}
WORDS = {"strong", "h1", "h2", "h3", "p", "small", "ul", "li", "dl", "dt", "dd", "figure", "figcaption"}
TABLES = {"table", "caption", "thead", "tbody", "tr", "th", "td"}
DRAWING = {"svg", "g", "desc", "text", "path", "circle"}


TAGS = STRUCTURE | WORDS | TABLES | DRAWING
"""What a report may consist of."""


class Page(HTMLParser):
    """Collects the elements and the texts of a page, and checks that every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    def values(self, attribute: str) -> list[str]:
        return [value for name, value in self.attributes if name == attribute]
