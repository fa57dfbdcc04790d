"""What the page says of costs is what the data says, and the data says what the reference project deploys."""

import json
import re
from pathlib import Path

import pytest

from docgen import costs
from stacks.settings import load_projects, select

ROOT = Path(__file__).resolve().parents[3]
KNOWN = costs.load(ROOT / costs.DATA)


def component(name: str) -> costs.Component:
    (found,) = (each for each in KNOWN.components if each.name == name)
    return found


def test_the_page_holds_the_table_of_the_data() -> None:
    assert costs.page(ROOT) == (ROOT / costs.PAGE).read_text("utf-8"), "run python -m docgen costs"


SOURCE = """
[sources.list]
what = "price list"
address = "https://example.com/prices.json"
date = "2026-10"
"""
PRICED = 'price = 0.5\nsource = "list"'


def data(component: str = PRICED, *, source: str = SOURCE) -> str:
    return f"""
region = "us-east-1"
hours = 730
{source}
[[components]]
name = "Builds"
scope = "tooling"
what = "minutes"
quantity = 10
how = "assumed"
{component}
"""


def loaded(tmp_path: Path, text: str) -> costs.Costs:
    file = tmp_path / "costs.toml"
    file.write_text(text, "utf-8")
    return costs.load(file)


def test_a_component_with_a_price_and_a_dated_source_is_counted(tmp_path: Path) -> None:
    known = loaded(tmp_path, data())
    assert costs.total(known.components) == 5
    assert "| 0.5; [price list], 2026-10 | 5.00 |" in costs.tell(known)
    assert "\n[price list]: https://example.com/prices.json" in costs.tell(known)


@pytest.mark.parametrize(
    ("component", "told"),
    [
        ("", "give a price and its source, or say in unpriced why"),
        ("price = 0.5", "give a price and its source"),
        ('source = "list"', "give a price and its source"),
        (f'{PRICED}\nunpriced = "none found"', "give a price and its source"),
        ('price = 0.5\nsource = "a table"', "source = 'a table': add it to \\[sources\\] or name one of list"),
        ('unpriced = "none found"', "sources.list: no component names it: remove it"),
    ],
)
def test_a_component_without_price_and_source_is_refused_by_name(tmp_path: Path, component: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        loaded(tmp_path, data(component))


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('address = "https://example.com/prices.json"', "address"),
        ('address = "a public price table"', "address"),
        ('date = "2026-10"', "date"),
        ('date = "2026"', "date"),
    ],
)
def test_a_source_without_an_address_or_a_date_is_refused(tmp_path: Path, line: str, key: str) -> None:
    other = [each for each in SOURCE.splitlines() if not each.startswith(key)]
    wrong = [] if line in SOURCE else [line]
    with pytest.raises(ValueError, match=rf"sources.list.{key}"):
        loaded(tmp_path, data(source="\n".join([*other, *wrong])))


def test_what_has_no_price_says_why_and_is_left_out_of_the_sum(tmp_path: Path) -> None:
    unpriced = """
[[components]]
name = "Recovery"
scope = "tooling"
what = "GB"
quantity = 1
how = "assumed"
unpriced = "only of another region"
"""
    told = costs.tell(loaded(tmp_path, data() + unpriced))
    assert "| no price found: only of another region | look up |" in told
    assert "| **Sum**, without 1 to look up | | | **5.00** |" in told


def test_sums_of_the_page_are_those_of_its_rows() -> None:
    for table in costs.tell(KNOWN).split("\n\n")[:-2]:
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
    for jobs in ("processing", "training"):
        assert component(f"Training pipeline, {jobs}").what == f"{settings.training.instance_type} hours"
    assert component("Monitor").what == f"{settings.monitoring.instance_type} hours"
    assert str(settings.application.memory_megabytes) in component("Functions, duration").how


@pytest.mark.parametrize("kind", ["Processing", "Training"])
def test_the_training_pipeline_has_as_many_jobs_as_the_data_says(kind: str) -> None:
    definition = json.loads((ROOT / "pipelines/projects/flights/training.pipeline.json").read_text("utf-8"))
    told = re.search(r"runs of (\d+) job", component(f"Training pipeline, {kind.lower()}").how)
    assert told is not None
    assert int(told[1]) == len(_jobs(definition["Steps"], kind))


def _jobs(steps: list[dict[str, object]], kind: str) -> list[str]:
    found: list[str] = []
    for step in steps:
        if step["Type"] == kind:
            found.append(str(step["Name"]))
        arguments = step["Arguments"]
        assert isinstance(arguments, dict)
        found += _jobs(arguments.get("IfSteps", []), kind)
    return found
