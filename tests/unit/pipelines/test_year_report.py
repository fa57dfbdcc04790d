"""The story of a year: who was better, when and why, told the same way every time."""

import json
from pathlib import Path
from typing import Any

import finished_run
import pytest
import told_year
from hypothesis import given, settings
from hypothesis import strategies as st
from parsed_page import TAGS, Page

from pipelines.steps.failure import StepError
from pipelines.steps.report import story, year, year_figures
from pipelines.steps.report.chart import plain


def page(document: told_year.Document) -> Page:
    return Page(year.build(document))


def with_month(index: int, **changes: Any) -> told_year.Document:
    document = told_year.story()
    document["months"][index] |= changes
    return document


def test_who_was_better_comes_first_with_the_means_of_both() -> None:
    document = told_year.story()
    means = [plain(document["summary"][name]) for name in ("tandem_mean", "frozen_mean")]
    texts = page(document).texts
    assert f"✓ Tandem 31.7\u00a0% better: rmse {means[0]} against {means[1]}, March to December" in texts
    assert "The difference was largest in July 2013: 12.83 minutes with Tandem, 24.31 minutes frozen." in texts
    assert texts.index("The year at a glance") < texts.index("Month by month") < texts.index("What happened, and why")


def test_every_month_that_the_frozen_model_wins_is_explained() -> None:
    texts = page(told_year.story()).texts
    assert "The frozen model was better in March 2013: why is told below." in texts
    place = texts.index("Why the frozen model was better")
    assert texts[place + 1].startswith("Version 2 was trained on period=2013-03 and still knew little of spring")
    assert texts[place + 1].endswith("The intervals of both models overlap.")
    assert "-2.2\u00a0%" in texts


def test_a_month_that_is_lost_without_a_reason_says_so() -> None:
    assert "No reason is on record. The intervals of both models overlap." in page(with_month(0, note=None)).texts


def test_a_note_on_a_month_that_was_won_is_a_note() -> None:
    texts = page(with_month(1, note="the plane table came late")).texts
    assert texts[texts.index("the plane table came late") - 1] == "Note"


def test_a_worse_tandem_is_told_as_plainly() -> None:
    document = told_year.story()
    document["summary"] |= {"frozen_mean": 10.0, "tandem_mean": 11.0}
    assert "✕ Tandem 10.0\u00a0% worse: rmse 11 against 10, March to December" in page(document).texts


def test_decisions_stand_in_their_order_with_their_reasons() -> None:
    texts = page(told_year.story()).texts
    april = texts.index("April 2013", texts.index("What happened, and why"))
    kinds = ["▲ alarm", "● training run", "✓ promoted", "↑ went live"]
    assert [text for text in texts[april:] if text in kinds][:4] == kinds
    assert any("at 99 % at least 18.2 %" in text for text in texts[april:])
    assert "= champion kept" in texts


def test_every_plot_is_drawn_for_both_widths_and_told_to_those_who_cannot_see_it() -> None:
    found = page(told_year.story())
    drawn = [name.removesuffix("-title") for name in found.values("id") if name.endswith("-title")]
    assert drawn == ["year", "year-wide", "drift", "drift-wide", "actions", "actions-wide"]
    assert found.values("aria-labelledby") == [f"{name}-title {name}-text" for name in drawn]


def test_versions_are_divided_where_they_went_live() -> None:
    served = year_figures.served(story.read(told_year.story()))
    assert [version for _, _, version in served] == ["1", "2", "3", "4", "5", "6", "7"]
    assert served[0][0] == 0
    assert served[-1][1] == 10
    assert [end for _, end, _ in served[:-1]] == [first for first, _, _ in served[1:]]
    assert 0.15 < served[0][1] < 0.2


def test_versions_without_a_told_beginning_share_their_month_evenly() -> None:
    document = with_month(0, events=[], versions=["1", "2"])
    assert year_figures.served(story.read(document))[0] == (0.0, 0.5, "1")


