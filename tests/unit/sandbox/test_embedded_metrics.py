"""Metrics in lines of a log, as CloudWatch takes them out."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.cloudwatch.gathering import Gatherer, Series, dimensions, embedded

NOW = datetime(2013, 7, 1, tzinfo=UTC)
PLACE = dimensions(service="application", environment="sandbox")


def line(**changes: Any) -> str:
    """A line as Powertools writes it."""
    directive = {
        "Namespace": "Tandem",
        "Dimensions": [["environment", "service"]],
        "Metrics": [{"Name": "PredictionErrors", "Unit": "Count"}],
    }
    document = {
        "_aws": {"Timestamp": 1, "CloudWatchMetrics": [{**directive, **changes.pop("directive", {})}]},
        "environment": "sandbox",
        "service": "application",
        "PredictionErrors": [1.0],
    }
    return json.dumps({**document, **changes})


def test_a_line_yields_its_metric_with_its_dimensions() -> None:
    assert list(embedded(line())) == [(Series("Tandem", "PredictionErrors", "Count", PLACE), 1.0)]


def test_a_number_is_one_value_and_a_list_is_many() -> None:
    assert [value for _, value in embedded(line(PredictionErrors=0))] == [0.0]
    assert [value for _, value in embedded(line(PredictionErrors=[1, 0, 1]))] == [1.0, 0.0, 1.0]


def test_each_set_of_dimensions_is_a_series_of_its_own() -> None:
    found = embedded(line(directive={"Dimensions": [["service"], [], ["service", "environment"]]}))
    assert [series.dimensions for series, _ in found] == [dimensions(service="application"), (), PLACE]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain text about CloudWatchMetrics",
        '{"message": "\\"CloudWatchMetrics\\""}',
        line()[:-1],
        json.dumps({"_aws": {"CloudWatchMetrics": None}}),
        json.dumps({"_aws": {"CloudWatchMetrics": [None, 1, {}]}}),
        line(directive={"Dimensions": [["missing"]]}),
        line(directive={"Metrics": [{"Name": "missing"}]}),
        line(PredictionErrors="many"),
    ],
)
def test_a_line_that_breaks_the_format_yields_nothing(text: str) -> None:
    assert list(embedded(text)) == []


def test_many_lines_become_few_data_with_the_time_of_the_sandbox() -> None:
    written: list[dict[str, Any]] = []
    gatherer = Gatherer(lambda **request: written.append(request), now=lambda: NOW, interval=3600)
    gatherer.add_log("\n".join(["START", *[line(PredictionErrors=0)] * 300, line(), "END"]))
    gatherer.add([(Series("Other", "Count", "Count", ()), 2.0)])
    gatherer.flush()
    named = [{"Name": "environment", "Value": "sandbox"}, {"Name": "service", "Value": "application"}]
    common = {"Unit": "Count", "Timestamp": NOW}
    assert sorted(written, key=lambda request: str(request["Namespace"])) == [
        {
            "Namespace": "Other",
            "MetricData": [
                {"MetricName": "Count", "Dimensions": [], "Values": [2.0], "Counts": [1.0], **common},
            ],
        },
        {
            "Namespace": "Tandem",
            "MetricData": [
                {
                    "MetricName": "PredictionErrors",
                    "Dimensions": named,
                    "Values": [0.0, 1.0],
                    "Counts": [300.0, 1.0],
                    **common,
                }
            ],
        },
    ]
    written.clear()
    gatherer.stop()
    assert written == []


def test_more_values_than_a_datum_takes_are_written_in_several() -> None:
    written: list[dict[str, Any]] = []
    gatherer = Gatherer(lambda **request: written.append(request), now=lambda: NOW, interval=3600)
    gatherer.add([(Series("Other", "Latency", "Milliseconds", ()), float(value)) for value in range(151)])
    gatherer.stop()
    assert [len(datum["Values"]) for datum in written[0]["MetricData"]] == [150, 1]
