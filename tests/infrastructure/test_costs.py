"""docs/costs.toml counts what the templates hold."""

import json
from pathlib import Path
from typing import Any

import pytest

from docgen import costs
from stacks.constructs.network import INTERFACES, ZONES

METRICS_OF_A_ROUTE = 6
KNOWN = costs.load(Path(__file__).parents[2] / costs.DATA)


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
    (component,) = (each for each in KNOWN.of("environment") if each.name == name)
    assert len(deployed) == component.quantity


def test_the_alarms_of_both_pipelines_are_paid_for(assembly: Any) -> None:
    deployed = [
        alarm for side in ("application", "ml") for alarm in assembly.delivery(side).all("AWS::CloudWatch::Alarm")
    ]
    (component,) = (each for each in KNOWN.of("tooling") if each.name == "Alarms")

    assert len(deployed) == component.quantity


def test_every_metric_by_route_is_paid_for(assembly: Any) -> None:
    """AWS page "Working with metrics for HTTP APIs": six metrics; those of a route only where they are asked for."""
    templates = [
        json.loads(file.read_text("utf-8"))["Resources"].values()
        for file in assembly.folder.glob("assembly-flights-production/*.template.json")
    ]
    resources = [resource for template in templates for resource in template]
    (stage,) = (each for each in resources if each["Type"] == "AWS::ApiGatewayV2::Stage")
    assert stage["Properties"]["DefaultRouteSettings"]["DetailedMetricsEnabled"]
    routes = [each for each in resources if each["Type"] == "AWS::ApiGatewayV2::Route"]
    (component,) = (each for each in KNOWN.of("environment") if each.name == "Metrics of routes")

    assert component.quantity == METRICS_OF_A_ROUTE * len(routes)


def test_an_isolated_network_is_paid_for_by_endpoint_and_zone() -> None:
    (component,) = (each for each in KNOWN.of("isolated") if each.name == "Interface endpoints")
    assert component.quantity == len(INTERFACES) * ZONES * KNOWN.hours
