"""Lines of data capture and of ground truth: every one is used or counted, whatever stands in it."""

import json

import hostile_json
import pytest
from watched_endpoint import FIELDS, FIRST_DAY, record, rows

from pipelines.steps.monitor import ground_truth
from pipelines.steps.monitor.answers import input_schema
from pipelines.steps.profiling import layout

SCHEMA = input_schema(layout.of_rows(rows(1000, seed=1), FIELDS), target="label")
CAPTURED = record(rows(2, seed=1), inference_id="id", moment=FIRST_DAY, version=1)
LABELLED = {"groundTruthData": {"data": "[1, 2]", "encoding": "JSON"}, "eventMetadata": {"eventId": "id"}}
KEYS = (
    "captureData",
    "endpointInput",
    "endpointOutput",
    "data",
    "encoding",
    "eventMetadata",
    "eventId",
    "inferenceTime",
)


@pytest.mark.parametrize(
    "text", [hostile_json.DEEP, hostile_json.ENDLESS, hostile_json.HUGE, '"\\ud800"', "[[1]]", "{}"]
)
def test_a_label_that_is_no_number_is_counted(text: str) -> None:
    line = json.dumps({**LABELLED, "groundTruthData": {"data": text, "encoding": "JSON"}}).encode()
    labels = ground_truth.read([("k", line)])
    assert [each.kind for each in labels.problems] in (["shape"], ["truncated"], ["json"])
    assert labels.of == {}
