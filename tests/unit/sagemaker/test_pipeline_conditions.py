"""Pipelines: which branch a condition takes, and what becomes of the other."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from .steps import WRITE, fail_step
from .world import World


def _gate(world: World, content: str, condition: Mapping[str, Any]) -> str:
    evaluate = world.processing_step(
        "Evaluate",
        WRITE,
        content,
        PropertyFiles=[{"PropertyFileName": "evaluation", "OutputName": "out", "FilePath": "result.json"}],
    )
    gate = {
        "Name": "Gate",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [condition],
            "IfSteps": [world.processing_step("Promote", "")],
            "ElseSteps": [{"Name": "Keep", "Type": "Fail", "Arguments": {"ErrorMessage": "kept"}}],
        },
    }
    return world.create_pipeline(evaluate, gate)


def _json_get(path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.evaluation"}, "Path": path}}


@pytest.mark.parametrize("promote", [True, False])
def test_a_condition_on_a_property_file_takes_one_branch(world: World, promote: bool) -> None:  # noqa: FBT001
    condition = {"Type": "Equals", "LeftValue": _json_get("gate.promote"), "RightValue": True}
    status, steps = world.run(_gate(world, json.dumps({"gate": {"promote": promote}}), condition))
    assert steps["Gate"]["Metadata"] == {"Condition": {"Outcome": str(promote)}}
    if promote:
        assert status == "Succeeded"
        assert set(steps) == {"Evaluate", "Gate", "Promote"}
    else:
        assert status == "Failed"
        assert set(steps) == {"Evaluate", "Gate", "Keep"}
        assert steps["Keep"]["FailureReason"] == "kept"


@pytest.mark.parametrize("accepted", [True, False])
def test_a_fail_step_says_what_an_earlier_step_wrote_and_nothing_behind_the_other_branch_runs(
    world: World,
    accepted: bool,  # noqa: FBT001
) -> None:
    evaluate = world.processing_step(
        "Evaluate",
        WRITE,
        json.dumps({"accepted": accepted, "summary": "a.parquet: column 'x' is missing"}),
        PropertyFiles=[{"PropertyFileName": "evaluation", "OutputName": "out", "FilePath": "result.json"}],
    )
    message = {"Std:Join": {"On": "", "Values": ["refused: ", _json_get("summary")]}}
    accept = {
        "Name": "Accept",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [{"Type": "Equals", "LeftValue": _json_get("accepted"), "RightValue": True}],
            "IfSteps": [world.processing_step("Prepare", "")],
            "ElseSteps": [{"Name": "Reject", "Type": "Fail", "Arguments": {"ErrorMessage": message}}],
        },
    }
    after = world.processing_step("After", "", DependsOn=["Prepare"])
    status, steps = world.run(world.create_pipeline(evaluate, accept, after))
    if accepted:
        assert (status, set(steps)) == ("Succeeded", {"Evaluate", "Accept", "Prepare", "After"})
    else:
        assert (status, set(steps)) == ("Failed", {"Evaluate", "Accept", "Reject"})
        said = "refused: a.parquet: column 'x' is missing"
        assert steps["Reject"]["Metadata"] == {"Fail": {"ErrorMessage": said}}
        assert steps["Reject"]["FailureReason"] == said


def test_a_branch_with_nothing_to_do_succeeds(world: World) -> None:
    condition = {"Type": "Equals", "LeftValue": 1, "RightValue": 2}
    gate = {"Name": "Gate", "Type": "Condition", "Arguments": {"Conditions": [condition], "IfSteps": [fail_step("no")]}}
    status, steps = world.run(world.create_pipeline(gate))
    assert (status, list(steps)) == ("Succeeded", ["Gate"])


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"Type": "GreaterThan", "LeftValue": 2, "RightValue": 1.5}, True),
        ({"Type": "GreaterThanOrEqualTo", "LeftValue": 2, "RightValue": 2}, True),
        ({"Type": "LessThan", "LeftValue": 2, "RightValue": 2}, False),
        ({"Type": "LessThanOrEqualTo", "LeftValue": _json_get("list[1].value"), "RightValue": 7}, True),
        ({"Type": "In", "QueryValue": _json_get("name"), "Values": ["a", "b"]}, True),
        ({"Type": "Not", "Expression": {"Type": "Equals", "LeftValue": "x", "RightValue": "x"}}, False),
        ({"Type": "Or", "Conditions": [{"Type": "Equals", "LeftValue": True, "RightValue": 1}]}, False),
    ],
)
def test_every_kind_of_condition(world: World, condition: Mapping[str, Any], holds: bool) -> None:  # noqa: FBT001
    content = json.dumps({"name": "b", "list": [{}, {"value": 7}]})
    _, steps = world.run(_gate(world, content, condition))
    assert steps["Gate"]["Metadata"]["Condition"]["Outcome"] == str(holds)


def test_a_path_that_leads_nowhere_fails_the_step_and_names_the_path(world: World) -> None:
    condition = {"Type": "Equals", "LeftValue": _json_get("gate.promote"), "RightValue": True}
    status, steps = world.run(_gate(world, "{}", condition))
    assert status == "Failed"
    assert "gate.promote" in steps["Gate"]["FailureReason"]
