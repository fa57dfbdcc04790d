"""Data capture as it comes: whole files by Arrow, unusual ones line by line, and nothing lost that can be used."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watched_endpoint import FIELDS, FIRST_DAY, lines, record, rows

from pipelines.steps.monitor import capture
from pipelines.steps.monitor import lines as slow
from pipelines.steps.monitor.answers import Captured, input_schema
from pipelines.steps.profiling import layout

LAYOUT = layout.of_rows(rows(1000, seed=1), FIELDS)
SCHEMA = input_schema(LAYOUT, target="label")
MOMENT = FIRST_DAY + timedelta(hours=3)


def records(*sizes: int, version: int | None = 1) -> list[dict[str, Any]]:
    return [
        record(rows(size, seed=number), inference_id=f"id-{number}", moment=MOMENT, version=version)
        for number, size in enumerate(sizes)
    ]


def decoded(content: bytes) -> Captured:
    return capture.decode(content, SCHEMA, key="file.jsonl")


def kinds(found: Captured) -> dict[str, int]:
    return {each.kind: each.count for each in found.problems}


def test_every_instance_is_a_row_with_its_answer() -> None:
    found = decoded(lines(records(3, 1)))
    assert (found.records, len(found.inputs)) == (2, 4)
    assert found.answers.column("inference_id").to_pylist() == ["id-0"] * 3 + ["id-1"]
    assert found.answers.column("index").to_pylist() == [0, 1, 2, 0]
    assert set(found.answers.column("version").to_pylist()) == {"1"}
    assert found.answers.column("prediction").to_pylist() == found.inputs.column("size").to_pylist()
    assert found.answers.column("moment")[0].as_py() == MOMENT
    assert not found.problems


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=6), told=st.booleans(), stranger=st.booleans())
@settings(max_examples=30, deadline=None)
def test_both_ways_to_read_a_file_in_order_give_the_same(sizes: list[int], told: bool, stranger: bool) -> None:  # noqa: FBT001
    captured = records(*sizes, version=4 if told else None)
    if stranger:
        captured[0]["captureData"]["somethingNew"] = {"a": 1}
        captured[-1]["tenant"] = "x"
    content = lines(captured)
    fast, careful = capture._decode(content, SCHEMA, key="k"), slow.decode(content, SCHEMA, key="k")
    assert fast.inputs.equals(careful.inputs)
    assert fast.answers.equals(careful.answers)
    assert fast.records == careful.records
    assert kinds(fast) == kinds(careful) == ({"fields": 1 if len(sizes) == 1 else 2} if stranger else {})


def test_the_event_id_stands_in_for_an_inference_id_that_nobody_gave() -> None:
    (captured,) = records(1)
    del captured["eventMetadata"]["inferenceId"]
    assert decoded(lines([captured])).answers.column("inference_id").to_pylist() == ["event-id-0"]


def test_moments_in_any_form_of_iso_8601_are_the_same_moment() -> None:
    captured = records(1, 1, 1)
    for each, written in zip(
        captured, ("2020-03-02T00:00:00Z", "2020-03-01 19:00:00-05:00", "2020-03-02T00:00:00.000+00:00"), strict=True
    ):
        each["captureData"]["endpointInput"]["data"] = json.dumps(
            {"instances": [{"at": written, "size": 1.0, "kind": "a", "wet": True}]}
        )
    assert decoded(lines(captured)).inputs.column("at").to_pylist() == [FIRST_DAY] * 3


def truncated(content: bytes) -> bytes:
    return content[:-40]


def with_garbage(content: bytes) -> bytes:
    return b"{ not json }\n" + content


def base64_encoded(content: bytes) -> bytes:
    return changed(
        content, lambda side: side | {"encoding": "BASE64", "data": base64.b64encode(side["data"].encode()).decode()}
    )


def base64_of_no_ascii(content: bytes) -> bytes:
    return changed(content, lambda side: side | {"encoding": "BASE64", "data": "größe"})


def as_csv(content: bytes) -> bytes:
    return changed(content, lambda side: side | {"encoding": "CSV", "data": "1,2,3"})


def says_json_and_is_none(content: bytes) -> bytes:
    return changed(content, lambda side: side | {"data": "size=1"})


def without_instances(content: bytes) -> bytes:
    return changed(content, lambda side: side | {"data": '{"rows": []}'})


def changed(content: bytes, change: Callable[[dict[str, str]], dict[str, str]]) -> bytes:
    first, *others = [json.loads(line) for line in content.splitlines()]
    first["captureData"]["endpointInput"] = change(first["captureData"]["endpointInput"])
    return lines([first, *others])


@pytest.mark.parametrize(
    ("spoil", "kind", "usable"),
    [
        (truncated, "truncated", 2),
        (with_garbage, "json", 3),
        (as_csv, "encoding", 2),
        (base64_of_no_ascii, "encoding", 2),
        (says_json_and_is_none, "encoding", 2),
        (without_instances, "shape", 2),
    ],
)
def test_what_cannot_be_used_is_counted_and_the_rest_is_used(
    spoil: Callable[[bytes], bytes], kind: str, usable: int
) -> None:
    found = decoded(spoil(lines(records(2, 2, 2))))
    assert kinds(found) == {kind: 1}
    assert (found.records, len(found.inputs)) == (usable, 2 * usable)
    assert found.problems[0].key == "file.jsonl"
    assert found.problems[0].detail


def test_base64_that_holds_json_is_read() -> None:
    assert decoded(base64_encoded(lines(records(2, 2)))).records == 2


def test_unknown_fields_are_told_and_the_record_is_used() -> None:
    captured = records(2)
    body = json.loads(captured[0]["captureData"]["endpointInput"]["data"])
    body["instances"][1]["colour"] = "red"
    captured[0]["captureData"]["endpointInput"]["data"] = json.dumps(body)
    found = decoded(lines(captured))
    assert kinds(found) == {"fields": 1}
    assert "colour" in found.problems[0].detail
    assert len(found.inputs) == 2


def test_a_value_of_another_type_is_counted_and_missing() -> None:
    captured = records(2)
    body = json.loads(captured[0]["captureData"]["endpointInput"]["data"])
    body["instances"][0]["size"] = "large"
    captured[0]["captureData"]["endpointInput"]["data"] = json.dumps(body)
    found = decoded(lines(captured))
    assert found.mistyped == {"size": 1}
    assert found.inputs.column("size").null_count == 1
    assert len(found.answers) == 2


def test_answers_that_do_not_match_the_request_are_not_used() -> None:
    captured = records(2)
    captured[0]["captureData"]["endpointOutput"]["data"] = '{"predictions": [1.0]}'
    assert kinds(decoded(lines(captured))) == {"shape": 1}


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\x00\xff\xfe", b"[" * 100_000, b"null\n", b'{"captureData": null}\n']
)
def test_whatever_a_file_holds_the_job_goes_on(content: bytes) -> None:
    found = decoded(content)
    assert found.records == 0
    assert found.inputs.schema == SCHEMA


@given(content=st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_no_content_stops_the_job(content: bytes) -> None:
    assert isinstance(decoded(content).inputs, pa.Table)


@given(cut=st.integers(0, 2000))
@settings(max_examples=50, deadline=None)
def test_a_file_cut_anywhere_keeps_the_records_before_the_cut(cut: int) -> None:
    content = lines(records(1, 1, 1))
    kept = content[: min(cut, len(content))]
    assert decoded(kept).records >= kept.count(b"\n")


HUGE = 10**400
ODD_TEXTS = ["\ud800", "0001-01-01T00:00:00+05:00", ""]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.sampled_from([HUGE, -HUGE, *ODD_TEXTS]) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "\ud800"]), inner, max_size=2),
    max_leaves=4,
)
PLACES = [
    ("captureData",),
    ("captureData", "endpointInput"),
    ("captureData", "endpointInput", "data"),
    ("captureData", "endpointInput", "encoding"),
    ("captureData", "endpointOutput", "data"),
    ("eventMetadata",),
    ("eventMetadata", "inferenceId"),
    ("eventMetadata", "inferenceTime"),
]


def put(target: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    for name in place[:-1]:
        target = target[name]
    target[place[-1]] = value


@given(place=st.sampled_from(PLACES), value=ANYTHING)
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_record_the_next_one_is_used(place: tuple[str, ...], value: Any) -> None:
    spoiled, good = records(1, 1)
    put(spoiled, place, value)
    assert "id-1" in decoded(lines([spoiled, good])).answers.column("inference_id").to_pylist()


@given(name=st.sampled_from(["at", "size", "kind", "wet", "strange", "\ud800"]), value=ANYTHING)
@settings(max_examples=300, deadline=None)
def test_whatever_an_input_is_its_row_and_the_next_one_are_used(name: str, value: Any) -> None:
    captured = records(1, 1)
    body = json.loads(captured[0]["captureData"]["endpointInput"]["data"])
    body["instances"][0][name] = value
    captured[0]["captureData"]["endpointInput"]["data"] = json.dumps(body)
    found = decoded(lines(captured))
    assert found.answers.column("inference_id").to_pylist() == ["id-0", "id-1"]
    for each in found.problems:
        each.detail.encode()


@given(name=st.sampled_from(["predictions", "model_version"]), value=ANYTHING)
@settings(max_examples=200, deadline=None)
def test_whatever_an_answer_is_the_next_one_is_used(name: str, value: Any) -> None:
    captured = records(1, 1)
    captured[0]["captureData"]["endpointOutput"]["data"] = json.dumps({"predictions": [1.0], name: value})
    assert "id-1" in decoded(lines(captured)).answers.column("inference_id").to_pylist()
