"""The engine that scales out counts what the embedded engine counts: equal windows and judgements."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from s3_over_http import serving
from watched_endpoint import FIELDS, World, keys, rows

from pipelines.steps.monitor import spark as spark_collector

pytestmark = [
    # PySpark 3.5 compares versions with what is left of distutils, and leaves closing its sockets to the collector.
    pytest.mark.filterwarnings("ignore:distutils Version classes:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]


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
