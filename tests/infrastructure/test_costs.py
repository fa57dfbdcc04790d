"""docs/costs.toml counts what the templates hold."""

import json
from typing import Any

import pytest

from benchmarks import costs
from stacks.constructs.network import INTERFACES, ZONES


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Alarms", "AWS::CloudWatch::Alarm"), ("Dashboard", "AWS::CloudWatch::Dashboard"), ("Key", "AWS::KMS::Key")],
)
def test_as_many_of_them_are_paid_for_as_are_deployed(assembly: Any, name: str, kind: str) -> None:
    files = assembly.folder.glob("assembly-flights-production/*.template.json")
    templates = [json.loads(file.read_text("utf-8")) for file in files]
    deployed = [
        logical_id
        for template in templates
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
    ]
    (component,) = (each for each in costs.load().of("environment") if each.name == name)
    assert len(deployed) == component.quantity


def test_the_alarms_of_both_pipelines_are_paid_for(assembly: Any) -> None:
    deployed = [
        alarm for side in ("application", "ml") for alarm in assembly.delivery(side).all("AWS::CloudWatch::Alarm")
    ]
    (component,) = (each for each in costs.load().of("tooling") if each.name == "Alarms")

    assert len(deployed) == component.quantity


def test_an_isolated_network_is_paid_for_by_endpoint_and_zone() -> None:
    known = costs.load()
    (component,) = known.of("isolated")
    assert component.quantity == len(INTERFACES) * ZONES * known.hours
