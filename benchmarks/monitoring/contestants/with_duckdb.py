"""DuckDB: one query over each side, with its own histogram aggregate."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
from contest import BINS, SAMPLED_ROWS, Answer, Bins, Counts, Job, by_category, distances, most_frequent, ranks

_TYPES = {"number": "DOUBLE", "integer": "BIGINT"}
_RECORD = "{captureData: 'STRUCT(endpointInput STRUCT(data VARCHAR))'}"


def solve(job: Job) -> Answer:
    """Count both sides in the common bins, or only read the current one."""
    database = duckdb.connect(config={"threads": job.threads})
    current = _parquet(job.current_files()) if job.source == "parquet" else _requests(job)
    if job.task == "read":
        return Answer(rows=_read(database, current, job))
    reference = _parquet(job.reference_files())
    bins = _bins(database, reference, job)
    before = _count(database, reference, bins)
    now = _count(database, current, bins)
    return Answer(rows=sum(now[job.texts[0]]), distances=distances(before, now), exact=True)


def _parquet(files: Sequence[Path]) -> str:
    return f"read_parquet({[str(file) for file in files]})"


def _requests(job: Job) -> str:
    types = {name: _TYPES[kind] for name, kind in job.numbers.items()} | dict.fromkeys(job.texts, "VARCHAR")
    shape = ",".join(f'"{name}":"{kind}"' for name, kind in types.items())
    files = [str(file) for file in job.current_files()]
    records = f"read_json({files}, format='newline_delimited', columns={_RECORD})"
    instances = f"from_json(captureData.endpointInput.data, '{{\"instances\":[{{{shape}}}]}}').instances"
    each = f"SELECT unnest({instances}) AS instance FROM {records}"  # noqa: S608  # our own names
    return f"(SELECT unnest(instance) FROM ({each}))"  # noqa: S608  # our own names


def _read(database: duckdb.DuckDBPyConnection, rows: str, job: Job) -> int:
    """Look at every value: a count alone would read nothing."""
    values = ", ".join(f"count({name})" for name in (*job.numbers, *job.texts))
    found = database.execute(f"SELECT count(*), {values} FROM {rows}").fetchone()  # noqa: S608  # our own names
    return int(found[0]) if found else 0


def _bins(database: duckdb.DuckDBPyConnection, reference: str, job: Job) -> Bins:
    sample = f"(SELECT * FROM {reference} LIMIT {SAMPLED_ROWS})"  # noqa: S608  # our own names
    count = len(job.numbers)
    sought = [f"count({name})" for name in job.numbers]
    sought += [f"count(DISTINCT {name})" for name in job.numbers]
    sought += [f"histogram({name})" for name in job.texts]
    found = database.execute(f"SELECT {', '.join(sought)} FROM {sample}").fetchone() or ()  # noqa: S608  # our own names
    categories = {name: most_frequent(rows) for name, rows in zip(job.texts, found[2 * count :], strict=True)}
    sought = [
        f"list_sort(list(DISTINCT {name}) FILTER ({name} IS NOT NULL))" if distinct <= BINS else _at_ranks(name, known)
        for name, known, distinct in zip(job.numbers, found, found[count : 2 * count], strict=False)
    ]
    edges = database.execute(f"SELECT {', '.join(sought)} FROM {sample}").fetchone() or ()  # noqa: S608  # our own names
    return Bins(
        {
            name: values[:-1] if distinct <= BINS else sorted(set(values))
            for name, values, distinct in zip(job.numbers, edges, found[count : 2 * count], strict=True)
        },
        categories,
    )


def _at_ranks(name: str, known: int) -> str:
    """Ask for the values at ranks: half a place further, so that rounding cannot reach the next one."""
    return f"quantile_disc({name}, {[(rank + 0.5) / known for rank in ranks(known)]})"


def _count(database: duckdb.DuckDBPyConnection, rows: str, bins: Bins) -> Counts:
    sought = [f"histogram({name}, {[float(edge) for edge in edges]}::DOUBLE[])" for name, edges in bins.edges.items()]
    sought += [f"histogram({name})" for name in bins.categories]
    found = database.execute(f"SELECT count(*), {', '.join(sought)} FROM {rows}").fetchone() or ()  # noqa: S608  # our own names
    total, *histograms = found
    counted: dict[str, list[int]] = {}
    for (name, edges), histogram in zip(bins.edges.items(), histograms, strict=False):
        rows_up_to = [histogram.get(float(edge), 0) for edge in edges]
        counted[name] = [*rows_up_to, sum(histogram.values()) - sum(rows_up_to), total - sum(histogram.values())]
    for (name, categories), histogram in zip(bins.categories.items(), histograms[len(bins.edges) :], strict=True):
        counted[name] = by_category(histogram | {None: total - sum(histogram.values())}, categories)
    return counted
