"""Application and model: one test a rule, and the contract itself as the judge of what was found compatible."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.shared.compatibility import ContractError, Incompatibility, canonical, in_words, incompatibilities, parse
from pipelines.steps import contract as steps
from pipelines.steps.contract import FieldError, source

FLIGHTS: dict[str, Any] = json.loads(source("flights"))


def contract(*inputs: dict[str, Any], output: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    answer = {"name": "y", "type": "number", "minimum": 0, "maximum": 9, "unit": "minutes"} | (output or {})
    return {"name": "toy", "version": "1", "inputs": list(inputs), "output": answer, **other}


def number(**other: Any) -> dict[str, Any]:
    return {"name": "x", "type": "number", "minimum": 0, "maximum": 9, "unit": "miles", **other}


def text(**other: Any) -> dict[str, Any]:
    return {"name": "x", "type": "string", **other}


def found(application: dict[str, Any], model: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.field, each.rule) for each in incompatibilities(application, model)]


def input_rules(sent: dict[str, Any], taken: dict[str, Any]) -> list[str]:
    return [rule for _, rule in found(contract(sent), contract(taken))]


def output_rules(read: dict[str, Any], answered: dict[str, Any]) -> list[str]:
    return [rule for _, rule in found(contract(output=read), contract(output=answered))]


@pytest.mark.parametrize("project", ["flights", "late"])
def test_an_application_works_with_a_model_of_its_own_contract(project: str) -> None:
    document = json.loads(source(project))
    assert incompatibilities(document, document) == []


def test_another_project_is_another_contract() -> None:
    (only,) = incompatibilities(FLIGHTS, FLIGHTS | {"name": "late"})
    assert (only.field, only.rule) == ("name", "contract-name")
    assert "'flights'" in only.sentence
    assert "'late'" in only.sentence


def test_versions_and_descriptions_are_for_people() -> None:
    other = contract(number(description="how far"), output={"description": "how long"}, version="2", description="toy")
    assert found(contract(number()), other) == []


def test_an_optional_input_of_the_model_asks_nothing_of_the_application() -> None:
    assert found(contract(), contract(number(nullable=True, optional=True))) == []


@pytest.mark.parametrize("nullable", [True, False])
def test_any_other_input_that_the_application_does_not_send_is_missing(*, nullable: bool) -> None:
    assert found(contract(), contract(number(nullable=nullable))) == [("x", "input-added")]


def test_an_input_that_the_model_no_longer_knows_is_refused_by_it() -> None:
    assert found(contract(number()), contract()) == [("x", "input-removed")]


@pytest.mark.parametrize(
    ("sent", "taken", "rules"),
    [
        (number(nullable=True, optional=True), number(nullable=True), ["input-optional"]),
        (number(nullable=True), number(nullable=True, optional=True), []),
        (number(nullable=True), number(), ["input-nullable"]),
        (number(), number(nullable=True), []),
        (number(type="integer"), number(), []),
        (number(), number(type="integer"), ["input-type"]),
        (text(), {"name": "x", "type": "timestamp"}, ["input-type"]),
        (number(), number(minimum=1), ["input-range"]),
        (number(), number(maximum=8), ["input-range"]),
        ({"name": "x", "type": "number"}, {"name": "x", "type": "number", "minimum": 0}, ["input-range"]),
        (number(), number(minimum=-1, maximum=10), []),
        (number(), {"name": "x", "type": "number", "unit": "miles"}, []),
        (text(categories=["a", "b"]), text(categories=["a"]), ["input-categories"]),
        (text(categories=["a"]), text(categories=["a", "b"]), []),
        (text(), text(categories=["a"]), ["input-categories"]),
        (text(categories=["a"]), text(), []),
        (text(categories=["a", "bb"], pattern="."), text(categories=["a"]), []),
        (text(pattern="[a-z]"), text(pattern="[a-y]"), ["input-pattern"]),
        (text(pattern="[a-z]"), text(pattern="[a-z]"), []),
        (text(pattern="[a-z]"), text(), []),
        (text(), text(pattern="[a-z]"), ["input-pattern"]),
        (text(categories=["a", "b"]), text(pattern="[a-z]"), []),
        (text(categories=["a", "1"]), text(pattern="[a-z]"), ["input-pattern"]),
        (number(), number(unit="kilometres"), ["input-unit"]),
        (number(), {"name": "x", "type": "number", "minimum": 0, "maximum": 9}, ["input-unit"]),
        (number(nullable=True), number(type="integer", unit="km"), ["input-nullable", "input-unit", "input-type"]),
    ],
)
def test_a_model_may_take_more_than_the_application_sends(
    sent: dict[str, Any], taken: dict[str, Any], rules: list[str]
) -> None:
    assert input_rules(sent, taken) == rules


@pytest.mark.parametrize(
    ("read", "answered", "rules"),
    [
        ({}, {"name": "z"}, ["output-name"]),
        ({}, {"type": "boolean"}, ["output-type"]),
        ({}, {"type": "integer"}, []),
        ({"type": "integer"}, {}, ["output-type"]),
        ({}, {"unit": "hours"}, ["output-unit"]),
        ({}, {"minimum": -1}, ["output-range"]),
        ({}, {"maximum": None}, ["output-range"]),
        ({}, {"minimum": 1, "maximum": 8}, []),
        ({"minimum": None, "maximum": None}, {}, []),
        ({}, {"nullable": True}, ["output-nullable"]),
        ({"nullable": True}, {}, []),
        ({"type": "string", "categories": ["a"]}, {"type": "string", "categories": ["a", "b"]}, ["output-categories"]),
        ({"type": "string", "categories": ["a", "b"]}, {"type": "string", "categories": ["a"]}, []),
        ({"type": "string", "pattern": "a"}, {"type": "string"}, ["output-pattern"]),
    ],
)
def test_a_model_may_answer_less_than_the_application_reads(
    read: dict[str, Any], answered: dict[str, Any], rules: list[str]
) -> None:
    assert output_rules(read, answered) == rules


def test_a_sentence_names_the_field_both_values_and_what_to_do() -> None:
    (only,) = incompatibilities(contract(number()), contract(number(maximum=8)))
    assert only.sentence == (
        "input 'x': the application sends 0 to 9, the model takes 0 to 8: let the model take that, or first deliver "
        "an application that keeps to what the model takes"
    )


def test_a_long_list_is_cut() -> None:
    many = [Incompatibility(f"x{each}", "input-added", f"input 'x{each}'") for each in range(7)]
    assert in_words(many).endswith("input 'x4' (input-added); and 2 more")
    assert in_words(many[:1]) == "input 'x0' (input-added)"


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("[]", r"\[\] is no contract: it must be an object"),
        ("{", "it is no JSON"),
        (json.dumps({"name": "toy", "inputs": []}), "needs a name, a list of inputs and an output"),
        (json.dumps(contract(number(minmum=3))), "field 'x': key 'minmum' is none of name, type"),
        (json.dumps(contract(number(minimum="3"))), "field 'x': minimum is '3', it must be of type int or float"),
        (json.dumps(contract(number(nullable=1))), "field 'x': nullable is 1, it must be of type bool"),
        (json.dumps(contract(number(maximum=float("inf")))), "field 'x': maximum is inf"),
        (json.dumps(contract(number(type="text"))), "field 'x': type is 'text', it must be one of string"),
        (json.dumps(contract(number(optional=True))), "field 'x': optional is true, so nullable must be true"),
        (json.dumps(contract(text(categories=[1]))), "field 'x': categories hold 1, they must be texts"),
        (json.dumps(contract(text(pattern="["))), r"field 'x': pattern '\[' is none"),
        (json.dumps(contract({"name": "x"})), "field 'x': type is missing"),
        (json.dumps(contract("x")), "'x' is no field"),  # type: ignore[arg-type]  # that is the point
        (json.dumps(contract(number(), number())), "field 'x' comes twice"),
    ],
)
def test_what_is_no_contract_is_named(broken: str, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        parse(broken)


def test_the_order_of_the_keys_makes_no_other_contract() -> None:
    turned = dict(reversed(FLIGHTS.items()))
    assert canonical(parse(json.dumps(turned, indent=4))) == canonical(FLIGHTS)


# -- the contract of the jobs and of the endpoint judges what was found

NAMES = st.sampled_from(["a", "b", "c"])
KINDS = ("integer", "number", "number", "string", "string", "boolean", "timestamp")
NUMERIC = ("integer", "number")
BOUND = st.none() | st.integers(-3, 3)


@st.composite
def fields(draw: st.DrawFn, name: str, kinds: Sequence[str] = KINDS) -> dict[str, Any]:
    kind = draw(st.sampled_from(kinds))
    nullable = draw(st.booleans())
    field = {"name": name, "type": kind, "nullable": nullable, "optional": nullable and draw(st.booleans())}
    if kind in {"integer", "number"}:
        low, high = draw(BOUND), draw(BOUND)
        if low is not None and high is not None and low > high:
            low, high = high, low
        field |= {"minimum": low, "maximum": high}
    if kind == "string":
        field["categories"] = draw(st.lists(st.sampled_from(["a", "b", "ab", "1"]), unique=True))
        field["pattern"] = draw(st.none() | st.sampled_from(["[a-z]+", "a.*", "."]))
    return field


@st.composite
def contracts(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(NAMES, unique=True, min_size=1, max_size=2))
    output = draw(fields("y")) | {"optional": False}
    return {"name": "toy", "version": "1", "inputs": [draw(fields(name)) for name in names], "output": output}


@st.composite
def changed(draw: st.DrawFn, field: dict[str, Any]) -> dict[str, Any]:
    """The same field but for one thing, as contracts evolve."""
    if not draw(st.integers(0, 9)):
        return draw(fields(field["name"]))
    other = draw(fields(field["name"], NUMERIC if field["type"] in NUMERIC else (field["type"],)))
    key = draw(st.sampled_from(sorted(other)))
    return field | {key: other[key]}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """An application, and a model that differs from it a little."""
    application = draw(contracts())
    inputs = [draw(changed(each)) for each in application["inputs"]]
    if not draw(st.integers(0, 4)):
        inputs = [*inputs[1:], draw(fields("d"))]
    consistent = [each | {"optional": each["optional"] and each["nullable"]} for each in inputs]
    output = draw(changed(application["output"])) | {"optional": False}
    return application, {**application, "inputs": consistent, "output": output}


def values(field: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Everything that a contract allows a field to be."""
    null: st.SearchStrategy[Any] = st.none() if field["nullable"] else st.nothing()
    match field["type"]:
        case "boolean":
            return null | st.booleans()
        case "timestamp":
            return null | st.just("2013-01-01T10:00:00Z")
        case "string":
            allowed = [each for each in ("a", "b", "ab", "1", "c", "abc", "") if _takes(steps._field(field), each)]
            return null | (st.sampled_from(allowed) if allowed else st.nothing())
    low, high = field["minimum"], field["maximum"]
    if low is not None and high is not None and low > high:
        return null
    whole = st.integers(low, high)
    if field["type"] == "integer":
        return null | whole
    return null | whole | st.floats(low, high, allow_nan=False, allow_infinity=False)


