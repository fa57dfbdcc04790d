"""What ``POST /predictions`` answers."""

import json
from typing import Any

import pytest

from application.models import Predictions
from application.outcomes import PREFIX
from stacks.settings import GROUND_TRUTH
from tests.unit.application.support.baselines import baseline
from tests.unit.application.support.endpoint import NOT_FOUND, EndpointServer, Failure
from tests.unit.application.support.world import MOST, RECORD, World


def test_records_are_sent_as_they_came_in_one_call_under_the_requests_id(
    world: World, endpoint: EndpointServer
) -> None:
    records = [RECORD, RECORD | {"temp": 71, "distance": 200}]
    answer = world.predict(*records)
    assert answer.status == 200
    assert endpoint.bodies == [{"instances": records}]
    assert endpoint.ids == ["JKJaXmPLvHcESHA="]
    assert [each["inference_id"] for each in answer.body["predictions"]] == ["JKJaXmPLvHcESHA=.0", "JKJaXmPLvHcESHA=.1"]
    assert [each["prediction"] for each in answer.body["predictions"]] == [100.0, 101.0]
    assert answer.body["model_version"] == "7"
    assert answer.body["predicted"]["unit"] == "minutes"
    Predictions.model_validate(answer.body | {"predictions": tuple(answer.body["predictions"])})


def test_a_model_that_tells_no_version_is_answered_with_null(world: World, endpoint: EndpointServer) -> None:
    endpoint.version = None
    assert world.predict().body["model_version"] is None


def test_a_request_id_that_could_be_mistaken_for_a_position_gives_way_to_a_random_one(
    world: World, endpoint: EndpointServer
) -> None:
    whole = {"requestContext": {"requestId": "a.1", "http": {"method": "POST"}}}
    answer = world.call("POST", "/predictions", {"records": [RECORD]}, **whole)
    assert answer.status == 200
    assert endpoint.ids[0] is not None
    assert "." not in endpoint.ids[0]


def test_an_input_outside_what_the_answering_version_was_trained_on_is_warned_of(world: World) -> None:
    world.put_live(7)
    world.put_output(7, "baseline.json", baseline())
    strange = {"distance": 9000, "origin": "EWR", "sched_dep_time": 1000, "seats": None}
    answer = world.predict(RECORD, RECORD | strange)
    assert [each["warnings"] for each in answer.body["predictions"]] == [
        [],
        [
            {"field": "origin", "value": "EWR", "trained": "2 other texts"},
            {"field": "distance", "value": "9000", "trained": "200 to 2500"},
        ],
    ]


def test_a_version_that_is_being_rolled_out_is_compared_with_its_own_training(
    world: World, endpoint: EndpointServer
) -> None:
    world.put_live(6)
    world.roll_out(7, sequence=2)
    world.put_output(7, "baseline.json", baseline())
    endpoint.version = "7"
    (prediction,) = world.predict(RECORD | {"distance": 9000}).body["predictions"]
    assert [each["field"] for each in prediction["warnings"]] == ["distance"]


def test_what_cannot_be_found_out_about_the_training_costs_no_prediction(world: World) -> None:
    world.break_the_ledger()
    answer = world.predict(RECORD | {"distance": 9000})
    assert answer.status == 200
    assert answer.body["predictions"][0]["warnings"] == []


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"format": 9}', b'{"format": 1, "rows": {"columns": []}}'])
def test_a_baseline_that_cannot_be_read_costs_no_prediction(world: World, content: bytes) -> None:
    world.put_live(7)
    world.put_output(7, "baseline.json", content)
    assert world.predict().status == 200


def test_what_could_not_be_found_out_is_asked_again_after_a_minute_and_not_before(world: World) -> None:
    world.put_live(7)
    far = RECORD | {"distance": 9000}
    assert not world.predict(far).body["predictions"][0]["warnings"]
    world.put_output(7, "baseline.json", baseline())
    world.seconds = 59
    assert not world.predict(far).body["predictions"][0]["warnings"]
    world.seconds = 61
    assert world.predict(far).body["predictions"][0]["warnings"]


def test_what_a_version_was_trained_on_is_read_once(world: World) -> None:
    world.put_live(7)
    world.put_output(7, "baseline.json", baseline())
    far = RECORD | {"distance": 9000}
    world.predict(far)
    world.break_the_ledger()
    world.seconds = 10_000
    assert world.predict(far).body["predictions"][0]["warnings"]


def test_nothing_is_looked_up_when_the_time_is_short(world: World) -> None:
    world.put_live(7)
    world.put_output(7, "baseline.json", baseline())
    world.context.milliseconds = 2000
    answer = world.predict(RECORD | {"distance": 9000})
    assert answer.status == 200
    assert not answer.body["predictions"][0]["warnings"]


