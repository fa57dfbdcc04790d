"""Live traffic: rows of a feed become requests, day by day, and their labels become ground truth days later."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sandbox.demo.cloud import Cloud

_ROWS_PER_REQUEST = 500
_CALLERS = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Day:
    """Rows that are asked about on one day (UTC), in the order of their time."""

    day: date
    rows: pa.Table

    def at(self, *, hour: int) -> datetime:
        """A moment of the day."""
        return datetime(self.day.year, self.day.month, self.day.day, hour, tzinfo=UTC)


@dataclass(frozen=True)
class Answers:
    """What the endpoint answered on one day.

    Attributes:
        day: which.
        requests: inference id and rows of each request, in the order of the rows.
        predictions: one a row.
        versions: which model version answered each row.
        labels: of the rows; not-a-number where there is none.
    """

    day: date
    requests: Sequence[tuple[str, int]]
    predictions: npt.NDArray[np.float64]
    versions: Sequence[str]
    labels: npt.NDArray[np.float64]


def days(files: Sequence[Path], *, time_column: str, every: int) -> Iterator[Day]:
    """Yield the days of some drops; ``every`` takes every n-th row of them."""
    rows = pa.concat_tables([pq.read_table(path) for path in files]).sort_by(time_column)
    rows = rows.take(np.arange(0, len(rows), every)) if every > 1 else rows
    numbers = rows.column(time_column).cast(pa.int64()).to_numpy() // (24 * 3_600_000_000)
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        yield Day(date(1970, 1, 1) + int(numbers[start]) * _DAY, rows.slice(start, end - start))


class Traffic:
    """Asks the endpoint as an application would, several requests at a time."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._inputs = [field["name"] for field in cloud.contract["inputs"]]
        self._target = cloud.contract["output"]["name"]
        self._pool = ThreadPoolExecutor(_CALLERS)

    def ask(self, day: Day) -> Answers:
        """Ask about the rows of one day."""
        cuts = range(0, len(day.rows), _ROWS_PER_REQUEST)
        parts = [day.rows.slice(start, _ROWS_PER_REQUEST) for start in cuts]
        ids = [f"{day.day:%Y%m%d}-{number:04d}" for number in range(len(parts))]
        answers = list(self._pool.map(self._invoke, ids, parts))
        labels = pc.fill_null(day.rows.column(self._target).cast(pa.float64()), float("nan")).to_numpy()
        return Answers(
            day=day.day,
            requests=[(one, len(part)) for one, part in zip(ids, parts, strict=True)],
            predictions=np.array([each for answer in answers for each in answer["predictions"]]),
            versions=[
                answer["model_version"] for answer, part in zip(answers, parts, strict=True) for _ in range(len(part))
            ],
            labels=labels,
        )

    def tell(self, answered: Sequence[Answers], *, on: date) -> None:
        """Deliver the labels of some days; a row without one is never told."""
        lines = [json.dumps(record) for day in answered for record in _truths(day)]
        if lines:
            self._cloud.client("s3").put_object(
                Bucket=self._cloud.data_bucket,
                Key=f"ground-truth/{on:%Y/%m/%d}/12/labels.jsonl",
                Body=("\n".join(lines) + "\n").encode(),
            )

    def _invoke(self, inference_id: str, rows: pa.Table) -> dict[str, Any]:
        response = self._cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self._cloud.endpoint,
            ContentType="application/json",
            Accept="application/json",
            InferenceId=inference_id,
            Body=json.dumps({"instances": rows.select(self._inputs).to_pylist()}, default=str),
        )
        answer: dict[str, Any] = json.loads(response["Body"].read())
        return answer


def _truths(day: Answers) -> Iterator[dict[str, Any]]:
    start = 0
    for inference_id, rows in day.requests:
        labels = day.labels[start : start + rows]
        start += rows
        if np.isfinite(labels).any():
            data = ",".join("" if np.isnan(label) else repr(float(label)) for label in labels)
            yield {
                "groundTruthData": {"data": data, "encoding": "CSV"},
                "eventMetadata": {"eventId": inference_id},
                "eventVersion": "0",
            }
