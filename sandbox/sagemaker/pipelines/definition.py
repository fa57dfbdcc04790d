"""The pipeline definition: parsed and checked when it is stored, as CreatePipeline does.

Schema: aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema, version 2020-12-01.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from sandbox.sagemaker.protocol.errors import AwsError, validation

_log = logging.getLogger(__name__)
_VERSION = "2020-12-01"
_PARAMETER_TYPES: Mapping[str, type] = {"String": str, "Integer": int, "Float": float, "Boolean": bool}
STEP_TYPES = ("Processing", "Training", "Condition", "Fail", "RegisterModel", "Model")

# Every step runs (nothing is cached) and none meets the faults of AWS's machines that the policies are for.
_IGNORED = frozenset({"CacheConfig", "RetryPolicies"})

Value = str | int | float | bool


@dataclass(frozen=True)
class Parameter:
    """A parameter of the pipeline; without a default it must be given at the start."""

    name: str
    type: str
    default: Value | None
    allowed: tuple[Value, ...]

    def parse(self, text: str) -> Value:
        """Turn the string of StartPipelineExecution into a value of the parameter's type."""
        try:
            value = _from_text(self.type, text)
        except ValueError as error:
            raise validation(f"Parameter {self.name!r} is of type {self.type}; {text!r} is none.") from error
        if self.allowed and value not in self.allowed:
            raise validation(f"Parameter {self.name!r} must be one of {list(self.allowed)}, not {text!r}.")
        return value


