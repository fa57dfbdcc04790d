"""The recorded pipeline definition, made fit for a replay: it trains and judges, and registers nothing.

Schema: aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema, version 2020-12-01.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ops.errors import OpsError

_REGISTERS = frozenset({"RegisterModel", "Model"})
_JOBS = frozenset({"Processing", "Training"})


def for_replay(text: str, *, code_uri: str, replayed_code_uri: str, role_arn: str, present: str) -> str:
    """Return the definition without the gate and all that follows it.

    Every step reads the code bundle from the copy, runs under the pipeline's present role, in its present network and
    on volumes with its present key, and really runs: a step cache would hand out the recorded result instead of making
    it again. ``present`` is the definition that is deployed.

    Raises:
        OpsError: It is no definition, or nothing is left of it.
    """
    definition = _read(text, which="recorded")
    steps, deployed = definition["Steps"], _read(present, which="deployed")["Steps"]
    network, volume_key = _network(deployed), _volume_key(deployed)
    kept = _without(steps, _unwanted(steps))
    if not kept:
        raise OpsError("the recorded pipeline definition holds no step before the registration")
    definition["Steps"] = _prepared(kept, code_uri=code_uri, replayed_code_uri=replayed_code_uri, role_arn=role_arn)
    for step in _all_steps(definition["Steps"]):
        _move(step, network)
        if volume_key is not None:
            _encrypt(step, volume_key)
    return json.dumps(definition)


def _read(text: str, *, which: str) -> Any:
    try:
        definition = json.loads(text)
        for step in _all_steps(definition["Steps"]):
            _check(step)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise OpsError(f"the {which} pipeline definition cannot be read: {error!r}") from error
    return definition


def _check(step: Mapping[str, Any]) -> None:
    waits = step.get("DependsOn", [])
    if not all(isinstance(text, str) for text in (step["Name"], step["Type"], *waits)) or not isinstance(waits, list):
        raise TypeError(f"Name, Type or DependsOn of step {step['Name']!r}")
    for what, place in (
        ("Arguments", step["Arguments"]),
        ("NetworkConfig", _place(step)),
        ("machines", _machines(step)),
    ):
        if not isinstance(place, dict):
            raise TypeError(f"{what} of step {step['Name']!r}")
    if not all(len(path.split(".")) > 1 for path in _gets(step["Arguments"]) if path.split(".")[0] == "Steps"):
        raise ValueError(f"an expression of step {step['Name']!r}")


def code_uri(text: str, *, bundle: str) -> str:
    """Find the address of the code bundle in a definition.

    Raises:
        OpsError: It is no definition, or no step reads such a bundle.
    """
    definition = _read(text, which="recorded")
    found = {value for value in _texts(definition) if value.startswith("s3://") and value.endswith(f"/{bundle}")}
    if len(found) != 1:
        raise OpsError(f"the recorded pipeline definition should read one code bundle {bundle}, it reads {len(found)}")
    return found.pop()


def _all_steps(steps: list[Any]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        for branch in _branches(step):
            yield from _all_steps(branch)


def _network(steps: list[Any]) -> Any:
    """Find the network that jobs run in (``VpcConfig``); none is SageMaker's own."""
    places = [_place(step).get("VpcConfig") for step in _all_steps(steps) if step["Type"] in _JOBS]
    return next((place for place in places if place is not None), None)


def _move(step: dict[str, Any], network: Any) -> None:
    if step["Type"] not in _JOBS:
        return
    place = dict(_place(step))
    place.pop("VpcConfig", None)
    if network is not None:
        place["VpcConfig"] = network
    if step["Type"] == "Training":
        step["Arguments"] = place
    elif place or "NetworkConfig" in step["Arguments"]:
        step["Arguments"] = {**step["Arguments"], "NetworkConfig": place}


def _place(step: Mapping[str, Any]) -> Mapping[str, Any]:
    """What holds the network of a job (API reference, CreateTrainingJob and CreateProcessingJob)."""
    arguments: Mapping[str, Any] = step["Arguments"]
    return arguments if step["Type"] == "Training" else arguments.get("NetworkConfig") or {}


def _volume_key(steps: list[Any]) -> Any:
    """Find the key of the jobs' storage volumes; none is SageMaker's own."""
    keys = [_machines(step).get("VolumeKmsKeyId") for step in _all_steps(steps)]
    return next((key for key in keys if key is not None), None)


def _encrypt(step: dict[str, Any], key: Any) -> None:
    if machines := _machines(step):
        machines["VolumeKmsKeyId"] = key


def _machines(step: Mapping[str, Any]) -> dict[str, Any]:
    """What a job runs on (API reference, ResourceConfig and ProcessingClusterConfig); empty for other steps."""
    arguments = step["Arguments"]
    if step["Type"] == "Training":
        machines = arguments.get("ResourceConfig")
    else:
        machines = (arguments.get("ProcessingResources") or {}).get("ClusterConfig")
    return {} if machines is None else machines


def _branches(step: Mapping[str, Any]) -> list[list[Any]]:
    if step.get("Type") != "Condition":
        return []
    return [step["Arguments"].get(name) or [] for name in ("IfSteps", "ElseSteps")]


def _unwanted(steps: list[Any]) -> set[str]:
    """Name what registers, the conditions that directly decide on it, and what waits for any of them."""
    everything = list(_all_steps(steps))
    unwanted = {step["Name"] for step in everything if step["Type"] in _REGISTERS}
    unwanted |= {
        step["Name"]
        for step in everything
        if any(inner["Name"] in unwanted for branch in _branches(step) for inner in branch)
    }
    while more := {step["Name"] for step in everything if step["Name"] not in unwanted and _needs(step) & unwanted}:
        unwanted |= more
    return unwanted


def _needs(step: Mapping[str, Any]) -> set[str]:
    own = {name: value for name, value in step["Arguments"].items() if name not in {"IfSteps", "ElseSteps"}}
    paths = [value.split(".") for value in _gets(own)]
    return set(step.get("DependsOn", ())) | {path[1] for path in paths if path[0] == "Steps"}


def _gets(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("Get"), str):
            yield value["Get"]
        for item in value.values():
            yield from _gets(item)
    elif isinstance(value, list):
        for item in value:
            yield from _gets(item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _without(steps: list[Any], unwanted: set[str]) -> list[Any]:
    kept = []
    for step in steps:
        if step["Name"] in unwanted:
            continue
        arguments = dict(step["Arguments"])
        for name in ("IfSteps", "ElseSteps"):
            if step["Type"] == "Condition" and name in arguments:
                arguments[name] = _without(arguments[name] or [], unwanted)
        kept.append({**step, "Arguments": arguments})
    return kept


def _prepared(value: Any, *, code_uri: str, replayed_code_uri: str, role_arn: str) -> Any:
    if isinstance(value, dict):
        return {
            key: role_arn
            if key == "RoleArn"
            else _prepared(item, code_uri=code_uri, replayed_code_uri=replayed_code_uri, role_arn=role_arn)
            for key, item in value.items()
            if key != "CacheConfig"
        }
    if isinstance(value, list):
        return [
            _prepared(item, code_uri=code_uri, replayed_code_uri=replayed_code_uri, role_arn=role_arn) for item in value
        ]
    return replayed_code_uri if value == code_uri else value
