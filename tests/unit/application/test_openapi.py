"""The served document describes what happens."""

import json
from typing import Any

import jsonschema
import pytest
from http_api_call import Reply

from application import api as application_api
from application import openapi
from application.models import Requests
from stacks.constructs.http_api import ROUTES
from tests.unit.application.support.baselines import baseline
from tests.unit.application.support.endpoint import NOT_FOUND, EndpointServer, Failure
from tests.unit.application.support.world import RECORD, World, contract_of


def conforms(document: dict[str, Any], method: str, path: str, answer: Reply) -> bool:
    """Whether an answer is one that the document describes: its status, its media type, its content."""
    response = document["paths"][path][method.lower()]["responses"][str(answer.status)]
    schema = response["content"][answer.headers["content-type"]]["schema"]
    whole = schema | {"components": document["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(answer.body)
    return True


OTHER = {"headers": {"content-type": "text/plain"}}
FAILURES = [
    None,
    NOT_FOUND,
    Failure(503, "ServiceUnavailable"),
    Failure(424, "ModelError", members={"OriginalStatusCode": 500}),
    Failure(424, "ModelError", members={"OriginalStatusCode": 504}),
]
BODIES = ["{", "{}", " " * 1024 * 1025, {"records": [RECORD]}, {"records": [RECORD] * 6}, {"records": [RECORD, {}]}]
OUTCOMES = [{"inference_id": "a.0", "outcome": 1}]


def test_every_answer_is_one_that_the_document_describes(world: World, endpoint: EndpointServer) -> None:
    document = world.call("GET", "/openapi.json").body
    seen = set()
    for method, path in ((method.value, path) for method, path in ROUTES):
        for body in [*BODIES, {"outcomes": OUTCOMES}]:
            answer = world.call(method, path, body)
            seen.add(answer.status)
            assert conforms(document, method, path, answer)
        assert conforms(document, method, path, world.call("PUT", path))
    for failure in FAILURES:
        endpoint.failure = failure
        answer = world.predict()
        seen.add(answer.status)
        assert conforms(document, "POST", "/predictions", answer)
    assert conforms(document, "POST", "/predictions", world.call("POST", "/predictions", "{}", **OTHER))
    assert seen == {200, 202, 400, 413, 422, 502, 503, 504}


def test_an_answer_with_warnings_is_one_that_the_document_describes(world: World) -> None:
    world.put_live(7)
    world.put_output(7, "baseline.json", baseline())
    world.put_output(7, "evaluation.json", b'{"metrics": {"rmse": 12.5}}')
    document = world.call("GET", "/openapi.json").body
    answer = world.predict(RECORD | {"distance": 9000})
    assert answer.body["predictions"][0]["warnings"]
    assert conforms(document, "POST", "/predictions", answer)
    assert conforms(document, "GET", "/model", world.call("GET", "/model"))


@pytest.mark.parametrize("project", ["flights", "late"])
def test_every_schema_of_the_document_is_one(project: str) -> None:
    contract = contract_of(project)
    document = openapi.document(contract, Requests.of(contract, max_records=5), code_version="abc")
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    references = {
        line.split('"')[-2].rpartition("/")[2]
        for line in json.dumps(document, indent=1).splitlines()
        if '"$ref"' in line
    }
    assert references == set(document["components"]["schemas"])


def test_the_document_names_the_routes_of_the_api(world: World) -> None:
    document = world.call("GET", "/openapi.json").body
    assert document["openapi"].startswith("3.1")
    paths = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert paths == {(method.value, path) for method, path in ROUTES}


def test_the_schema_of_a_record_is_that_of_the_contract(world: World) -> None:
    schemas = world.call("GET", "/openapi.json").body["components"]["schemas"]
    record = schemas["Record"]
    assert set(record["properties"]) == set(RECORD)
    assert record["required"] == list(RECORD)
    assert record["additionalProperties"] is False
    assert record["properties"]["distance"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 12000,
        "title": "distance",
        "description": "Great-circle distance between the airports (miles)",
    }
    jsonschema.Draft202012Validator(record).validate(RECORD)


def test_the_document_is_made_when_it_is_first_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.call("GET", "/openapi.json")
    monkeypatch.delattr(application_api.openapi, "document")
    assert json.dumps(world.call("GET", "/openapi.json").body)
