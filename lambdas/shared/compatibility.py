"""Whether an application and a model understand each other: a pure comparison of two contracts (``contract.json``).

The application calls, the model answers. Inputs flow from the application to the model and the output flows back, so
one sentence covers both directions: *whatever the sender may send, the receiver takes*. A model may therefore take
more than the application sends, and answer less than the application reads; never the other way round.

==================  ==========================================  =====================================================
rule                compatible                                  incompatible
==================  ==========================================  =====================================================
contract-name       the same name                               another one: another project
input-added         an input that the model calls optional      any other input that the application does not send
input-removed       an input that the application never sent    one that it sends: the model refuses unknown fields
input-optional      the application always sends it             it may leave it out, and the model insists on it
input-nullable      null where the model takes null             null where it does not
input-type          the same; integers where it takes numbers   any other type
input-range         the same or wider in the model              narrower in the model
input-categories    the same or more in the model               fewer in the model, or a list where any text was sent
input-pattern       the same, dropped, or one that every        any other pattern in the model
                    category of the application matches
input-unit          the same                                    another one: the same number means something else
output-name         the same                                    another one: the answer means something else
output-type         the same; integers where numbers are read   any other type
output-range        the same or narrower in the model           wider in the model
output-categories,  the same or narrower in the model           wider in the model
-pattern,-nullable
output-unit         the same                                    another one: the same number means something else
==================  ==========================================  =====================================================

Descriptions and versions are for people and decide nothing. Whoever changes what a value *means* gives it another
name or another unit.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TEXT, _FLAG, _NUMBER, _NOTHING = (str,), (bool,), (int, float), type(None)
_KEYS: Mapping[str, tuple[type, ...]] = {
    "name": _TEXT,
    "type": _TEXT,
    "nullable": _FLAG,
    "optional": _FLAG,
    "minimum": (*_NUMBER, _NOTHING),
    "maximum": (*_NUMBER, _NOTHING),
    "categories": (list,),
    "pattern": (*_TEXT, _NOTHING),
    "unit": (*_TEXT, _NOTHING),
    "description": _TEXT,
}
_TYPES = ("string", "integer", "number", "boolean", "timestamp")
_NUMERIC = frozenset({"integer", "number"})
_MOST_LISTED = 5


class ContractError(ValueError):
    """A document describes no contract; the message names the field, the key, the value and what is allowed."""


@dataclass(frozen=True)
class Incompatibility:
    """One reason why they cannot work together.

    Attributes:
        field: name of the input or output.
        rule: which rule of the table above.
        sentence: what each side says, and what to do about it.
    """

    field: str
    rule: str
    sentence: str


def parse(text: str | bytes) -> Mapping[str, Any]:
    """Read the document of a contract.

    Raises:
        ContractError: it describes none.
    """
    try:
        document: Mapping[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"it is no JSON: {error}") from error
    _Contract.of(document)
    return document


def canonical(document: Mapping[str, Any]) -> str:
    """Return the one text that stands for a document, whatever the order and the layout of its file."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def incompatibilities(application: Mapping[str, Any], model: Mapping[str, Any]) -> list[Incompatibility]:
    """Compare what an application speaks with what a model speaks; nothing found means that they work together.

    Raises:
        ContractError: one of the documents describes no contract.
    """
    caller, callee = _Contract.of(application), _Contract.of(model)
    if caller.name != callee.name:
        return [
            Incompatibility(
                "name",
                "contract-name",
                f"the application speaks contract {caller.name!r} and the model contract {callee.name!r}: "
                "deliver the application to the project it belongs to",
            )
        ]
    return [*_inputs(caller, callee), *_output(caller.output, callee.output)]


def in_words(found: Sequence[Incompatibility]) -> str:
    """Join the sentences; a long list ends in how many more there are."""
    listed = [f"{each.sentence} ({each.rule})" for each in found[:_MOST_LISTED]]
    more = len(found) - len(listed)
    return "; ".join([*listed, f"and {more} more"] if more else listed)


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float can hold
        return False


