"""Tables that become stacked cards on a narrow screen: the header of each cell travels along as ``data-label``."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.steps.report.markup import Child, Markup, element, harmless


@dataclass(frozen=True)
class Column:
    """One column: its header, and whether its cells are numbers."""

    header: str
    number: bool = False


def words(value: object) -> Markup:
    """Return a cell of text from data, which breaks anywhere rather than make the table wider than the page."""
    return element("span", harmless(value), class_="words")


def table(caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Child]]) -> Markup:
    """Return a table whose first column names the row; with only one column beside it, its header need not travel."""
    labelled = len(columns) > 2  # noqa: PLR2004  # a name and a value
    head = element("tr", *(element("th", c.header, scope="col", class_="right" if c.number else None) for c in columns))
    return element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *(_row(columns, row, labelled=labelled) for row in rows)),
        class_="stacks" if labelled else "stacks list",
    )


def _row(columns: Sequence[Column], cells: Sequence[Child], *, labelled: bool) -> Markup:
    first, *others = cells
    return element(
        "tr",
        element("th", first, scope="row"),
        *(
            element(
                "td", cell, data_label=column.header if labelled else None, class_="right" if column.number else None
            )
            for column, cell in zip(columns[1:], others, strict=True)
        ),
    )
