"""The dashboard's body, by the rules of the AWS page "Dashboard Body Structure and Syntax"."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from judged_windows import windows

from lambdas.shared.records import DeploymentStatus, RunStatus
from lambdas.start_training.answers import COUNTERS
from pipelines.steps.monitor import publish

ROOT = Path(__file__).resolve().parents[2]
PROPERTIES = {
    "text": ({"markdown"}, set()),
    "alarm": ({"alarms"}, {"title", "sortBy", "states"}),
    "metric": (
        {"metrics", "region"},
        {"view", "title", "sparkline", "annotations", "yAxis", "period", "stat", "legend", "setPeriodToTimeRange"},
    ),
}


@pytest.fixture(name="widgets")
def _widgets(monitoring: Any) -> list[Any]:
    body = monitoring.one("AWS::CloudWatch::Dashboard", "Overview")["DashboardBody"]
    separator, parts = body["Fn::Join"]
    widgets: list[Any] = json.loads(separator.join(part if isinstance(part, str) else "<token>" for part in parts))[
        "widgets"
    ]
    return widgets


def _metrics(widgets: list[Any]) -> list[Any]:
    return [metric for one in widgets for metric in one["properties"].get("metrics", [])]


def _expressions(widgets: list[Any]) -> list[str]:
    return [metric[0]["expression"] for metric in _metrics(widgets) if isinstance(metric[0], dict)]


def test_it_is_named_like_its_environment(monitoring: Any) -> None:
    assert monitoring.one("AWS::CloudWatch::Dashboard", "Overview")["DashboardName"] == "flights-sandbox"


def test_every_widget_has_the_properties_of_its_type_and_no_other(widgets: list[Any]) -> None:
    assert 10 < len(widgets) <= 500
    for widget in widgets:
        needed, allowed = PROPERTIES[widget["type"]]
        assert set(widget) == {"type", "x", "y", "width", "height", "properties"}
        assert needed <= set(widget["properties"]) <= needed | allowed


def test_the_widgets_lie_on_the_grid_and_cover_each_other_nowhere(widgets: list[Any]) -> None:
    cells = [
        (x, y)
        for one in widgets
        for x in range(one["x"], one["x"] + one["width"])
        for y in range(one["y"], one["y"] + one["height"])
    ]

    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))


def test_every_metric_is_a_list_of_names_that_ends_with_its_options(widgets: list[Any]) -> None:
    for metric in _metrics(widgets):
        *names, options = metric
        assert isinstance(options, dict)
        assert all(isinstance(name, str) for name in names)
        assert len(names) % 2 == 0
        assert names or "expression" in options
        assert options["label"]


def test_every_metric_that_the_monitor_publishes_is_shown_under_its_own_dimensions(widgets: list[Any]) -> None:
    shown = [metric for metric in _metrics(widgets) if metric[0] == publish.NAMESPACE]
    published = [one for judgement in windows(9) for one in publish.metrics(judgement)]
    (dimensions,) = {
        tuple(sorted(dimension["Name"] for dimension in one["Dimensions"]))
        for one in published
        if "Feature" not in {dimension["Name"] for dimension in one["Dimensions"]}
    }

    assert {metric[1] for metric in shown} == {one["MetricName"] for one in published}
    assert {tuple(metric[2:-1:2]) for metric in shown} == {dimensions}


def test_each_feature_is_found_when_the_dashboard_is_opened(widgets: list[Any]) -> None:
    (search,) = (one for one in _expressions(widgets) if "Feature}" in one)

    assert search == (
        'SEARCH(\'{Tandem/Monitoring,Project,Environment,Endpoint,Feature} MetricName="FeatureDrift" '
        'Project="flights" Environment="sandbox" Endpoint="flights-sandbox"\', \'Maximum\')'
    )


def test_every_counter_is_one_that_a_handler_counts(widgets: list[Any]) -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "lambdas").rglob("*.py"))
    counted = set(re.findall(r'count\("([A-Za-z]+)"', sources))
    outcomes = {  # spelled from the outcome's name, or listed by it
        *COUNTERS.values(),
        *(f"Deployments{status.title().replace('_', '')}" for status in DeploymentStatus),
        *(f"Runs{status.title().replace('_', '')}" for status in RunStatus),
    }
    asked = set(re.findall(r'{Tandem,environment,project,service} MetricName="(\w+)"', "".join(_expressions(widgets))))

    assert {"RunsStarted", "DeploymentsRequested"} <= asked
    assert asked - outcomes <= counted


def test_every_queue_of_the_loop_is_watched(sandbox: Any, monitoring: Any, widgets: list[Any]) -> None:
    body = json.dumps(monitoring.one("AWS::CloudWatch::Dashboard", "Overview")["DashboardBody"])
    of_schedules = "WatchDeadLetters"
    queues = [
        name
        for stack in ("Training", "Serving")
        for name in sandbox[stack].all("AWS::SQS::Queue")
        if not name.startswith(of_schedules)
    ]
    shown = [metric for metric in _metrics(widgets) if metric[0] == "AWS/SQS"]

    assert len(shown) == len(queues) == 8
    assert all(f"GetAtt{name}QueueName" in body for name in queues)


def test_it_shows_the_limits_that_the_alarms_use(monitoring: Any, widgets: list[Any]) -> None:
    shown = {
        line["value"] for one in widgets for line in one["properties"].get("annotations", {}).get("horizontal", [])
    }
    thresholds = {
        one["Threshold"]
        for one in monitoring.all("AWS::CloudWatch::Alarm").values()
        if one["MetricName"] in {"FeatureDrift", "PredictionDrift", "QualityDrop", "ViolationShare"}
    }

    assert shown == thresholds


def test_it_names_the_commands_that_answer_what_a_graph_cannot(widgets: list[Any]) -> None:
    (text,) = (one["properties"]["markdown"] for one in widgets if one["type"] == "text")

    for command in ("status", "history", "lineage VERSION"):
        assert f"`python -m ops {command} --project flights --environment sandbox`" in text
