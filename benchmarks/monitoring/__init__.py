"""Profile and drift of 30 columns, reference and current rows: Tandem, its peers, and the bare reading of the files.

Every contestant runs in a process of its own, with the same files in the page cache and the same number of threads;
peers in virtual environments of their own (:mod:`benchmarks.monitoring.peers`). Seconds are those of the work; imports
are told apart. Whoever is run on Parquet is also run on data capture, up to a million records.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.monitoring import plan
from benchmarks.monitoring.heat import Heat
from benchmarks.monitoring.peers import NotInstalledError, Peer
from benchmarks.monitoring.processes import Bounds
from benchmarks.monitoring.rows import Rows
from benchmarks.monitoring.story import tell

__all__ = ["CACHE", "draw", "run", "tell"]

_REPOSITORY = Path(__file__).parents[2]
CACHE = _REPOSITORY / ".cache" / "benchmarks"
SIZES = (100_000, 1_000_000, 10_000_000)
MOST_CAPTURED = 1_000_000
"""Records beyond this would take gigabytes of disk and say nothing new."""


def run(
    *,
    sizes: Sequence[int] = SIZES,
    peers: Sequence[str] | None = None,
    bounds: Bounds | None = None,
    turns: int = 3,
    say: Callable[[str], None] = print,
    cache: Path = CACHE,
) -> list[dict[str, Any]]:
    """Measure all sizes, smallest first.

    Args:
        sizes: rows of each side.
        peers: those that take part; all by default.
        bounds: what one run may take.
        turns: how often everybody runs who is quick.
        say: is told about the progress.
        cache: folder for rows and environments.
    """
    wanted = plan.all_peers() if peers is None else peers
    limits = bounds or Bounds()
    environments = {name: _installed(Peer(name, cache / "peers" / name), say) for name in wanted}
    figures: list[dict[str, Any]] = []
    for rows in sorted(sizes):
        place = Rows.of(cache, rows)
        say(f"{rows:,} rows: making what is missing in {place.folder}")
        captured = rows <= MOST_CAPTURED
        _make(cache, rows, capture=captured)
        for source in (*("parquet",), *(("capture",) if captured else ())):
            contestants = list(plan.chosen(source, wanted))
            heat = Heat(source, rows, place, environments, limits, turns)
            figures += heat.measure(contestants, _hopeless(figures, source, rows, limits), say)
    return figures


def _installed(peer: Peer, say: Callable[[str], None]) -> Peer | str:
    say(f"{peer.name}: environment in {peer.folder}")
    try:
        peer.install()
    except NotInstalledError as error:
        return f"cannot be installed: {error}"
    return peer


def _make(cache: Path, rows: int, *, capture: bool) -> None:
    """Make the rows in another process: the memory of this one would count as that of its children."""
    options = ["--rows", str(rows), "--to", str(cache), *(["--capture"] if capture else [])]
    subprocess.run([sys.executable, "-m", "benchmarks.monitoring.data", *options], check=True, cwd=_REPOSITORY)


def _hopeless(figures: Sequence[dict[str, Any]], source: str, rows: int, bounds: Bounds) -> dict[str, str]:
    """Return who would exceed the bounds by what a smaller size took; work grows at least with the rows."""
    reasons: dict[str, str] = {}
    for figure in figures:
        if figure["source"] != source:
            continue
        times = rows / figure["rows"]
        name, before = figure["name"], f"{figure['rows']:,} rows"
        if figure["skipped"]:
            reasons[name] = figure["skipped"]
        elif figure["seconds"] * times > bounds.seconds:
            reasons[name] = f"{before} took {figure['seconds']:.0f} s, so {rows:,} would exceed {bounds.seconds:.0f} s"
        else:
            reasons.pop(name, None)
    return reasons


def draw(figures: Sequence[dict[str, Any]]) -> str:
    """Return the result as a drawing."""
    from benchmarks.monitoring import chart  # noqa: PLC0415  # it loads numpy, which would weigh on every contestant

    return chart.draw(figures)