@dataclass(frozen=True)
class Field:
    """One input or the output, as ``contract.json`` has it."""

    name: str
    type: str
    nullable: bool = False
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    pattern: str | None = None
    unit: str | None = None
    description: str = ""

    @classmethod
    def of(cls, entry: object) -> "Field":
        """Read an entry of a document.

        Raises:
            ContractError: it describes no field.
        """
        if not isinstance(entry, Mapping):
            raise ContractError(f"{entry!r} is no field: a field is an object with name and type")
        name = entry.get("name")
        for key, value in entry.items():
            kinds = _KEYS.get(key)
            if kinds is None:
                raise ContractError(f"field {name!r}: key {key!r} is none of {', '.join(_KEYS)}")
            if type(value) not in kinds or (isinstance(value, float | int) and not _is_finite(value)):
                allowed = " or ".join("null" if kind is _NOTHING else kind.__name__ for kind in kinds)
                raise ContractError(f"field {name!r}: {key} is {value!r}, it must be of type {allowed}")
        if wrong := [each for each in entry.get("categories", ()) if not isinstance(each, str)]:
            raise ContractError(f"field {name!r}: categories hold {wrong[0]!r}, they must be texts")
        if missing := [key for key in ("name", "type") if key not in entry]:
            raise ContractError(f"field {name!r}: {missing[0]} is missing")
        field = cls(**{**entry, "categories": tuple(entry.get("categories", ()))})
        field._check()
        return field

    def _check(self) -> None:
        if self.type not in _TYPES:
            raise ContractError(f"field {self.name!r}: type is {self.type!r}, it must be one of {', '.join(_TYPES)}")
        if self.optional and not self.nullable:
            raise ContractError(f"field {self.name!r}: optional is true, so nullable must be true: absence is null")
        try:
            re.compile(self.pattern or "")
        except (re.error, RecursionError, OverflowError) as error:
            raise ContractError(f"field {self.name!r}: pattern {self.pattern!r} is none: {error}") from error

    @property
    def values(self) -> tuple[str, ...]:
        """The categories that its own pattern lets through."""
        return tuple(each for each in self.categories if _matches(self.pattern, each))

    @property
    def range(self) -> str:
        """The range in words."""
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        return f"at most {self.maximum:g}" if self.maximum is not None else f"any {self.type}"

    @property
    def texts(self) -> str:
        """The texts it may be, in words."""
        if self.categories:
            return f"one of {', '.join(self.categories)}"
        return f"texts that match {self.pattern}" if self.pattern is not None else "any text"


@dataclass(frozen=True)
class _Contract:
    """What one side speaks."""

    name: str
    inputs: Mapping[str, Field]
    output: Field

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "_Contract":
        if not isinstance(document, Mapping):
            raise ContractError(f"{document!r} is no contract: it must be an object with name, inputs and output")
        name, entries = document.get("name"), document.get("inputs")
        if not isinstance(name, str) or not isinstance(entries, list) or "output" not in document:
            raise ContractError("a contract needs a name, a list of inputs and an output")
        inputs: dict[str, Field] = {}
        for field in map(Field.of, entries):
            if field.name in inputs:
                raise ContractError(f"field {field.name!r} comes twice")
            inputs[field.name] = field
        return cls(name=name, inputs=inputs, output=Field.of(document["output"]))


@dataclass(frozen=True)
class _Flow:
    """One direction in which values go, in words."""

    side: str
    sends: str
    takes: str
    more: str
    """What to do when the sender may send more than the receiver takes."""
    other: str
    """What to do when the value is another one."""


