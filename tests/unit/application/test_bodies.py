"""How bodies are read, and what is refused before the contract is asked."""

import base64
import json
from typing import Any

import pytest

from application.bodies import MOST_BYTES
from application.problems import MOST_ERRORS
from tests.unit.application.support.endpoint import EndpointServer
from tests.unit.application.support.world import RECORD, World

BODY = json.dumps({"records": [RECORD]})


def posted(world: World, body: Any, **other: Any) -> tuple[int, str]:
    answer = world.call("POST", "/predictions", body, **other)
    return answer.status, answer.body.get("type", "").rpartition(":")[2]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null,",
        '{"records": [NaN]}',
        '{"records": [{"temp": Infinity}]}',
        '{"records": [], "records": []}',
        '{"records": [{"temp": 1, "temp": 2}]}',
        "[" * 100_000,
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        '{"records": [' + "9" * 5000 + "]}",
        "\ufeff{}",
    ],
)
def test_what_is_no_json_cannot_be_read(world: World, body: str) -> None:
    assert posted(world, body) == (400, "unreadable-body")


def test_a_missing_body_cannot_be_read(world: World) -> None:
    assert posted(world, None) == (400, "unreadable-body")


@pytest.mark.parametrize(
    "body", ["null", "[]", "1", '"x"', "{}", '{"records": []}', '{"records": {}}', '{"records": [1]}']
)
def test_json_that_holds_no_records_breaks_the_contract(world: World, body: str) -> None:
    assert posted(world, body) == (422, "contract-violation")


@pytest.mark.parametrize(
    "record",
    [{"temp": 1e999}, {"origin": "\ud800"}, {"distance": 10**400}, {"seats": -(10**4000)}, {"dest": "\x00" * 9}],
)
def test_values_that_json_can_write_and_nobody_can_use_break_the_contract(world: World, record: dict[str, Any]) -> None:
    body = json.dumps({"records": [RECORD | record]}).replace("Infinity", "1e999")
    assert posted(world, body) == (422, "contract-violation")


@pytest.mark.parametrize(("written", "sent"), [("180.0", 180), ("1.8e2", 180), ("1.80E+2", 180)])
def test_a_whole_number_is_one_however_it_is_written(
    world: World, endpoint: EndpointServer, written: str, sent: int
) -> None:
    assert posted(world, BODY.replace('"seats": 180', f'"seats": {written}')) == (200, "")
    (body,) = endpoint.bodies
    assert (type(body["instances"][0]["seats"]), body["instances"][0]["seats"]) == (int, sent)


def test_a_number_with_a_fraction_stays_as_it_is(world: World, endpoint: EndpointServer) -> None:
    assert posted(world, json.dumps({"records": [RECORD | {"temp": 71.06}]})) == (200, "")
    assert endpoint.bodies[0]["instances"][0]["temp"] == 71.06


def test_a_body_in_base64_is_read(world: World) -> None:
    assert posted(world, base64.b64encode(BODY.encode()).decode(), isBase64Encoded=True) == (200, "")


@pytest.mark.parametrize("body", ["!", "é", "abc", base64.b64encode(b"\xff{}").decode()])
def test_base64_that_holds_no_text_cannot_be_read(world: World, body: str) -> None:
    assert posted(world, body, isBase64Encoded=True) == (400, "unreadable-body")


@pytest.mark.parametrize("isBase64Encoded", [True, False])
def test_a_body_over_the_limit_is_too_large(world: World, *, isBase64Encoded: bool) -> None:  # noqa: N803  # AWS's name
    body = " " * MOST_BYTES + BODY
    text = base64.b64encode(body.encode()).decode() if isBase64Encoded else body
    assert posted(world, text, isBase64Encoded=isBase64Encoded) == (413, "too-large")


def test_a_body_at_the_limit_is_read(world: World) -> None:
    assert posted(world, BODY.ljust(MOST_BYTES)) == (200, "")
    assert posted(world, base64.b64encode(BODY.ljust(MOST_BYTES).encode()).decode(), isBase64Encoded=True) == (200, "")


@pytest.mark.parametrize(
    "headers", [None, {}, {"content-type": ""}, {"content-type": "text/plain"}, {"content-type": "application/jsonx"}]
)
def test_only_json_is_taken(world: World, headers: dict[str, str] | None) -> None:
    assert posted(world, BODY, headers=headers) == (415, "wrong-media-type")


@pytest.mark.parametrize("value", ["application/json", "Application/JSON; charset=utf-8", "application/json;x=y"])
@pytest.mark.parametrize("name", ["content-type", "Content-Type"])
def test_json_is_taken_however_it_is_spelled(world: World, name: str, value: str) -> None:
    assert posted(world, BODY, headers={name: value}) == (200, "")


def test_an_answer_stays_small_whatever_is_wrong(world: World) -> None:
    record = {f"{'long' * 100}{number}": "x" * 1000 for number in range(200)}
    answer = world.call("POST", "/predictions", {"records": [record] * 3})
    assert answer.status == 422
    assert len(answer.body["errors"]) == MOST_ERRORS
    assert len(json.dumps(answer.body)) < 20_000
