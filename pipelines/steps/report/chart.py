"""The one place that draws: plots as inline SVG, from numbers that are few already.

A plot is drawn for a narrow column (``WIDTH`` units) and scales with the page, so that its text stays readable on a
phone. Colours and strokes are classes of the page's style sheet, so that light, dark and print need no second drawing.
Series differ by more than colour: the challenger is solid, the champion dashed.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pipelines.steps.report.markup import Markup, element, joined, number

WIDTH = 400.0
HEIGHT = 260.0
WIDE = 1000.0
"""Width of the second drawing of a plot that takes the whole page where the page is wide."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 12.0, 26.0, 40.0
_UNLABELLED = 24.0
"""Room below a frame whose axis has no name."""
_PERCENT = "\u00a0%"  # a space that no line breaks at
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

Point = tuple[float, float]


def plain(value: float) -> str:
    """Write a number of an axis or a table with four significant digits at most."""
    return "0" if value == 0 else f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"  # noqa: PLR2004  # five digits read better whole


def percent(value: float) -> str:
    """Write a share as a percentage."""
    return f"{value * 100:.1f}{_PERCENT}" if abs(value) >= 0.001 or value == 0 else f"{value * 100:.1g}{_PERCENT}"  # noqa: PLR2004  # less than one digit


def round_percent(value: float) -> str:
    """Write a round share of an axis as a percentage."""
    return f"{value * 100:g}{_PERCENT}"


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        label: what it shows, with its unit.
        low: value at its start.
        high: value at its end.
        text: how its values are written.
        ticks: values to mark; None for round ones.
    """

    label: str
    low: float
    high: float
    text: Callable[[float], str] = plain
    ticks: Sequence[float] | None = None

    @classmethod
    def around(
        cls, label: str, values: Iterable[float], *, text: Callable[[float], str] = plain, margin: float = 0.05
    ) -> "Axis":
        """Return an axis that holds all values, with some room at both ends but none beyond a zero."""
        known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
        low, high = min(known), max(known)
        room = (high - low) * margin or abs(high) * margin or 1.0
        return cls(label, 0.0 if low == 0 < high else low - room, 0.0 if high == 0 > low else high + room, text)

    def marks(self, most: int = 6) -> list[float]:
        """Return the values to mark."""
        return round_values(self.low, self.high, most) if self.ticks is None else list(self.ticks)

    def share(self, value: float) -> float:
        """Return where a value lies: 0 at the start, 1 at the end; never outside."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def round_values(low: float, high: float, most: int) -> list[float]:
    """Return at most ``most`` round values between two bounds, evenly spaced."""
    rough = (high - low) / most
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(step * scale for step in _STEPS if step * scale >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


class Plot:
    """A frame with two axes, filled mark by mark; its sizes are in units of the drawing."""

    def __init__(
        self, x: Axis, y: Axis, *, height: float = HEIGHT, left: float = _LEFT, top: float = _TOP, width: float = WIDTH
    ) -> None:
        self.x, self.y = x, y
        self.width = width
        self._height = height
        self._left, self._right, self._top = left, width - _RIGHT, top
        self._bottom = height - (_BOTTOM if x.label else _UNLABELLED)
        self._marks: list[Markup] = []

    def at(self, x: float, y: float) -> Point:
        """Return the position of a value pair in the drawing."""
        return (
            self._left + self.x.share(x) * (self._right - self._left),
            self._bottom - self.y.share(y) * (self._bottom - self._top),
        )

    def line(self, points: Sequence[Point], series: str) -> None:
        """Draw a line through points."""
        self._add("path", d=_path(self.at(*point) for point in points), class_=f"line {series}")

    def steps(self, edges: Sequence[float], values: Sequence[float], series: str) -> None:
        """Draw the outline of a histogram."""
        corners: list[Point] = [(edges[0], self.y.low)]
        for left, right, value in zip(edges, edges[1:], values, strict=False):
            corners += [(left, value), (right, value)]
        self.line([*corners, (edges[-1], self.y.low)], series)

    def band(self, rows: Sequence[tuple[float, float, float]], series: str) -> None:
        """Fill the space between two lines, given as (x, low, high)."""
        there = [self.at(x, high) for x, _, high in rows]
        back = [self.at(x, low) for x, low, _ in reversed(rows)]
        self._add("path", d=_path([*there, *back]) + "z", class_=f"band {series}")

    def boxes(self, boxes: Iterable[tuple[float, float, float, float]], series: str) -> None:
        """Fill boxes, given as (left, right, low, high), all in one path."""
        parts = []
        for left, right, low, high in boxes:
            (x0, y0), (x1, y1) = self.at(left, high), self.at(right, low)
            parts.append(f"M{number(x0)} {number(y0)}h{number(x1 - x0)}v{number(y1 - y0)}h{number(x0 - x1)}z")
        if parts:
            self._add("path", d="".join(parts), class_=f"box {series}")

    def dots(self, points: Iterable[Point], series: str, *, radius: float = 3.5) -> None:
        """Draw dots."""
        for point in points:
            cx, cy = self.at(*point)
            self._add("circle", cx=cx, cy=cy, r=radius, class_=f"dot {series}")

    def whisker(self, low: float, high: float, *, y: float, series: str) -> None:
        """Draw a horizontal interval with caps."""
        (x0, height), (x1, _) = self.at(low, y), self.at(high, y)
        caps = "".join(f"M{number(x)} {number(height - 5)}v10" for x in (x0, x1))
        self._add("path", d=f"M{number(x0)} {number(height)}H{number(x1)}{caps}", class_=f"line solid {series}")

    def upright(self, low: float, high: float, *, x: float, series: str) -> None:
        """Draw a vertical interval with caps."""
        (left, y0), (_, y1) = self.at(x, low), self.at(x, high)
        caps = "".join(f"M{number(left - 4)} {number(y)}h8" for y in (y0, y1))
        self._add("path", d=f"M{number(left)} {number(y0)}V{number(y1)}{caps}", class_=f"line solid {series}")

    def across(self, y: float, *, kind: str = "rule") -> None:
        """Draw a horizontal line."""
        self._add("path", d=_path([self.at(self.x.low, y), self.at(self.x.high, y)]), class_=kind)

    def down(self, x: float, *, kind: str = "rule") -> None:
        """Draw a vertical line."""
        self._add("path", d=_path([self.at(x, self.y.low), self.at(x, self.y.high)]), class_=kind)

    def words(
        self, x: float, y: float, text: str, *, anchor: str = "start", kind: str = "name", up: float = 0.0
    ) -> None:
        """Write text at a position, or some units above it."""
        left, height = self.at(x, y)
        self._marks.append(element("text", text, x=left, y=height - up, class_=kind, text_anchor=anchor))

    def beside(self, y: float, text: str) -> None:
        """Write the name of a row to the left of the frame."""
        height = self.at(self.x.low, y)[1]
        self._marks.append(
            element("text", text, x=self._left - 8, y=height + 4, class_="note", text_anchor="end"),
        )

    def svg(self, name: str, *, title: str, description: str, kind: str | None = None) -> Markup:
        """Return the drawing; the name makes the ids of its title and description unique in the page."""
        return element(
            "svg",
            element("title", title, id=f"{name}-title"),
            element("desc", description, id=f"{name}-text"),
            element("g", *self._axes(), aria_hidden="true"),
            element("g", *self._marks, aria_hidden="true"),
            viewBox=f"0 0 {number(self.width)} {number(self._height)}",
            role="img",
            class_=kind,
            aria_labelledby=f"{name}-title {name}-text",
        )

    def _axes(self) -> list[Markup]:
        bottom = self._bottom
        parts: list[Markup] = []
        for value in self.y.marks(5):
            height = self.at(self.x.low, value)[1]
            parts.append(
                element("path", d=f"M{number(self._left)} {number(height)}H{number(self._right)}", class_="grid")
            )
            parts.append(
                element("text", self.y.text(value), x=self._left - 6, y=height + 3.5, class_="tick", text_anchor="end")
            )
        for value in self.x.marks():
            left = self.at(value, self.y.low)[0]
            parts.append(element("path", d=f"M{number(left)} {number(bottom)}v4", class_="axis"))
            parts.append(
                element("text", self.x.text(value), x=left, y=bottom + 15, class_="tick", text_anchor="middle")
            )
        parts.append(element("path", d=f"M{number(self._left)} {number(bottom)}H{number(self._right)}", class_="axis"))
        middle = (self._left + self._right) / 2
        parts.append(element("text", self.x.label, x=middle, y=self._height - 6, class_="label", text_anchor="middle"))
        parts.append(element("text", self.y.label, x=2, y=13, class_="label"))
        return parts

    def _add(self, tag: str, **attributes: str | float) -> None:
        self._marks.append(element(tag, **attributes))


def legend(*entries: tuple[str, str]) -> Markup:
    """Return the key of a plot: (class of the stroke, name) pairs."""
    return element(
        "ul",
        *(
            element(
                "li",
                element(
                    "svg",
                    element("path", d="M1 6H25", class_=stroke),
                    viewBox="0 0 26 12",
                    class_="key",
                    aria_hidden="true",
                ),
                name,
            )
            for stroke, name in entries
        ),
        class_="legend",
    )


def figure(drawing: Markup, caption: str, key: Markup | None = None, *, kind: str | None = None) -> Markup:
    """Return a drawing with its caption and its key."""
    return element("figure", element("figcaption", caption), drawing, joined(key), class_=kind)


def broad(draw: Callable[[float], Plot], *, name: str, title: str, description: str) -> Markup:
    """Draw a plot twice, for a narrow page and for one so wide that the plot takes all of it; one of them is shown."""
    return joined(
        draw(WIDTH).svg(name, title=title, description=description, kind="narrow"),
        draw(WIDE).svg(f"{name}-wide", title=title, description=description, kind="wide"),
    )


def _path(points: Iterable[Point]) -> str:
    texts = [f"{number(x)} {number(y)}" for x, y in points]
    return "M" + "L".join(texts)