_TO_THE_MODEL = _Flow(
    side="input",
    sends="the application sends",
    takes="the model takes",
    more="let the model take that, or first deliver an application that keeps to what the model takes",
    other="give the new value a name of its own, optional until every application sends it",
)
_TO_THE_APPLICATION = _Flow(
    side="output",
    sends="the model answers",
    takes="the application reads",
    more="keep the model's answers to what the application reads, or first deliver an application that reads them",
    other="another answer is another project: deploy it as one",
)


def _inputs(caller: _Contract, callee: _Contract) -> Iterator[Incompatibility]:
    for name, sent in caller.inputs.items():
        taken = callee.inputs.get(name)
        if taken is None:
            yield Incompatibility(
                name,
                "input-removed",
                f"input {name!r}: the application sends it and the model does not know it: keep it in the model's "
                "contract as optional until no application sends it",
            )
            continue
        if sent.optional and not taken.optional:
            yield Incompatibility(
                name,
                "input-optional",
                f"input {name!r}: the application may leave it out (optional) and the model insists on it (required): "
                "keep it optional in the model's contract, or first deliver an application that always sends it",
            )
        yield from _flows(sent, taken, _TO_THE_MODEL)
    for name, taken in callee.inputs.items():
        if name not in caller.inputs and not taken.optional:
            yield Incompatibility(
                name,
                "input-added",
                f"input {name!r}: the model insists on it (required) and the application does not send it: set "
                "nullable and optional in the model's contract, or first deliver an application that sends it",
            )


def _output(read: Field, answered: Field) -> Iterator[Incompatibility]:
    if read.name != answered.name:
        yield Incompatibility(
            read.name,
            "output-name",
            f"output {read.name!r}: the application reads {read.name!r} and the model answers {answered.name!r}: "
            f"{_TO_THE_APPLICATION.other}",
        )
        return
    yield from _flows(answered, read, _TO_THE_APPLICATION)


def _flows(sender: Field, receiver: Field, flow: _Flow) -> Iterator[Incompatibility]:
    """Yield why the receiver may not take, or may misread, what the sender sends."""

    def because(what: str, sent: str, taken: str, fix: str) -> Incompatibility:
        sentence = f"{flow.side} {sender.name!r}: {flow.sends} {sent}, {flow.takes} {taken}: {fix}"
        return Incompatibility(sender.name, f"{flow.side}-{what}", sentence)

    if sender.nullable and not receiver.nullable:
        yield because("nullable", "null when unknown", "no null", flow.more)
    if (sender.unit or "") != (receiver.unit or ""):
        yield because("unit", sender.unit or "no unit", receiver.unit or "no unit", flow.other)
    if sender.type != receiver.type and (sender.type, receiver.type) != ("integer", "number"):
        yield because("type", sender.type, receiver.type, flow.other)
    elif sender.type in _NUMERIC and _exceeds(sender, receiver):
        yield because("range", sender.range, receiver.range, flow.more)
    elif sender.type == "string":
        if not _categories_fit(sender, receiver):
            yield because("categories", sender.texts, receiver.texts, flow.more)
        if not _pattern_fits(sender, receiver):
            yield because("pattern", sender.texts, f"texts that match {receiver.pattern}", flow.more)


def _exceeds(sender: Field, receiver: Field) -> bool:
    below = receiver.minimum is not None and (sender.minimum is None or sender.minimum < receiver.minimum)
    above = receiver.maximum is not None and (sender.maximum is None or sender.maximum > receiver.maximum)
    return below or above


def _categories_fit(sender: Field, receiver: Field) -> bool:
    if not receiver.categories:
        return True
    return bool(sender.categories) and set(sender.values) <= set(receiver.categories)


def _pattern_fits(sender: Field, receiver: Field) -> bool:
    if receiver.pattern is None or receiver.pattern == sender.pattern:
        return True
    # Whether one pattern implies another is not decided: only a list of texts can be tried.
    return bool(sender.categories) and all(_matches(receiver.pattern, each) for each in sender.values)


def _matches(pattern: str | None, text: str) -> bool:
    return pattern is None or re.fullmatch(pattern, text) is not None
