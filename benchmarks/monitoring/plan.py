"""Who takes part, with what, and what that is in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.monitoring.peers import Peer

Task = Literal["drift", "current", "read"]
Source = Literal["parquet", "capture"]

SAME = "same statistic in the same bins as Tandem"


@dataclass(frozen=True)
class Contestant:
    """One line of the result.

    Attributes:
        name: of the line; unique within a source.
        module: what is run, in ``benchmarks/monitoring/contestants``.
        task: ``drift`` of reference and current rows, of the ``current`` ones alone, or to ``read`` them.
        how: what it does, in words.
        peer: the requirement file of its environment, ``None`` for Tandem's own.
        package: whose version is told.
        variant: another way of the same module.
    """

    name: str
    module: str
    task: Task
    how: str
    peer: str | None = None
    package: str | None = None
    variant: str = ""

    def described(self, peer: Peer | None) -> str:
        """Return what it does, with the version that does it."""
        return f"{self.package} {peer.version(self.package)}; {self.how}" if peer and self.package else self.how


PARQUET: tuple[Contestant, ...] = (
    Contestant("bare decode", "with_pyarrow", "drift", "pyarrow, both sides by row group, nothing kept"),
    Contestant(
        "bare decode, texts left encoded",
        "with_pyarrow",
        "drift",
        "the same, texts left as the dictionaries they are stored as",
        variant="dictionaries",
    ),
    Contestant("bare decode, current side", "with_pyarrow", "current", "pyarrow, the current rows only"),
    Contestant(
        "bare decode, current side, texts left encoded",
        "with_pyarrow",
        "current",
        "the same, texts left as dictionaries",
        variant="dictionaries",
    ),
    Contestant("Tandem", "with_tandem", "drift", "engine arrow: bins, both sides, all distances"),
    Contestant(
        "Tandem, current side", "with_tandem", "current", "as the monitoring job: the reference is a baseline.json"
    ),
    Contestant("Polars", "with_polars", "drift", f"streaming engine, hand-written; {SAME}", "polars", "polars"),
    Contestant("DuckDB", "with_duckdb", "drift", f"histogram aggregates, hand-written; {SAME}", "duckdb", "duckdb"),
    Contestant("pandas + scipy", "with_pandas", "drift", f"in memory, hand-written; {SAME}", "pandas", "pandas"),
    Contestant(
        "NannyML",
        "with_nannyml",
        "drift",
        "UnivariateDriftCalculator, Jensen-Shannon distance, its own bins, one chunk",
        "nannyml",
        "nannyml",
    ),
    Contestant(
        "Evidently",
        "with_evidently",
        "drift",
        "DataDriftPreset, Jensen-Shannon distance, its own bins",
        "evidently",
        "evidently",
    ),
    Contestant(
        "Evidently, its default",
        "with_evidently",
        "drift",
        "DataDriftPreset as it comes: Wasserstein distance of numbers, Jensen-Shannon distance of texts",
        "evidently",
        "evidently",
        variant="default",
    ),
)

_FROM_FRAMES = "records by the standard library into pandas, then as from Parquet"

CAPTURE: tuple[Contestant, ...] = (
    Contestant("read by json", "with_json", "read", "standard library, record by record, nothing kept"),
    Contestant("read by DuckDB", "with_duckdb", "read", "read_json and from_json, values counted", "duckdb", "duckdb"),
    Contestant(
        "read by Polars", "with_polars", "read", "scan_ndjson and json_decode, nothing kept", "polars", "polars"
    ),
    Contestant(
        "Tandem", "with_tandem", "drift", "reference from Parquet, current rows from capture; answers kept for labels"
    ),
    Contestant(
        "Tandem, current side", "with_tandem", "current", "as the monitoring job: the reference is a baseline.json"
    ),
    Contestant("Polars", "with_polars", "drift", f"streaming engine, hand-written; {SAME}", "polars", "polars"),
    Contestant("DuckDB", "with_duckdb", "drift", f"histogram aggregates, hand-written; {SAME}", "duckdb", "duckdb"),
    Contestant("pandas + scipy", "with_pandas", "drift", _FROM_FRAMES, "pandas", "pandas"),
    Contestant("NannyML", "with_nannyml", "drift", _FROM_FRAMES, "nannyml", "nannyml"),
    Contestant("Evidently", "with_evidently", "drift", _FROM_FRAMES, "evidently", "evidently"),
)

OF_SOURCE: dict[Source, tuple[Contestant, ...]] = {"parquet": PARQUET, "capture": CAPTURE}
FLOOR: dict[Source, dict[Task, str]] = {
    "parquet": {"drift": "bare decode", "current": "bare decode, current side"},
    "capture": {"drift": "read by json", "current": "read by json", "read": "read by json"},
}
"""What a contestant's seconds are divided by."""


def chosen(source: Source, peers: Sequence[str]) -> Iterator[Contestant]:
    """Yield those of a source that take part when only some peers do."""
    yield from (each for each in OF_SOURCE[source] if each.peer is None or each.peer in peers)


def all_peers() -> list[str]:
    """Return the requirement files of all peers."""
    return sorted({each.peer for source in OF_SOURCE.values() for each in source if each.peer})