@pytest.mark.parametrize(
    "changes",
    [
        {"frozen": None},
        {"tandem": None, "drift": None, "events": [], "versions": [], "live_at_end": None},
        {"tandem": {"value": 12.0, "interval": None}},
        {"alarms": [], "events": [{"at": "the day before", "kind": "something new", "text": "odd"}]},
    ],
)
def test_what_is_missing_leaves_the_rest_of_the_story(changes: dict[str, Any]) -> None:
    text = " ".join(page(with_month(2, **changes)).texts)
    assert "May 2013" in text
    assert "None" not in text


def test_a_larger_metric_that_is_better_is_read_the_other_way() -> None:
    document = told_year.story() | {"metric": "auc", "direction": "maximize"}
    document["summary"] |= {"frozen_mean": 0.658, "tandem_mean": 0.707}
    texts = page(document).texts
    assert "✓ Tandem 7.4\u00a0% better: auc 0.707 against 0.658, March to December" in texts
    assert "auc in minutes, larger is better" in texts


@pytest.mark.parametrize("hostile", [finished_run.HOSTILE, finished_run.FORMULA])
def test_nothing_that_came_with_the_data_becomes_part_of_the_page(hostile: str) -> None:
    document = told_year.story(text=hostile) | {
        "project": hostile,
        "target": hostile,
        "unit": hostile,
        "metric": hostile,
    }
    document["timing"] |= {hostile: hostile}
    document["summary"] |= {"from": hostile, "to": hostile}
    for month in document["months"]:
        month["drift"]["worst"] = month["note"] = hostile
        month["versions"], month["alarms"] = [hostile], [hostile]
        month["events"] += [{"at": hostile, "kind": hostile, "text": hostile}]
    text = year.build(document)
    found = Page(text)
    assert set(found.tags) <= TAGS
    assert not {name for name, _ in found.attributes if name.startswith("on") or name == "src"}
    assert "<script" not in text
    assert "\u202e" not in text
    assert not [shown for shown in found.texts if shown.startswith(("=cmd", "@"))]


@given(
    values=st.lists(st.sampled_from([0.0, 1e-9, 12.0, 1e12, float("nan")]), min_size=4, max_size=4),
    months=st.integers(1, 30),
)
@settings(max_examples=40)
def test_odd_numbers_make_a_page_all_the_same(values: list[float], months: int) -> None:
    one = told_year.story()["months"][0] | {
        "frozen": {"value": values[0], "interval": [values[1], values[2]]},
        "tandem": {"value": values[3], "interval": None},
    }
    document = told_year.story() | {"months": [one] * months, "summary": {}, "timing": {}}
    text = year.build(document)
    assert not [value for value in Page(text).values("d") if "nan" in value or "inf" in value]


def test_a_year_of_endless_events_stays_small() -> None:
    event = {"at": "2013-04-01T00:00:00Z", "kind": "alarm", "text": "x" * 5_000}
    document = with_month(1, events=[event] * 10_000)
    found = page(document)
    assert "And 9,960 more events." in found.texts
    assert len(year.build(document)) < 1_500_000


def test_the_command_writes_the_same_bytes_every_time(tmp_path: Path) -> None:
    source, first, second = tmp_path / "story.json", tmp_path / "one.html", tmp_path / "two.html"
    source.write_text(json.dumps(told_year.story()))
    assert [year.main([str(source), str(path)]) for path in (first, second)] == [0, 0]
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 100_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "cannot be read: KeyError('project')"),
        ("no json", "no page of the year: "),
        (json.dumps(told_year.story() | {"months": []}), "has no months"),
    ],
)
def test_the_command_says_why_there_is_no_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    source = tmp_path / "story.json"
    source.write_text(text)
    assert year.main([str(source), str(tmp_path / "year.html")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "year.html").exists()


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert year.main([]) == 2
    assert "STORY.json OUT.html" in capsys.readouterr().err


def test_a_story_without_its_parts_is_refused() -> None:
    with pytest.raises(StepError, match="metric"):
        year.build({"project": "flights", "target": "air_time"})
