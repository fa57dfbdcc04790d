"""The profile of training rows, and how a later run finds the champion's."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from pipelines.steps import columns, profile
from pipelines.steps.contract import Field
from pipelines.steps.failure import StepError
from pipelines.steps.quality import baseline

FIELDS = (
    Field("kind", "string", nullable=True),
    Field("weight", "number", nullable=True),
    Field("at", "timestamp"),
    Field("label", "boolean", nullable=True),
)
CHAMPION = "arn:aws:sagemaker:us-east-1:000000000000:model-package/toy/3"


def rows(**change: Any) -> pa.Table:
    values = {
        "kind": ["b", "a", "b", None],
        "weight": [1.0, None, 4.0, -1.0],
        "at": [datetime(2020, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)],
        "label": [True, False, True, None],
    }
    return pa.table({**values, **change}, schema=columns.schema(FIELDS))


def profiled(*tables: pa.Table) -> profile.Profile:
    profiler = profile.Profiler(FIELDS, label="label")
    for table in tables:
        for batch in table.to_batches():
            profiler.add(batch)
    return profiler.profile()


def test_a_profile_counts_nulls_ranges_categories_and_labels() -> None:
    found = profiled(rows())
    assert found.rows == 4
    assert found.columns["kind"] == profile.ColumnProfile("string", 1, distinct=2, categories={"b": 2, "a": 1})
    assert found.columns["weight"] == profile.ColumnProfile(
        "number", 1, minimum=-1.0, maximum=4.0, sum=4.0, squares=18.0
    )
    assert found.columns["at"].maximum == "2020-01-04T00:00:00Z"
    assert found.columns["label"].mean(found.rows) == pytest.approx(2 / 3)
    assert found.columns["label"].deviation(found.rows) == pytest.approx(np.std([1, 0, 1]))


def test_parts_count_like_the_whole() -> None:
    table = rows()
    assert profiled(table.slice(0, 1), table.slice(1)) == profiled(table)


def test_a_column_without_any_value_has_no_range() -> None:
    found = profiled(rows(weight=[None] * 4))
    assert (found.columns["weight"].minimum, found.columns["weight"].nulls) == (None, 4)


def test_many_categories_are_cut_to_the_most_frequent_and_say_so() -> None:
    texts = [f"c{number:05d}" for number in range(12_000)]
    table = pa.table(
        {
            "kind": texts,
            "weight": [1.0] * 12_000,
            "at": [datetime(2020, 1, 1, tzinfo=UTC)] * 12_000,
            "label": [True] * 12_000,
        },
        schema=columns.schema(FIELDS),
    )
    some, all_of_them = profiled(table.slice(0, 300)).columns["kind"], profiled(table).columns["kind"]
    assert (len(some.categories), some.distinct, some.is_complete) == (200, 300, False)
    assert (all_of_them.distinct, all_of_them.is_complete) == (None, False)


def test_a_profile_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    found = profiled(rows())
    found.write(tmp_path)
    assert profile.parse((tmp_path / "profile.json").read_bytes()) == found


@pytest.mark.parametrize("text", ["", "{}", '{"columns": {}, "rows": 1, "label": "x", "format": 9}', '{"columns": 1}'])
def test_what_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(StepError, match=r"profile\.json"):
        profile.parse(text)


class Registry:
    """Answers DescribeModelPackage and GetObject of one champion."""

    def __init__(self, metadata: dict[str, str], objects: dict[str, bytes]) -> None:
        self._metadata = metadata
        self._objects = objects

    def describe_model_package(self, **request: str) -> Any:
        if request != {"ModelPackageName": CHAMPION}:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "DescribeModelPackage")
        return {"CustomerMetadataProperties": self._metadata}

    def get_object(self, **request: str) -> Any:
        if request["Bucket"] != "artifacts" or request["Key"] not in self._objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self._objects[request["Key"]])}


def found(champion: str, registry: Registry) -> baseline.Baseline:
    client: Any = registry
    return baseline.find(champion, runs_uri="s3://artifacts/runs", sagemaker=lambda: client, s3=lambda: client)


def test_the_profile_of_the_champion_comes_from_the_run_that_trained_it(tmp_path: Path) -> None:
    expected = profiled(rows())
    expected.write(tmp_path)
    body = (tmp_path / "profile.json").read_bytes()
    registry = Registry({"run_id": "run-7"}, {"runs/run-7/prepare/report/profile.json": body})
    assert found(CHAMPION, registry) == baseline.Baseline(profile=expected, run_id="run-7")


@pytest.mark.parametrize(
    ("champion", "registry", "words"),
    [
        ("none", Registry({}, {}), "there is no champion yet"),
        (CHAMPION, Registry({}, {}), "does not tell which run"),
        (CHAMPION, Registry({"run_id": "run-7"}, {}), "NoSuchKey"),
        ("arn:gone", Registry({}, {}), "ValidationException"),
    ],
    ids=["none", "no-run", "no-profile", "gone"],
)
def test_without_a_profile_the_contract_alone_judges_and_the_report_says_why(
    champion: str, registry: Registry, words: str
) -> None:
    result = found(champion, registry)
    assert result.profile is None
    assert words in (result.reason or "")


def test_a_profile_that_cannot_be_understood_stops_the_step() -> None:
    key = "runs/run-7/prepare/report/profile.json"
    with pytest.raises(StepError, match="is no profile"):
        found(CHAMPION, Registry({"run_id": "run-7"}, {key: json.dumps([1]).encode()}))
