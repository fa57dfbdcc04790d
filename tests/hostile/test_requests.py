"""Requests to the application: whatever is sent is taken by the contract or refused as a problem of the caller."""

import base64
import json
from typing import Any

import hostile_json
import pytest

from application import bodies
from application.models import Requests
from application.problems import Explainer, ProblemError
from tests.unit.application.support.world import RECORD, contract_of

MOST = 5
CONTRACT = contract_of("flights")
REQUESTS = Requests.of(CONTRACT, max_records=MOST)
EXPLAINER = Explainer(key="records", fields={field.name: field for field in CONTRACT.inputs}, contract="flights 1")
GOOD = {"records": [RECORD, RECORD]}


def posted(body: str, **event: Any) -> list[dict[str, Any]]:
    document = bodies.read({"headers": {"content-type": "application/json"}, "body": body} | event)
    return bodies.check(document, REQUESTS.predictions, EXPLAINER, most=MOST)


@pytest.mark.parametrize(
    "body",
    [
        hostile_json.DEEP,
        json.dumps({"records": [RECORD] * 6}),
        json.dumps({"records": [RECORD | {"distance": 10**300}]}),
        json.dumps({"records": [RECORD | {"origin": "x" * 500_000}]}),
        json.dumps({"records": [RECORD | {f"unknown{number}": 1 for number in range(20_000)}]}),
        '{"records": [{"distance": 1e999}]}',
        "[" + "0," * 500_000 + "0]",
    ],
    ids=["deep", "too many", "huge number", "long text", "many fields", "infinite", "long list"],
)
def test_what_is_oversized_is_refused_with_a_short_answer(body: str) -> None:
    with pytest.raises(ProblemError) as caught:
        posted(body)
    assert len(str(caught.value)) < 2000


def test_base64_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(ProblemError, match=r"at most 1,048,576 bytes"):
        posted(base64.b64encode(b"x" * (bodies.MOST_BYTES + 1000)).decode(), isBase64Encoded=True)


@pytest.mark.parametrize("inference_id", ["../../x.0", "a/b.0\n", "x.1000", "x.-1", "x.01", "x" * 61 + ".0", "=1.0.0"])
def test_an_inference_id_that_names_no_prediction_is_refused(inference_id: str) -> None:
    body = {"outcomes": [{"inference_id": inference_id, "outcome": 1.0}]}
    explainer = Explainer(key="outcomes", fields={"outcome": CONTRACT.output}, contract="flights")
    with pytest.raises(ProblemError):
        bodies.check(body, REQUESTS.outcomes, explainer, most=MOST)
