"""The models of the application take exactly what the model's own contract takes."""

import json
import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from application.contract import Contract
from application.models import record_model
from application.values import json_schema
from lambdas.shared.compatibility import parse
from pipelines.steps import contract as steps
from pipelines.steps.contract import FieldError
from tests.unit.application.support.world import RECORD, contract_of

BOUNDS = st.none() | st.integers(-3, 3) | st.floats(-3, 3)
TEXTS = st.sampled_from(["", "a", "b", "ab", "A1", "a\n", "é", "2013-01-01T10:00:00Z"])
MOMENTS = st.sampled_from(
    [
        "2013-01-01T10:00:00Z",
        "2013-01-01T10:00:00+02:00",
        "2013-01-01T10:00:00",
        "2013-01-01",
        "20130101T100000Z",
        "2013-W01-1T10:00Z",
        "2013-13-01T10:00:00Z",
        "10:00",
        " 2013-01-01T10:00:00Z",
        "2013-01-01 10:00:00.123456-05:00",
    ]
)
NUMBERS = (
    st.integers(-4, 4)
    | st.floats(-4, 4)
    | st.floats()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 10**300, 2**53 + 1, 1e308, -0.0])
)
VALUES = st.none() | st.booleans() | NUMBERS | TEXTS | MOMENTS | st.lists(st.integers(), max_size=1) | st.just({})


@st.composite
def fields(draw: st.DrawFn, name: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(["string", "integer", "number", "boolean", "timestamp"]))
    field: dict[str, Any] = {"name": name, "type": kind, "nullable": draw(st.booleans())}
    if field["nullable"]:
        field["optional"] = draw(st.booleans())
    if kind in {"integer", "number"}:
        low, high = draw(BOUNDS), draw(BOUNDS)
        if low is not None and high is not None and low > high:
            low, high = high, low
        field |= {"minimum": low, "maximum": high}
    if kind == "string":
        if draw(st.booleans()):
            field["categories"] = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
        field["pattern"] = draw(st.sampled_from([None, "[a-z]", "[A-Z0-9]{2}", "a|ab", ".*", "^a$"]))
    return field


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(
        st.lists(st.sampled_from(["x", "y", "schema", "_z", "a b", "model_dump"]), min_size=1, max_size=3, unique=True)
    )
    inputs = [draw(fields(name)) for name in names]
    return {"name": "toy", "version": "1", "inputs": inputs, "output": {"name": "out", "type": "number"}}


@st.composite
def questions(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    document = draw(documents())
    names = [field["name"] for field in document["inputs"]]
    record = {name: draw(VALUES) for name in names if draw(st.integers(0, 9)) > 0}
    if draw(st.integers(0, 9)) == 0:
        record[draw(st.sampled_from(["unknown", "field_0"]))] = draw(VALUES)
    return document, record


def accepted_by_the_model(document: dict[str, Any], record: Any) -> bool:
    try:
        steps.parse(json.dumps(document)).parse_instance(record)
    except FieldError:
        return False
    return True


def accepted_by_the_application(document: dict[str, Any], record: Any) -> bool:
    try:
        record_model(Contract.of(parse(json.dumps(document)))).model_validate(record)
    except ValidationError:
        return False
    return True


def toy(**field: Any) -> dict[str, Any]:
    output = {"name": "out", "type": "number"}
    return {"name": "toy", "version": "1", "inputs": [{"name": "x", **field}], "output": output}


@given(questions())
@example((toy(type="integer"), {"x": 10**400}))
@example((toy(type="number"), {"x": 10**400}))
@example((toy(type="number"), {"x": True}))
@example((toy(type="integer"), {"x": 1.0}))
@example((toy(type="string", pattern="[a-z]"), {"x": "a\n"}))
@example((toy(type="timestamp"), {"x": "2013-01-01T10:00:00"}))
@example((toy(type="number"), {"field_0": 1}))
def test_the_application_takes_exactly_what_the_model_takes(question: tuple[dict[str, Any], Any]) -> None:
    assert accepted_by_the_application(*question) == accepted_by_the_model(*question)


class LaterPython(datetime):
    """The function runs a newer Python than the model, one that reads midnight at the end of a day."""

    @classmethod
    def fromisoformat(cls, text: str, /) -> "LaterPython":
        return super().fromisoformat(re.sub(r"(?<=[T ])24(?=:?00|Z|[+-]|$)", "00", text))


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("2013-01-01T24:00:00Z", False),
        ("20130101T240000Z", False),
        ("2013-01-01 24:00+02:00", False),
        ("2013-W01-1T24:00Z", False),
        ("2013-01-24T00:00:00Z", True),
        ("2013-01-01T00:24:00Z", True),
        ("2013-01-01T00:00:24Z", True),
        ("2013-01-01T23:59:59.24Z", True),
    ],
)
def test_an_end_of_day_that_only_the_applications_python_reads_is_refused(
    text: str, *, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application.values.datetime", LaterPython)
    assert LaterPython.fromisoformat(text).tzinfo is not None
    assert accepted_by_the_application(toy(type="timestamp"), {"x": text}) == taken


@pytest.mark.parametrize("record", [None, [], "x", 1, [RECORD]])
def test_a_record_is_an_object(record: Any) -> None:
    with pytest.raises(ValidationError):
        record_model(contract_of("flights")).model_validate(record)


@pytest.mark.parametrize("project", ["flights", "late"])
def test_the_contract_of_a_project_is_read_as_the_model_reads_it(project: str) -> None:
    ours, theirs = contract_of(project), steps.load(project)
    assert (ours.name, ours.version) == (theirs.name, theirs.version)
    assert [vars(each) for each in (*ours.inputs, ours.output)] == [
        vars(each) for each in (*theirs.inputs, theirs.output)
    ]


def test_a_schema_asks_for_the_whole_text_and_allows_null_in_a_list_of_texts() -> None:
    contract = Contract.of(parse(json.dumps(toy(type="string", nullable=True, categories=["a"], pattern="a|b"))))
    assert json_schema(contract.inputs[0]) == {
        "type": ["string", "null"],
        "enum": ["a", None],
        "pattern": "^(?:a|b)$",
    }
