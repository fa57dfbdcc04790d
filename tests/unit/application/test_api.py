"""Routes, whatever the event; what is counted and logged of a request."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application import problems
from application.api import DefectError
from stacks.constructs.http_api import ROUTES
from tests.unit.application.support.endpoint import EndpointServer
from tests.unit.application.support.world import RECORD, World

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "application.md"


@pytest.mark.parametrize("path", ["/", "", "/predictions/", "/Predictions", "/model/7", "//health"])
def test_any_other_path_is_unknown(world: World, path: str) -> None:
    answer = world.call("GET", path)
    assert (answer.status, answer.body["type"]) == (404, "urn:problem-type:tandem:unknown-path")


@pytest.mark.parametrize(("method", "path"), [(each[0].value, each[1]) for each in ROUTES])
def test_every_route_of_the_api_is_answered_and_no_other_method(world: World, method: str, path: str) -> None:
    assert world.call(method, path, "{}").status not in {404, 405}
    for other in {"GET", "POST", "PUT", "HEAD", "OPTIONS"} - {method}:
        answer = world.call(other, path)
        assert (answer.status, answer.headers["Allow"]) == (405, method)


def test_a_problem_is_told_as_the_standard_says(world: World) -> None:
    answer = world.call("GET", "/nowhere")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body == {
        "type": "urn:problem-type:tandem:unknown-path",
        "title": "There is nothing here",
        "status": 404,
        "detail": "There are /predictions, /outcomes, /model, /health, /openapi.json.",
        "instance": "urn:request:JKJaXmPLvHcESHA=",
    }


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))
PARTS = ["version", "rawPath", "headers", "requestContext", "body", "isBase64Encoded"]


@pytest.fixture(scope="module")
def reusable(embedded_url: str) -> World:
    return World(embedded_url, EndpointServer(url="http://127.0.0.1:9"))


@given(whole=JSON | st.dictionaries(st.sampled_from(PARTS), JSON | st.dictionaries(st.text(), JSON)))
def test_an_event_that_is_none_is_answered(reusable: World, whole: Any) -> None:
    assert reusable.send(whole).status == 404


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text() | JSON.map(json.dumps), path=st.sampled_from(["/predictions", "/outcomes"]))
def test_no_body_is_a_failure_of_ours(reusable: World, path: str, body: str) -> None:
    assert reusable.call("POST", path, body).status in {400, 422}


def test_a_defect_fails_the_function_and_tells_where_but_nothing_of_the_request(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError(RECORD["dest"])

    monkeypatch.setattr("application.predictions.Predictor.answer", fail)
    with pytest.raises(DefectError, match=r"KeyError at .*test_api\.py:\d+ in fail") as raised:
        world.predict()
    assert RECORD["dest"] not in str(raised.value)
    assert raised.value.__cause__ is None


def test_every_kind_of_problem_stands_in_the_documents_and_no_other_one_does() -> None:
    kinds = {(str(one.status), one.name) for one in vars(problems).values() if isinstance(one, problems.Kind)}
    section = DOCUMENT.read_text("utf-8").partition("## Errors\n")[2].partition("\n## ")[0]
    told = {
        pair
        for statuses, names in re.findall(r"^\| ([0-9, ]+) \| (`[^|]+`) \|", section, flags=re.MULTILINE)
        for pair in zip(statuses.split(", "), re.findall(r"`([\w-]+)`", names), strict=True)
    }

    assert told == kinds
