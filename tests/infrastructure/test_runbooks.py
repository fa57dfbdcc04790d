"""Whoever is woken by an alarm finds a page that says what to do, and the page says all of it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ops.__main__ import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
SECTIONS = [
    "What it means",
    "How to see it",
    "What to do first",
    "How to make it good",
    "How to know that it is good",
]
ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@pytest.fixture(name="alarms", scope="module")
def _alarms(assembly: Any) -> Mapping[str, Mapping[str, Any]]:
    """Every alarm of every template, those that a delivery pipeline deploys included."""
    return {
        f"{file.parent.name}/{file.name}: {name}": resource["Properties"]
        for file in assembly.templates()
        for name, resource in json.loads(file.read_text("utf-8"))["Resources"].items()
        if resource["Type"] in ALARMS
    }


def _runbook(description: object) -> str:
    """The page that a description ends with, or nothing."""
    found = re.search(r" Runbook: (docs/runbooks/[a-z-]+\.md)$", description if isinstance(description, str) else "")
    return found[1] if found else ""


def _sections(page: Path) -> dict[str, str]:
    _, *parts = re.split(r"(?m)^## ", page.read_text("utf-8"))
    return {head: body.strip() for head, _, body in (part.partition("\n") for part in parts)}


def test_the_description_of_every_alarm_ends_with_a_runbook_that_exists(alarms: Any) -> None:
    described = {name: alarm.get("AlarmDescription") for name, alarm in alarms.items()}

    assert len(described) > 100
    lost = {name: said for name, said in described.items() if not (ROOT / _runbook(said)).is_file()}
    assert not lost, "give the alarm a runbook= (stacks/constructs/notifications.py) and write that page"


def test_every_page_belongs_to_an_alarm(alarms: Any) -> None:
    linked = {_runbook(alarm.get("AlarmDescription")) for alarm in alarms.values()}

    assert linked == {page.relative_to(ROOT).as_posix() for page in PAGES}


def test_a_description_fits_into_what_cloudwatch_takes(alarms: Any) -> None:
    # API reference of CloudWatch, PutMetricAlarm: AlarmDescription, at most 1,024 characters.
    assert all(len(alarm["AlarmDescription"]) <= 1024 for alarm in alarms.values())


@every_page
def test_a_page_says_what_it_means_how_to_see_it_what_to_do_and_when_it_is_over(page: Path) -> None:
    sections = _sections(page)

    assert list(sections) == SECTIONS
    assert all(len(body.split()) >= 10 for body in sections.values()), sections


@every_page
def test_a_page_begins_with_the_names_of_its_alarms(alarms: Any, page: Path) -> None:
    head = page.read_text("utf-8").partition("\n## ")[0]
    told = re.findall(r"`([\w-]+)`", head)

    for name, alarm in alarms.items():
        if _runbook(alarm["AlarmDescription"]).endswith(f"/{page.name}"):
            # A name that CloudFormation generates holds the logical id, a given one ends with the kind.
            shown = alarm.get("AlarmName", name.rpartition(": ")[2])
            assert any(shown.startswith(each) or shown.endswith(f"-{each}") for each in told), (shown, told)


@every_page
def test_a_command_that_a_page_names_exists(page: Path) -> None:
    commands = set(get_command(app).commands)
    told = set(re.findall(r"python -m ops (\w+)", page.read_text("utf-8")))

    assert told <= commands
