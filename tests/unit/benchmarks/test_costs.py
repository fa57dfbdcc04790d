"""What the page says of costs is what the data says, and the data says what the reference project deploys."""

import json
import re
from pathlib import Path

import pytest

from benchmarks import costs, documents
from stacks.settings import load_projects, select

ROOT = Path(__file__).resolve().parents[3]
KNOWN = costs.load()


def component(name: str) -> costs.Component:
    (found,) = (each for each in KNOWN.components if each.name == name)
    return found


def test_the_page_holds_the_table_of_the_data() -> None:
    page = costs.PAGE.read_text("utf-8")
    assert documents.insert(page, costs.PLACE, costs.tell(KNOWN)) == page


def test_every_price_names_its_source_and_the_date_of_that_source() -> None:
    for each in KNOWN.components:
        assert (each.price is None) == (each.source == "") == (each.date == ""), each.name
        assert each.date == "" or re.match(r"20\d\d", each.date), each.name


def test_sums_of_the_page_are_those_of_its_rows() -> None:
    for table in costs.tell(KNOWN).split("\n\n")[:-1]:
        *rows, last = table.splitlines()[2:]
        amounts = [row.split("|")[-2].strip() for row in rows]
        told = float(last.split("|")[-2].strip(" *"))
        assert told == pytest.approx(sum(float(amount) for amount in amounts if amount != "look up"))
        unknown = amounts.count("look up")
        assert (f"without {unknown} to look up" in last) == (unknown > 0)


def test_quantities_follow_from_the_settings_of_the_reference_project() -> None:
    (settings,) = select(load_projects(ROOT), project="flights", environment="production")
    endpoint = component("Endpoint")
    assert endpoint.quantity == settings.serving.instance_count * KNOWN.hours
    assert endpoint.what == f"{settings.serving.instance_type} hours"
    assert component("Training pipeline").what == f"{settings.training.instance_type} hours"
    assert component("Monitor").what == f"{settings.monitoring.instance_type} hours"
    assert str(settings.application.memory_megabytes) in component("Functions, duration").how


def test_the_training_pipeline_has_as_many_jobs_as_the_data_says() -> None:
    definition = json.loads((ROOT / "pipelines/projects/flights/training.pipeline.json").read_text("utf-8"))
    told = re.search(r"runs of (\d+) jobs", component("Training pipeline").how)
    assert told is not None
    assert int(told[1]) == len(_jobs(definition["Steps"]))


def _jobs(steps: list[dict[str, object]]) -> list[str]:
    found: list[str] = []
    for step in steps:
        if step["Type"] in ("Processing", "Training"):
            found.append(str(step["Name"]))
        arguments = step["Arguments"]
        assert isinstance(arguments, dict)
        found += _jobs(arguments.get("IfSteps", []))
    return found