def _from_text(kind: str, text: str) -> Value:
    if kind == "Boolean":
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    value: Value = _PARAMETER_TYPES[kind](text)
    return value


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file in an output of a processing step, which later steps read with Std:JsonGet."""

    output: str
    path: str


@dataclass(frozen=True)
class Step:
    """One step; `then` and `otherwise` are the branches of a condition, `needs` all steps that it waits for."""

    name: str
    type: str
    arguments: Mapping[str, Any]
    needs: frozenset[str]
    property_files: Mapping[str, PropertyFile]
    display_name: str | None
    description: str | None
    then: tuple["Step", ...] = ()
    otherwise: tuple["Step", ...] = ()

    def all(self) -> Iterator["Step"]:
        """The step and everything in its branches."""
        yield self
        for inner in (*self.then, *self.otherwise):
            yield from inner.all()


@dataclass(frozen=True)
class Definition:
    """A checked pipeline definition."""

    parameters: Mapping[str, Parameter]
    steps: tuple[Step, ...]

    def values(self, given: Mapping[str, str]) -> dict[str, Value]:
        """The value of every parameter of an execution.

        Raises:
            AwsError: for an unknown, a missing or an ill-typed parameter.
        """
        unknown = sorted(given.keys() - self.parameters.keys())
        if unknown:
            raise validation(f"Parameters {unknown} are not defined in the pipeline; it has {list(self.parameters)}.")
        values: dict[str, Value] = {}
        for parameter in self.parameters.values():
            if parameter.name in given:
                values[parameter.name] = parameter.parse(given[parameter.name])
            elif parameter.default is not None:
                values[parameter.name] = parameter.default
            else:
                raise validation(f"Parameter {parameter.name!r} has no default value and was not given.")
        return values


def references(value: Any) -> Iterator[str]:
    """The paths of all `Get` expressions in a value."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "Get" and isinstance(item, str):
                yield item
            else:
                yield from references(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from references(item)


def parse(text: str) -> Definition:
    """Parse and check a definition.

    Raises:
        AwsError: a ValidationException that names what is wrong.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"it is not JSON: {error}") from error
    if not isinstance(raw, dict) or raw.get("Version") != _VERSION:
        raise _invalid(f"Version must be {_VERSION!r}")
    if not raw.get("Steps"):
        raise _invalid("it has no Steps")
    try:
        parameters = {item["Name"]: _parameter(item) for item in raw.get("Parameters", ())}
        definition = Definition(parameters=parameters, steps=tuple(_step(item) for item in raw["Steps"]))
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise _invalid(f"it does not follow the schema of version {_VERSION}: {error!r}") from error
    _check(definition)
    return definition


def _invalid(reason: str) -> AwsError:
    return validation(f"Unable to parse pipeline definition: {reason}.")


def _fits(value: object, expected: type) -> TypeGuard[Value]:
    if isinstance(value, bool):
        return expected is bool
    return isinstance(value, (float, int) if expected is float else expected)


def _parameter(raw: Mapping[str, Any]) -> Parameter:
    name, kind = raw["Name"], raw.get("Type")
    expected = _PARAMETER_TYPES.get(str(kind))
    if expected is None:
        raise _invalid(f"parameter {name!r} has the type {kind!r}, not one of {list(_PARAMETER_TYPES)}")
    default = raw.get("DefaultValue")
    if default is not None and not _fits(default, expected):
        raise _invalid(f"the DefaultValue of parameter {name!r} is no {kind}: {default!r}")
    allowed = tuple(raw.get("EnumValues", ()))
    if allowed and default is not None and default not in allowed:
        raise _invalid(f"the DefaultValue of parameter {name!r} is not in its EnumValues: {default!r}")
    return Parameter(name=name, type=str(kind), default=default, allowed=allowed)


def _step(raw: Mapping[str, Any]) -> Step:
    name, kind = raw.get("Name"), raw.get("Type")
    if not name or kind not in STEP_TYPES:
        raise _invalid(f"step {name!r} has the type {kind!r}; the sandbox runs {list(STEP_TYPES)}")
    for ignored in _IGNORED & raw.keys():
        _log.info("step %s: the sandbox ignores its %s", name, ignored)
    arguments = raw.get("Arguments", {})
    own = {key: value for key, value in arguments.items() if kind != "Condition" or key == "Conditions"}
    used = (path.split(".") for path in references(own))
    return Step(
        name=str(name),
        type=str(kind),
        arguments=own,
        needs=frozenset(raw.get("DependsOn", ())) | {parts[1] for parts in used if parts[0] == "Steps"},
        property_files={
            item["PropertyFileName"]: PropertyFile(output=item["OutputName"], path=item["FilePath"])
            for item in raw.get("PropertyFiles", ())
        },
        display_name=raw.get("DisplayName"),
        description=raw.get("Description"),
        then=_branch(arguments, "IfSteps", kind=kind),
        otherwise=_branch(arguments, "ElseSteps", kind=kind),
    )


def _branch(arguments: Mapping[str, Any], name: str, *, kind: str) -> tuple[Step, ...]:
    return tuple(_step(item) for item in arguments.get(name) or ()) if kind == "Condition" else ()


def _check(definition: Definition) -> None:
    steps = [step for top in definition.steps for step in top.all()]
    names = [step.name for step in steps]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _invalid(f"step names must be unique: {twice}")
    for step in steps:
        nested = sorted(inner.name for inner in (*step.then, *step.otherwise) if inner.type == "Condition")
        if nested:  # AWS page "Pipelines steps", condition step, limitations
            raise _invalid(f"condition steps cannot be nested: {nested} in {step.name!r}")
        missing = sorted(step.needs - set(names))
        if missing:
            raise _invalid(f"step {step.name!r} refers to steps that do not exist: {missing}")
        unknown = sorted(
            path.split(".")[1]
            for path in references(step.arguments)
            if path.startswith("Parameters.") and path.split(".")[1] not in definition.parameters
        )
        if unknown:
            raise _invalid(f"step {step.name!r} refers to parameters that do not exist: {unknown}")
    _check_acyclic(steps)


def _check_acyclic(steps: Sequence[Step]) -> None:
    waiting = {step.name: set(step.needs) for step in steps}
    for step in steps:
        for inner in (*step.then, *step.otherwise):
            waiting[inner.name].add(step.name)
    while waiting:
        ready = {name for name, needs in waiting.items() if not needs & waiting.keys()}
        if not ready:
            raise _invalid(f"these steps wait for each other: {sorted(waiting)}")
        for name in ready:
            del waiting[name]
