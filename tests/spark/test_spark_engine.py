"""The engine that scales out counts what the embedded engine counts: equal profiles, windows and judgements."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_over_http import serving
from watched_endpoint import FIELDS, World, keys, rows

from pipelines.steps.contract import Field
from pipelines.steps.monitor import spark as spark_collector
from pipelines.steps.profiling import arrow_engine, layout, spark_engine

pytestmark = [
    # PySpark 3.5 compares versions with what is left of distutils, and leaves closing its sockets to the collector.
    pytest.mark.filterwarnings("ignore:distutils Version classes:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]

COLUMNS = (
    Field("number", "number", nullable=True),
    Field("whole", "integer", nullable=True),
    Field("text", "string", nullable=True),
    Field("truth", "boolean", nullable=True),
    Field("at", "timestamp"),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("parquet")
    random = np.random.default_rng(8)
    paths = []
    for number in range(4):
        missing = random.random((4, 2500)) < 0.05
        table = pa.table(
            {
                "number": pa.array(random.normal(number, 2, 2500), mask=missing[0]),
                "whole": pa.array(random.integers(-50, 5000, 2500), mask=missing[1]),
                "text": pa.array(random.choice(["JFK", "LGA", "EWR", "Zürich"], 2500), mask=missing[2]),
                "truth": pa.array(random.random(2500) < 0.4, mask=missing[3]),
                "at": pa.array(random.integers(0, 10**15, 2500)).cast(pa.timestamp("us", tz="UTC")),
            }
        )
        paths.append(folder / f"{number}.parquet")
        pq.write_table(table, paths[-1])
    return paths


def test_a_frame_is_counted_as_the_files_it_was_read_from(spark: Any, files: list[Path]) -> None:
    bins = layout.of_rows(pq.read_table(files[0]), COLUMNS)
    counted = spark_engine.profile_frame(spark.read.parquet(*map(str, files)), bins)
    assert counted == arrow_engine.profile_parquet(files, bins)
    assert counted.rows == 10_000


@pytest.mark.parametrize("partitions", [1, 7])
def test_how_the_rows_are_divided_changes_nothing(spark: Any, files: list[Path], partitions: int) -> None:
    bins = layout.of_rows(pq.read_table(files[0]), COLUMNS)
    frame = spark.read.parquet(*map(str, files)).repartition(partitions)
    assert spark_engine.profile_frame(frame, bins) == arrow_engine.profile_parquet(files, bins)


def test_a_column_that_the_frame_lacks_is_named(spark: Any, files: list[Path]) -> None:
    bins = layout.of_rows(pq.read_table(files[0]), COLUMNS)
    with pytest.raises(KeyError, match="no column 'truth'"):
        spark_engine.profile_frame(spark.read.parquet(str(files[0])).drop("truth"), bins)


@pytest.fixture
def world() -> World:
    found = World()
    for day in range(6):
        found.ask(day, shift=0.0 if day < 3 else 1.5)
    cut = json.dumps({"captureData": {}}).encode()[:-3]
    found.put_capture(found.counting(1).arguments.until, "broken.jsonl", b"{ no json\n" + cut)
    return found


@pytest.fixture
def variables(world: World) -> Iterator[dict[str, str]]:
    with serving(world.s3) as url:
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def test_both_engines_come_to_identical_judgements(spark: Any, world: World, variables: dict[str, str]) -> None:
    collector = spark_collector.collector(spark, {**os.environ, **variables}, wheels="/nowhere")
    counted = world.counting(6, collector=collector)
    assert counted.count_ahead() == 7
    by_cluster = {key: world.s3.objects["artifacts", key] for key in keys(world, "windows/")}

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("the cluster has counted every window already")

    judged = world.run(6, collector=refuse)
    alone = World(
        s3=type(world.s3)({where: what for where, what in world.s3.objects.items() if "monitoring/" not in where[1]})
    )
    assert alone.run(6) == judged
    assert {key: alone.s3.objects["artifacts", key] for key in keys(alone, "windows/")} == by_cluster
    assert any(judgement["breaches"]["drift"] for judgement in judged)
    assert any(judgement["capture"]["problems"] for judgement in judged)


def test_a_window_without_files_needs_no_cluster(spark: Any) -> None:
    world = World()
    collector = spark_collector.collector(spark, {}, wheels="/nowhere")
    assert world.counting(1, collector=collector).count_ahead() == 2
    assert FIELDS[0].name in rows(1, seed=0).column_names
