"""The contract model: what it takes, what it refuses, and what it says."""

import json
from datetime import UTC, datetime

import pytest

from pipelines.steps.contract import ContractError, Field, FieldError, load, parse

FLIGHTS = load("flights")


def document(**field: object) -> str:
    output = {"name": "y", "type": "number"}
    return json.dumps(
        {"name": "toy", "version": "1", "inputs": [{"name": "x", "type": "number", **field}], "output": output}
    )


def test_the_reference_contract_has_seventeen_inputs_and_minutes_as_output() -> None:
    assert len(FLIGHTS.inputs) == 17
    assert (FLIGHTS.output.name, FLIGHTS.output.unit) == ("air_time", "minutes")
    assert all(field.description for field in (*FLIGHTS.inputs, FLIGHTS.output))
    assert all(field.unit for field in FLIGHTS.inputs if field.type in ("integer", "number"))


def test_an_instance_is_read_in_the_order_of_the_contract() -> None:
    contract = parse(document(nullable=True))
    assert contract.parse_instance({"x": 2}) == {"x": 2}
    assert contract.parse_instance({"x": None}) == {"x": None}


def test_an_optional_input_that_is_left_out_is_null() -> None:
    contract = parse(document(nullable=True, optional=True))
    assert contract.parse_instance({}) == {"x": None}
    assert contract.parse_instance({"x": 2}) == {"x": 2}


@pytest.mark.parametrize("nullable", [True, False])
def test_an_input_that_is_not_optional_has_to_be_there(*, nullable: bool) -> None:
    contract = parse(document(nullable=nullable))
    with pytest.raises(FieldError, match="is missing: send null when unknown" if nullable else "is missing"):
        contract.parse_instance({})


def test_a_moment_keeps_its_offset() -> None:
    field = Field(name="at", type="timestamp")
    assert field.parse("2013-01-01T05:00:00-05:00") == datetime(2013, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (Field("n", "integer"), 10**400, "is a number beyond all floats, it must be a whole number"),
        (Field("n", "number", minimum=0), -(10**400), "is a number beyond all floats, it must be at least 0"),
        (Field("n", "integer", minimum=0), -1, "is -1, it must be at least 0"),
        (Field("n", "number", maximum=5), 6.5, "is 6.5, it must be at most 5"),
        (Field("n", "number"), float("nan"), "is nan, it must be a number"),
        (Field("n", "integer"), 1.0, "it must be a whole number"),
        (Field("n", "boolean"), 1, "it must be true or false"),
        (Field("n", "string"), 1, "it must be a text"),
        (Field("n", "string", categories=("a", "b")), "c", "one of a, b"),
        (Field("n", "string", pattern="[a-z]+"), "a1", r"text that matches \[a-z\]\+"),
        (Field("n", "timestamp"), "2013-01-01T10:00:00", "says no time zone"),
    ],
)
def test_a_value_that_breaks_the_contract_is_named(field: Field, value: object, words: str) -> None:
    with pytest.raises(FieldError, match=f"field 'n' .*{words}") as refused:
        field.parse(value)
    assert refused.value.field == "n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (document(type="text"), "type 'text' is none of"),
        (document(minmum=3), "minmum"),
        (document(optional=True), "field 'x': optional is true, so nullable must be true"),
        (document().replace('[{"name": "x"', '[{"name": "x", "type": "number"}, {"name": "x"'), "'x' comes twice"),
    ],
    ids=["type", "key", "optional", "twice"],
)
def test_a_file_that_is_no_contract_is_refused(text: str, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        parse(text)


def test_the_target_cannot_be_asked_for() -> None:
    assert FLIGHTS.output.name not in {field.name for field in FLIGHTS.inputs}