@pytest.mark.parametrize(
    ("failure", "status", "kind", "retry_after"),
    [
        (NOT_FOUND, 503, "no-model-yet", "60"),
        (Failure(424, "ModelError", members={"OriginalStatusCode": 500}), 502, "model-failed", None),
        (Failure(424, "ModelError", members={"OriginalStatusCode": 400}), 502, "model-failed", None),
        (Failure(424, "ModelError", members={"OriginalStatusCode": 504}), 504, "too-slow", "5"),
        (Failure(400, "ThrottlingException"), 503, "busy", "5"),
        (Failure(503, "ServiceUnavailable"), 503, "busy", "5"),
        (Failure(500, "InternalFailure"), 503, "busy", "5"),
        (Failure(530, "InternalDependencyException"), 503, "busy", "5"),
        (Failure(429, "ModelNotReadyException"), 503, "busy", "5"),
        (Failure(403, "AccessDeniedException"), 503, "busy", "5"),
        (Failure(400, "ValidationError", "something else"), 503, "busy", "5"),
    ],
)
def test_a_failing_endpoint_is_told_apart_by_what_the_caller_can_do(
    world: World, endpoint: EndpointServer, failure: Failure, status: int, kind: str, retry_after: str | None
) -> None:
    endpoint.failure = failure
    answer = world.predict()
    assert (answer.status, answer.body["type"]) == (status, f"urn:problem-type:tandem:{kind}")
    assert answer.headers.get("Retry-After") == retry_after
    assert answer.headers["content-type"] == "application/problem+json"
    assert "said by the service" not in json.dumps(answer.body)


@pytest.mark.parametrize(("live", "errors"), [(False, 0), (True, 1)])
def test_before_the_first_model_no_request_counts_as_an_error_of_ours(
    world: World, endpoint: EndpointServer, monkeypatch: pytest.MonkeyPatch, *, live: bool, errors: int
) -> None:
    counted: dict[str, float] = {}
    monkeypatch.setattr("application.api.count", lambda name, amount=1: counted.update({name: amount}))
    endpoint.failure = NOT_FOUND
    if live:
        world.put_live(7)
    assert world.predict().status == 503
    assert counted == {"Requests": 1, "PredictionErrors": errors}


def test_an_endpoint_that_is_gone_although_a_model_is_live_is_no_fresh_environment(
    world: World, endpoint: EndpointServer
) -> None:
    world.put_live(7)
    endpoint.failure = NOT_FOUND
    answer = world.predict()
    assert (answer.body["type"], answer.headers["Retry-After"]) == ("urn:problem-type:tandem:busy", "5")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"predictions": 1}',
        b'{"predictions": []}',
        b'{"predictions": [1, 2]}',
        b'{"predictions": ["1"]}',
        b'{"predictions": [NaN]}',
        b'{"predictions": [true]}',
        b'{"predictions": [1], "model_version": 7}',
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_not_one_number_a_record_is_a_failure_of_the_model(
    world: World, endpoint: EndpointServer, raw: bytes
) -> None:
    endpoint.raw = raw
    answer = world.predict()
    assert (answer.status, answer.body["type"]) == (502, "urn:problem-type:tandem:model-failed")


def test_more_records_than_allowed_are_too_large_and_reach_no_endpoint(world: World, endpoint: EndpointServer) -> None:
    answer = world.predict(*[RECORD] * (MOST + 1))
    assert answer.status == 413
    assert str(MOST) in answer.body["detail"]
    assert endpoint.bodies == []


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (
            {"distance": 0},
            {"field": "distance", "value": "0", "allowed": "it must be a whole number between 1 and 12000"},
        ),
        ({"origin": "XXX"}, {"field": "origin", "value": "XXX", "allowed": "it must be one of EWR, JFK, LGA"}),
        (
            {"dest": "LAX\n"},
            {"field": "dest", "value": "LAX\n", "allowed": "it must be a text that matches [A-Z0-9]{3}"},
        ),
        ({"height": 1}, {"field": "height", "allowed": "it is unknown to contract flights 1; leave it out"}),
        (
            {"temp": "warm" * 100},
            {
                "field": "temp",
                "value": ("warm" * 20) + "…",
                "allowed": "it must be a number between -60 and 130 or null",
            },
        ),
        (
            {"temp": {"a": 1}},
            {"field": "temp", "value": "an object", "allowed": "it must be a number between -60 and 130 or null"},
        ),
    ],
)
def test_what_breaks_the_contract_is_named_with_its_record_its_value_and_what_is_allowed(
    world: World, endpoint: EndpointServer, wrong: dict[str, Any], error: dict[str, Any]
) -> None:
    answer = world.predict(RECORD, RECORD | wrong)
    assert answer.status == 422
    assert answer.body["errors"] == [{"record": 1} | error]
    assert error["field"] in answer.body["detail"]
    assert endpoint.bodies == []


def test_a_missing_field_is_named(world: World) -> None:
    answer = world.predict({name: value for name, value in RECORD.items() if name != "seats"})
    assert answer.body["errors"] == [
        {
            "field": "seats",
            "record": 0,
            "allowed": "it is missing; it must be a whole number between 1 and 1000 or null",
        }
    ]


def test_ground_truth_lies_where_the_monitor_looks_for_it() -> None:
    assert PREFIX == GROUND_TRUTH