def _takes(field: steps.Field, value: object) -> bool:
    try:
        field.parse(value)
    except FieldError:
        return False
    return True


@settings(max_examples=300)
@given(pairs(), st.data())
def test_a_compatible_model_takes_every_instance_and_gives_only_known_answers(
    pair: tuple[dict[str, Any], dict[str, Any]], data: st.DataObject
) -> None:
    application, model = pair
    problems = incompatibilities(application, model)
    sender, receiver = (steps.parse(json.dumps(each)) for each in pair)
    instance = {
        field["name"]: data.draw(values(field))
        for field in application["inputs"]
        if not (field["optional"] and data.draw(st.booleans()))
    }
    sender.parse_instance(instance)
    if not [each for each in problems if each.rule.startswith("input-")]:
        receiver.parse_instance(instance)
    if not [each for each in problems if each.rule.startswith("output-")]:
        sender.output.parse(data.draw(values(model["output"])))


@given(contracts(), st.data())
def test_a_model_that_only_takes_more_is_never_refused(application: dict[str, Any], data: st.DataObject) -> None:
    inputs = [data.draw(widened(field)) for field in application["inputs"]]
    added = data.draw(fields("added")) | {"nullable": True, "optional": True}
    model = {**application, "inputs": data.draw(st.permutations([*inputs, added]))}
    assert incompatibilities(application, model) == []


@st.composite
def widened(draw: st.DrawFn, field: dict[str, Any]) -> dict[str, Any]:
    """A field that takes what the given one takes, and perhaps more."""
    changes: dict[str, Any] = {"optional": True}
    if field["type"] in {"integer", "number"}:
        lower = None if field["minimum"] is None else field["minimum"] - draw(st.integers(0, 3))
        changes |= {"type": "number", "minimum": lower, "maximum": None}
    if field["type"] == "string":
        more = [*field["categories"], "more"] if field["categories"] and draw(st.booleans()) else []
        changes |= {"categories": more, "pattern": None}
    return field | {key: value for key, value in changes.items() if draw(st.booleans())} | {"nullable": True}


@given(pairs())
def test_what_is_found_names_a_field_of_one_of_them(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    names = {field["name"] for document in pair for field in (*document["inputs"], document["output"])}
    for each in incompatibilities(*pair):
        assert each.field in names
        assert repr(each.field) in each.sentence
        assert each.sentence.count(":") >= 2, "field, both values, and the fix"
