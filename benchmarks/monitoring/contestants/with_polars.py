"""Polars, streaming: one pass over each side, numbers compared with every edge, texts grouped."""

import os

import polars as pl
from contest import SAMPLED_ROWS, Answer, Bins, Counts, Job, by_category, by_edge, distances, most_frequent, ranks

_RECORD = {
    "captureData": pl.Struct({"endpointInput": pl.Struct({"data": pl.String, "encoding": pl.String})}),
}
_TYPES = {"number": pl.Float64, "integer": pl.Int64}


def solve(job: Job) -> Answer:
    """Count both sides in the common bins, or only read the current one."""
    if os.environ.get("POLARS_MAX_THREADS") != str(job.threads) or pl.thread_pool_size() != job.threads:
        raise SystemExit("POLARS_MAX_THREADS has to be set before the import")
    current = pl.scan_parquet(job.current_files()) if job.source == "parquet" else _requests(job)
    if job.task == "read":
        return Answer(rows=_read(current))
    reference = pl.scan_parquet(job.reference_files())
    bins = _bins(reference, job)
    before = _count(reference, bins)
    now = _count(current, bins)
    return Answer(rows=sum(now[job.texts[0]]), distances=distances(before, now), exact=True)


def _requests(job: Job) -> pl.LazyFrame:
    fields = {name: _TYPES[kind] for name, kind in job.numbers.items()} | dict.fromkeys(job.texts, pl.String)
    request = pl.Struct({"instances": pl.List(pl.Struct(fields))})
    records = pl.scan_ndjson(job.current_files(), schema=_RECORD)
    data = pl.col("captureData").struct.field("endpointInput").struct.field("data")
    instances = data.str.json_decode(request).struct.field("instances").alias("instance")
    return records.select(instances).explode("instance").unnest("instance")


def _read(rows: pl.LazyFrame) -> int:
    return sum(len(batch) for batch in rows.collect_batches(maintain_order=False, engine="streaming"))


def _bins(reference: pl.LazyFrame, job: Job) -> Bins:
    sample = reference.head(SAMPLED_ROWS).collect()
    edges: dict[str, list[float]] = {}
    for name in job.numbers:
        values = sample[name].drop_nulls().sort()
        distinct = values.unique(maintain_order=True)
        few = len(distinct) <= len(ranks(1)) + 1
        edges[name] = distinct[:-1].to_list() if few else values.gather(ranks(len(values))).unique().sort().to_list()
    categories = {name: most_frequent(dict(sample[name].drop_nulls().value_counts().iter_rows())) for name in job.texts}
    return Bins(edges, categories)


def _count(rows: pl.LazyFrame, bins: Bins) -> Counts:
    known = [pl.col(name).count().alias(f"{name} known") for name in bins.edges]
    up_to = [
        (pl.col(name) <= edge).sum().alias(f"{name} {place}")
        for name, edges in bins.edges.items()
        for place, edge in enumerate(edges)
    ]
    numbers = rows.select(pl.len().alias("rows"), *known, *up_to)
    texts = [rows.group_by(name).len() for name in bins.categories]
    found, *groups = pl.collect_all([numbers, *texts], engine="streaming")
    row = found.row(0, named=True)
    counted: dict[str, list[int]] = {}
    for name, edges in bins.edges.items():
        reached = [row[f"{name} {place}"] for place in range(len(edges))]
        counted[name] = by_edge(reached, known=row[f"{name} known"], rows=row["rows"])
    for (name, categories), group in zip(bins.categories.items(), groups, strict=True):
        counted[name] = by_category(dict(group.iter_rows()), categories)
    return counted
