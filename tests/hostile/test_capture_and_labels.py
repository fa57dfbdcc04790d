"""Lines of data capture and of ground truth: every one is used or counted, whatever stands in it."""

import json
from typing import Any

import hostile_json
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watched_endpoint import FIELDS, FIRST_DAY, record, rows

from pipelines.steps.monitor import capture, ground_truth
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


def inner(document: Any, draw: Any) -> Any:
    """A record whose request or answer, which is JSON in JSON, is damaged."""
    side = draw(st.sampled_from(["endpointInput", "endpointOutput"]))
    about = document["captureData"][side]
    text = json.dumps(hostile_json.damaged(json.loads(about["data"]), draw, keys=("instances", "predictions")))
    return document | {"captureData": document["captureData"] | {side: about | {"data": text}}}


@settings(max_examples=150)
@given(data=st.data())
def test_a_damaged_record_is_decoded_or_counted_and_never_costs_its_neighbours(data: st.DataObject) -> None:
    make = data.draw(st.sampled_from([inner, lambda one, draw: hostile_json.damaged(one, draw, keys=KEYS)]))
    broken = json.dumps(make(CAPTURED, data.draw))
    good = json.dumps(CAPTURED)
    found = capture.decode(f"{good}\n{broken}\n{good}\n".encode(), SCHEMA, key="k")
    assert found.records + sum(each.count for each in found.problems if each.kind != "fields") == 3
    assert found.records >= 2
    assert len(found.inputs) == len(found.answers) >= 4


@settings(max_examples=80)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_lines_are_counted(content: bytes) -> None:
    found = capture.decode(content, SCHEMA, key="k")
    lines = [line for line in content.split(b"\n") if line.strip()]
    assert found.records + sum(each.count for each in found.problems if each.kind != "fields") == len(lines)


@settings(max_examples=120)
@given(data=st.data())
def test_a_damaged_label_is_read_or_counted_and_never_costs_its_neighbours(data: st.DataObject) -> None:
    damaged = hostile_json.damaged(LABELLED, data.draw, keys=KEYS)
    neighbour = LABELLED | {"eventMetadata": {"eventId": "neighbour"}}
    content = f"{json.dumps(damaged)}\n{json.dumps(neighbour)}\n".encode()
    labels = ground_truth.read([("k", content)])
    assert labels.of["neighbour"] == (1.0, 2.0)
    assert len(labels.of) - 1 + len(labels.problems) <= 1


@pytest.mark.parametrize(
    "text", [hostile_json.DEEP, hostile_json.ENDLESS, hostile_json.HUGE, '"\\ud800"', "[[1]]", "{}"]
)
def test_a_label_that_is_no_number_is_counted(text: str) -> None:
    line = json.dumps({**LABELLED, "groundTruthData": {"data": text, "encoding": "JSON"}}).encode()
    labels = ground_truth.read([("k", line)])
    assert [each.kind for each in labels.problems] in (["shape"], ["truncated"], ["json"])
    assert labels.of == {}
