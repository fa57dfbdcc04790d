import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from stacks.settings import RETRAINING_ALARMS, AlarmKind

ROOT = Path(__file__).resolve().parents[2]
KINDS = get_args(AlarmKind)


@dataclass(frozen=True)
class Decision:
    """What was decided about one alarm: metric, comparison, limit, N of M windows, and a window without data."""

    metric: str
    comparison: str
    limit: float
    bad: int
    of: int
    missing: str


DECISIONS = {
    "drift": Decision("FeatureDrift", "GreaterThanThreshold", 0.4, 3, 5, "ignore"),
    "prediction-drift": Decision("PredictionDrift", "GreaterThanThreshold", 0.1, 3, 5, "ignore"),
    "quality": Decision("QualityDrop", "GreaterThanThreshold", 0.1, 3, 5, "ignore"),
    "data-quality": Decision("ViolationShare", "GreaterThanThreshold", 0.01, 3, 5, "ignore"),
    "no-traffic": Decision("Rows", "LessThanThreshold", 1, 3, 3, "ignore"),
    "monitor-stopped": Decision("MonitorRuns", "LessThanThreshold", 1, 3, 3, "breaching"),
    "model-age": Decision("ModelAgeDays", "GreaterThanThreshold", 180, 1, 1, "ignore"),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def _alarms(template: Any, stage: str) -> dict[str, Any]:
    named = (one for one in template.all("AWS::CloudWatch::Alarm").values() if "AlarmName" in one)
    return {one["AlarmName"].removeprefix(f"{stage}-"): one for one in named}


@pytest.fixture(name="alarms")
def _sandbox_alarms(monitoring: Any) -> dict[str, Any]:
    return _alarms(monitoring, "flights-sandbox")


def test_there_is_one_alarm_of_each_kind_and_its_name_is_an_output(monitoring: Any, alarms: dict[str, Any]) -> None:
    names = monitoring.body["Outputs"]["AlarmNames"]["Value"].split(",")

    assert set(alarms) == set(KINDS) == {name.removeprefix("flights-sandbox-") for name in names}


@every_kind
def test_an_alarm_decides_limit_windows_and_missing_data(alarms: dict[str, Any], kind: str) -> None:
    alarm = alarms[kind]

    assert DECISIONS[kind] == Decision(
        alarm["MetricName"],
        alarm["ComparisonOperator"],
        alarm["Threshold"],
        alarm["DatapointsToAlarm"],
        alarm["EvaluationPeriods"],
        alarm["TreatMissingData"],
    )


@every_kind
def test_an_alarm_is_about_the_whole_endpoint_one_window_at_a_time(alarms: dict[str, Any], kind: str) -> None:
    alarm = alarms[kind]

    assert (alarm["Namespace"], alarm["Period"], alarm["Statistic"]) == ("Tandem/Monitoring", 86_400, "Maximum")
    assert {one["Name"]: one["Value"] for one in alarm["Dimensions"]} == {
        "Project": "flights",
        "Environment": "sandbox",
        "Endpoint": "flights-sandbox",
    }


@every_kind
def test_people_hear_when_an_alarm_goes_on_and_when_it_goes_off(alarms: dict[str, Any], kind: str) -> None:
    for actions in (alarms[kind]["AlarmActions"], alarms[kind]["OKActions"]):
        (action,) = actions
        assert "NotificationsTopic" in action["Fn::ImportValue"]


@every_kind
def test_an_alarm_says_what_happened_and_names_a_runbook_that_exists(alarms: dict[str, Any], kind: str) -> None:
    description = alarms[kind]["AlarmDescription"]
    runbook = f"docs/runbooks/{kind}.md"

    assert description.endswith(f"Runbook: {runbook}")
    assert (ROOT / runbook).is_file()
    assert len(description) <= 1024
    assert ("A training run has been asked for" in description) == (kind in RETRAINING_ALARMS)


@every_kind
def test_the_decision_is_in_the_table_for_operators(kind: str) -> None:
    table = (ROOT / "docs" / "operating.md").read_text("utf-8")

    (row,) = (line for line in table.splitlines() if line.startswith(f"| `{kind}` |"))
    assert f"runbooks/{kind}.md" in row
    assert DECISIONS[kind].metric in row


def test_limits_and_windows_come_from_the_environment(synthesize: Any) -> None:
    limits = (
        "max_drift = 0.2\nmax_prediction_drift = 0.3\nmax_quality_drop = 0.4\nmax_violation_share = 0.5\n"
        'max_model_age_days = 6\nalarm_windows = 7\nalarm_of = 8\nwindow = "hour"\nschedule = "cron(15 * * * ? *)"\n'
    )
    changed = synthesize(lambda text: f"{text}\n[environments.sandbox.monitoring]\n{limits}", environment="sandbox")
    alarms = _alarms(changed.template("flights-sandbox", "Monitoring"), "flights-sandbox")

    assert {kind: one["Threshold"] for kind, one in alarms.items()} == {
        "drift": 0.2,
        "prediction-drift": 0.3,
        "quality": 0.4,
        "data-quality": 0.5,
        "no-traffic": 1,
        "monitor-stopped": 1,
        "model-age": 6,
    }
    assert {one["Period"] for one in alarms.values()} == {3600}
    assert (alarms["drift"]["DatapointsToAlarm"], alarms["drift"]["EvaluationPeriods"]) == (7, 8)
    assert (alarms["no-traffic"]["DatapointsToAlarm"], alarms["no-traffic"]["EvaluationPeriods"]) == (7, 7)
    assert alarms["monitor-stopped"]["EvaluationPeriods"] == 4


def test_where_the_monitor_pauses_longer_than_a_week_no_alarm_can_tell_that_it_stopped(assembly: Any) -> None:
    year = _alarms(assembly.template("flights-year", "Monitoring"), "flights-year")

    assert set(KINDS) - set(year) == {"monitor-stopped"}


def test_every_alarm_looks_back_no_further_than_cloudwatch_allows(assembly: Any) -> None:
    for file in assembly.templates():
        for resource in json.loads(file.read_text("utf-8"))["Resources"].values():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                properties = resource["Properties"]
                longest = 7 * 86_400 if properties["Period"] >= 3600 else 86_400
                assert properties["Period"] * properties["EvaluationPeriods"] <= longest
