"""The result in words and tables, for docs/benchmarks.md."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_SOURCES = {"parquet": "Parquet", "capture": "data capture"}
Figures = Sequence[Mapping[str, Any]]


def tell(figures: Figures) -> str:
    """Return one table per source and size, and who did what."""
    parts = []
    for source, called in _SOURCES.items():
        here = [figure for figure in figures if figure["source"] == source]
        for rows in sorted({figure["rows"] for figure in here}):
            parts.append(f"**{rows:,} rows, current side from {called}**\n")
            parts.append(_table([figure for figure in here if figure["rows"] == rows]))
        parts.append(f"What each of them does, from {called}:\n")
        parts.append("\n".join(_how(here)) + "\n")
    return "\n".join(parts).strip()


def _table(figures: Figures) -> str:
    header = "| who | seconds | CPU seconds | import | peak MB | over bare reading | over Tandem | shifts found |"
    lines = [header, "|---|---|---|---|---|---|---|---|"]
    for figure in figures:
        name = f"**{figure['name']}**" if figure["name"].startswith("Tandem") else figure["name"]
        if figure["seconds"] is None:
            lines.append(f"| {name} | skipped: {figure['skipped']} | | | | | | |")
            continue
        cells = (
            f"{figure['seconds']:.2f}",
            f"{figure['cpu_seconds']:.2f}",
            f"{figure['import_seconds']:.1f}",
            f"{figure['peak_megabytes']:,}",
            _times(figure["over_floor"]),
            _times(figure["over_tandem"]),
            figure["found"] or "",
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _times(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f} x" if ratio < 10 else f"{ratio:.0f} x"  # noqa: PLR2004  # one digit before the point


def _how(figures: Figures) -> Iterator[str]:
    told = {figure["name"]: figure["how"] for figure in figures}
    yield from (f"- {name}: {how}." for name, how in told.items())
