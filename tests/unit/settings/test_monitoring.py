import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from stacks.errors import SettingsError
from stacks.settings import load_projects, select
from stacks.settings.model import Monitoring
from stacks.settings.monitoring_rules import periods_without_a_run

FILE = "pipelines/projects/flights/project.toml"


@dataclass(frozen=True)
class Case:
    """One mistake: `old` of the shipped file becomes `new`; the message must be exactly `message`."""

    name: str
    old: str
    new: str
    message: str


CASES = (
    Case(
        "unknown engine",
        'engine = "arrow"',
        'engine = "polars"',
        'monitoring.engine: not allowed (given: "polars"). Allowed: one of "arrow", "spark".',
    ),
    Case(
        "no schedule",
        'schedule = "cron(15 1 * * ? *)"',
        'schedule = "daily"',
        'monitoring.schedule: not allowed (given: "daily"). Allowed: a schedule of EventBridge Scheduler in UTC that '
        'has no end, such as "rate(1 day)" or "cron(15 1 * * ? *)": minutes, hours, day of the month, month, day of '
        'the week, year; "?" in one of the day fields, "*" as the year.',
    ),
    Case(
        "a schedule whose pause no alarm can watch",
        'schedule = "cron(15 1 * * ? *)"',
        'schedule = "rate(7 days)"',
        'monitoring.schedule: not allowed (given: "rate(7 days)"). Allowed: a run every 142 hours at least where '
        "retain is true, because a CloudWatch alarm looks back 7 days and nobody would hear that the monitor has "
        "stopped.",
    ),
    Case(
        "more bad windows than windows",
        "alarm_windows = 3",
        "alarm_windows = 6",
        "monitoring.alarm_windows: not allowed (given: 6). Allowed: at most monitoring.alarm_of (5), the windows among "
        "which they are counted.",
    ),
    Case(
        "more windows than an alarm looks back",
        "alarm_of = 5",
        "alarm_of = 8",
        "monitoring.alarm_of: not allowed (given: 8). Allowed: at most 7, because a CloudWatch alarm looks back 7 days "
        'and monitoring.window is "day".',
    ),
    Case(
        "labels that come after the captured requests are gone",
        "label_windows = 14",
        "label_windows = 84",
        "monitoring.label_windows: not allowed (given: 84). Allowed: at most 83, because captured requests are kept "
        "for 90 days and monitoring.span is 7.",
    ),
    Case(
        "instances that have nothing to do",
        "max_model_age_days = 180",
        "instance_count = 2",
        'monitoring.instance_count: not allowed (given: 2). Allowed: 1, because only monitoring.engine "spark" shares '
        "the work between instances.",
    ),
    Case(
        "an ignored column that requests do not have",
        "max_model_age_days = 180",
        'ignore = ["distance", "orgin"]',
        'monitoring.ignore.1: not allowed (given: "orgin"). Allowed: inputs of contract.json: time_hour, '
        "sched_dep_time, origin, dest, carrier, distance, temp, dewp, humid, wind_dir, wind_speed, wind_gust, precip, "
        'pressure, visib, plane_year, seats. Did you mean "origin"?',
    ),
    Case(
        "a column ignored twice",
        "max_model_age_days = 180",
        'ignore = ["distance", "distance"]',
        'monitoring.ignore.1: not allowed (given: "distance"). Allowed: every input once.',
    ),
    Case(
        "a limit that nothing can exceed",
        "max_drift = 0.4",
        "max_drift = 1.0",
        "monitoring.max_drift: not allowed (given: 1.0). Allowed: a number, greater than 0 and less than 1.",
    ),
    Case(
        "a span without a window",
        "span = 7",
        "span = 0",
        "monitoring.span: not allowed (given: 0). Allowed: a whole number, at least 1 and at most 31.",
    ),
    Case(
        "an engine of one environment",
        "[environments.year.monitoring]",
        '[environments.year.monitoring]\nengine = "spark"',
        'environments.year.monitoring.engine: unknown key (given: "spark"). Allowed: schedule, window, span, '
        "grace_minutes, min_rows, max_drift, max_prediction_drift, max_quality_drop, label_windows, min_labels, "
        "max_violation_share, alarm_windows, alarm_of, max_model_age_days, ignore, instance_type, instance_count, "
        "max_runtime_minutes.",
    ),
    Case(
        "data where the labels of live traffic arrive",
        'prefix = "data/"',
        'prefix = "ground-truth/"',
        'data.prefix: not allowed (given: "ground-truth/"). Allowed: a prefix other than "ground-truth/", where the '
        "labels of live traffic arrive.",
    ),
    Case(
        "unknown use of new data",
        'new_data = "always"',
        'new_data = "never"',
        'retraining.new_data: not allowed (given: "never"). Allowed: one of "always", "first".',
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_in_the_monitor_is_one_message_with_key_value_and_fix(
    case: Case, shipped: str, refusal: Callable[..., str]
) -> None:
    assert case.old in shipped
    assert refusal(shipped.replace(case.old, case.new, 1)) == f"{FILE}: {case.message}"


def test_an_environment_watches_with_its_own_limits(shipped: str, write_project: Callable[..., Path]) -> None:
    root = write_project(f"{shipped}\n[environments.sandbox.monitoring]\nmax_drift = 0.3\nignore = ['seats']\n")

    every = select(load_projects(root), project=None, environment=None)
    sandbox, _, production, year = (one.monitoring for one in every)

    assert (sandbox.max_drift, production.max_drift, year.max_drift) == (0.3, 0.4, 0.4)
    assert (sandbox.ignore, production.ignore) == (["seats"], [])
    assert sandbox.schedule == production.schedule != year.schedule


def test_ignored_inputs_that_do_not_fit_into_one_argument_of_a_job_are_refused(
    shipped: str, write_project: Callable[..., Path]
) -> None:
    names = [f"{'x' * 100}{number}" for number in range(3)]
    root = write_project(shipped.replace("max_model_age_days = 180", f"ignore = {json.dumps(names)}"))
    contract = root / "pipelines" / "projects" / "flights" / "contract.json"
    inputs = [{"name": name, "type": "number"} for name in [*names, "origin"]]
    contract.write_text(json.dumps(json.loads(contract.read_text("utf-8")) | {"inputs": inputs}))

    with pytest.raises(SettingsError, match=r"monitoring\.ignore: not allowed \(given: 3 entries\)\. Allowed: fewer"):
        load_projects(root)


def test_spark_may_use_several_instances(shipped: str, write_project: Callable[..., Path]) -> None:
    spark = shipped.replace('engine = "arrow"', 'engine = "spark"\ninstance_count = 4')

    (production,) = select(load_projects(write_project(spark)), project=None, environment="production")

    assert (production.monitoring.engine, production.monitoring.instance_count) == ("spark", 4)


def test_hours_allow_more_windows_than_days(shipped: str, write_project: Callable[..., Path]) -> None:
    hourly = shipped.replace('window = "day"', 'window = "hour"').replace("alarm_of = 5", "alarm_of = 168")

    (production,) = select(load_projects(write_project(hourly)), project=None, environment="production")

    assert production.monitoring.alarm_of == 168


@pytest.mark.parametrize(
    ("changes", "periods"),
    [
        ({}, 3),
        ({"grace_minutes": 0, "max_runtime_minutes": 60, "schedule": "rate(23 hours)"}, 2),
        ({"window": "hour", "schedule": "cron(15 * * * ? *)"}, 4),
        ({"schedule": "cron(0 1 ? * MON-FRI *)"}, 5),
        ({"schedule": "cron(0 1 1,16 * ? *)"}, None),
    ],
)
def test_the_monitor_has_stopped_when_even_its_latest_run_is_overdue(
    changes: dict[str, object], periods: int | None
) -> None:
    assert periods_without_a_run(Monitoring.model_validate(changes)) == periods
