"""The result as a drawing of its own: seconds on a logarithmic axis, one panel per number of rows."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.steps.report import chart
from pipelines.steps.report.markup import Markup, element, style

SHOWN = ("bare decode", "Tandem", "Polars", "DuckDB", "pandas + scipy", "NannyML", "Evidently")
_ROW_HEIGHT = 22.0
_FRAME_HEIGHT = 66.0
_LEFT = 104.0
_ROOM = 1.3
"""Decades of the axis that are kept free on its right, for the figures beside the dots."""
_CSS = """
svg{--card:#fff;--ink:#171716;--soft:#55544f;--grid:#e9e8e3;--axis:#8b8a83;--own:#1f66c2;--peer:#6d6c66}
@media(prefers-color-scheme:dark){svg{--card:#1d1d1b;--ink:#f1f0ec;--soft:#b9b8b0;--grid:#2c2c29;--axis:#83827a;
--own:#6aa9f4;--peer:#a3a29a}}
text{fill:var(--soft);font:11px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.back{fill:var(--card)}.name{fill:var(--ink)}.own{font-weight:600}.label{font-weight:600;fill:var(--ink)}
.grid{stroke:var(--grid);fill:none}.axis{stroke:var(--axis);fill:none}
.dot.own{fill:var(--own)}.dot.peer{fill:var(--peer)}
"""


def draw(figures: Sequence[Mapping[str, Any]]) -> str:
    """Return the drawing of the figures that were read from Parquet."""
    stored = [figure for figure in figures if figure["source"] == "parquet" and figure["name"] in SHOWN]
    sizes = sorted({figure["rows"] for figure in stored})
    known = [figure["seconds"] for figure in stored if figure["seconds"]]
    low, high = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    panels, top = [], 0.0
    for rows in sizes:
        here = {figure["name"]: figure for figure in stored if figure["rows"] == rows}
        panel, height = _panel(here, rows, low=low, high=high)
        panels.append(element("g", panel, transform=f"translate(0 {top:.0f})"))
        top += height
    return str(
        element(
            "svg",
            element("title", "Seconds for profile and drift of 30 columns"),
            style(_CSS),
            element("rect", width="100%", height="100%", class_="back"),
            *panels,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {chart.WIDTH:.0f} {top:.0f}",
            role="img",
        )
    )


def _panel(figures: Mapping[str, Mapping[str, Any]], rows: int, *, low: int, high: int) -> tuple[Markup, float]:
    names = [name for name in SHOWN if name in figures]
    height = _FRAME_HEIGHT + _ROW_HEIGHT * len(names)
    seconds = chart.Axis(
        "seconds, logarithmic", low, high + _ROOM, text=lambda value: f"{10**value:g}", ticks=range(low, high + 1)
    )
    lines = chart.Axis(f"{rows:,} rows, reference and current", 0, len(names), ticks=[])
    plot = chart.Plot(seconds, lines, height=height, left=_LEFT)
    for place, name in enumerate(reversed(names)):
        middle, figure = place + 0.5, figures[name]
        series = "own" if name == "Tandem" else "peer"
        plot.words(low, middle - 0.15, f"{name}\u00a0\u00a0", anchor="end", kind=f"name {series}")
        if figure["seconds"] is None:
            plot.words(low, middle - 0.15, f"\u00a0\u00a0{_reason(figure)}", kind="note")
            continue
        moment = math.log10(figure["seconds"])
        plot.dots([(moment, middle)], series)
        plot.words(moment, middle - 0.15, f"\u00a0\u00a0\u00a0{_told(figure)}", kind="note")
    drawing = plot.svg(f"rows-{rows}", title=f"{rows:,} rows", description=_described(figures, names))
    # The drawing is as wide as its frame in a page; inside another drawing it has to say how large it is.
    return Markup(drawing.replace("<svg ", f'<svg width="{chart.WIDTH:.0f}" height="{height:.0f}" ', 1)), height


def _told(figure: Mapping[str, Any]) -> str:
    return f"{figure['seconds']:.3g} s, {figure['peak_megabytes'] / 1000:.2f} GB"


def _reason(figure: Mapping[str, Any]) -> str:
    return "skipped: too slow or too large" if "exceed" in str(figure["skipped"]) else "skipped"


def _described(figures: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> str:
    return "; ".join(
        f"{name}: {_told(figures[name]) if figures[name]['seconds'] is not None else 'skipped'}" for name in names
    )
