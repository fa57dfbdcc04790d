"""The evaluation report: what it says, what data cannot make it do, and that it is the same page every time."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import finished_run
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parsed_page import TAGS, Page
from sklearn.metrics import average_precision_score, roc_auc_score

from pipelines.steps import evaluation, report
from pipelines.steps.contract import Field
from pipelines.steps.failure import StepError
from pipelines.steps.gate import verdict
from pipelines.steps.profile import Profiler
from pipelines.steps.report import chart, markup, scores

TASKS = ["regression", "binary_classification"]


def written(folder: Path, **options: Any) -> str:
    report.write(folder, sources=finished_run.leave(folder, **options), provenance=finished_run.provenance())
    return (folder / report.PAGE).read_text("utf-8")


@pytest.mark.parametrize("task", TASKS)
def test_the_decision_and_its_reason_come_first(tmp_path: Path, task: str) -> None:
    texts = Page(written(tmp_path, task=task)).texts
    reason = json.loads((tmp_path / "evaluation.json").read_text())["gate"]["reason"]
    headings = [index for index, text in enumerate(texts) if text.startswith(("✓ Promoted", "✕ Kept out"))]
    assert headings
    assert texts.index(reason) == headings[0] + 1
    assert headings[0] < texts.index("Performance")


@pytest.mark.parametrize(
    ("task", "plots"),
    [
        ("regression", {"metric", "paired", "density", "residuals", "within", "groups"}),
        ("binary_classification", {"metric", "paired", "calibration", "roc", "pr", "probabilities"}),
    ],
)
def test_every_plot_is_drawn_and_told_to_those_who_cannot_see_it(tmp_path: Path, task: str, plots: set[str]) -> None:
    page = Page(written(tmp_path, task=task))
    ids = page.values("id")
    assert {name.removesuffix("-title") for name in ids if name.endswith("-title")} == plots
    assert len(ids) == len(set(ids))
    assert page.values("aria-labelledby") == [f"{name}-title {name}-text" for name in _in_order(ids)]


def _in_order(ids: list[str]) -> list[str]:
    return [name.removesuffix("-title") for name in ids if name.endswith("-title")]


def test_a_first_model_is_shown_without_a_champion(tmp_path: Path) -> None:
    page = Page(written(tmp_path, champion=False))
    assert not any(value.startswith("paired") for value in page.values("id"))
    assert "Guards and slices" not in page.texts
    assert any("no champion yet" in text for text in page.texts)


def test_guards_slices_and_provenance_are_on_the_page(tmp_path: Path) -> None:
    texts = Page(written(tmp_path)).texts
    assert {"mae", "origin = EWR", "origin = JFK", "✓ holds", "not looked at"} <= set(texts)
    provenance = finished_run.provenance()
    assert {
        provenance.run.run_id,
        provenance.run.code_version,
        provenance.run.image,
        str(provenance.training.seed),
    } <= set(texts)
    assert {finished_run.SNAPSHOT, finished_run.PACKAGE, "learning_rate 0.1, max_depth 8, rounds 300"} <= set(texts)


def test_a_champion_that_cannot_be_judged_is_said_so(tmp_path: Path) -> None:
    found = finished_run.evaluated(task="regression", days=14, rows=500, champion=True, text="EWR")
    refused = dataclasses.replace(
        found,
        scored=dataclasses.replace(found.scored, champion=None),
        comparison=None,
        verdict=verdict.champion_unreadable(found.rules, "champion version 3 cannot be judged: restore it"),
    )
    evaluation.write(refused, tmp_path)
    sources = report.Sources(tmp_path / evaluation.EVALUATION, tmp_path / evaluation.SCORES)
    report.write(tmp_path, sources=sources, provenance=finished_run.provenance())
    texts = Page((tmp_path / report.PAGE).read_text("utf-8")).texts
    assert "✕ Not judged: the champion stays" in texts
    assert "champion version 3 cannot be judged: restore it" in texts


def test_what_changed_since_the_champion_is_ordered_by_how_far_it_moved(tmp_path: Path) -> None:
    fields = [
        Field(name="wind", type="double", nullable=True, description=""),
        Field(name="carrier", type="string", nullable=True, description=""),
        Field(name="calm", type="double", nullable=True, description=""),
    ]
    tables = [
        pa.table({"wind": [1.0, 2.0, 3.0, 4.0], "carrier": ["UA", "UA", "DL", "DL"], "calm": [1.0, 2.0, 3.0, 4.0]}),
        pa.table({"wind": [7.0, 8.0, 9.0, None], "carrier": ["UA", "UA", "DL", "=X"], "calm": [1.0, 2.0, 3.0, 4.0]}),
    ]
    paths = []
    for name, table in zip(("champion", "challenger"), tables, strict=True):
        profiler = Profiler(fields, label="wind")
        profiler.add(table)
        (tmp_path / name).mkdir()
        profiler.profile().write(tmp_path / name)
        paths.append(tmp_path / name / "profile.json")
    sources = finished_run.leave(tmp_path)
    sources = dataclasses.replace(sources, champion_profile=paths[0], profile=paths[1])
    report.write(tmp_path, sources=sources, provenance=finished_run.provenance())
    texts = Page((tmp_path / report.PAGE).read_text("utf-8")).texts
    assert texts.index("wind") < texts.index("carrier") < texts.index("calm")
    assert "25.0\u00a0% of the rows; new: =X" in texts
    assert "0.0\u00a0% then, 25.0\u00a0% now" in texts


@pytest.mark.parametrize("task", TASKS)
def test_nothing_that_came_with_the_data_becomes_part_of_the_page(tmp_path: Path, task: str) -> None:
    sources = finished_run.leave(tmp_path, task=task, text=finished_run.HOSTILE)
    hostile = dict.fromkeys(("description", "run_id", "reason", "code_version", "image"), finished_run.HOSTILE)
    report.write(tmp_path, sources=sources, provenance=finished_run.provenance(**hostile))
    text = (tmp_path / report.PAGE).read_text("utf-8")
    page = Page(text)
    assert set(page.tags) <= TAGS
    assert not {name for name, _ in page.attributes if name.startswith("on") or name == "src"}
    assert page.values("href") == ["data:,"]
    assert "<script" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("EWR", "EWR"),
        ("=1+1", "'=1+1"),
        (" =1+1", "' =1+1"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("a\u202eb\x00\n", "a\\u202eb\\u0000\\u000a"),
        ("a" * 500, "a" * 159 + "…"),
    ],
)
def test_text_from_data_is_one_harmless_line(text: str, shown: str) -> None:
    assert markup.harmless(text) == shown


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    page = Page(markup.element("p", markup.harmless(text), title=text))
    assert page.tags == ["p"]
    assert "".join(page.texts) == markup.harmless(text)


@pytest.mark.parametrize("task", TASKS)
def test_the_same_run_gives_the_same_bytes(tmp_path: Path, task: str) -> None:
    assert written(tmp_path / "one", task=task) == written(tmp_path / "two", task=task)
    names = ("evaluation.html", "model_card.json")
    assert [(tmp_path / "one" / name).read_bytes() for name in names] == [
        (tmp_path / "two" / name).read_bytes() for name in names
    ]


@pytest.mark.parametrize("task", TASKS)
def test_a_million_rows_make_a_small_page(tmp_path: Path, task: str) -> None:
    sources = finished_run.leave(tmp_path, task=task, rows=1_000_000, days=60)
    report.write(tmp_path, sources=sources, provenance=finished_run.provenance())
    assert (tmp_path / report.PAGE).stat().st_size < 100_000


def test_another_format_is_refused(tmp_path: Path) -> None:
    sources = finished_run.leave(tmp_path)
    sources.evaluation.write_text(json.dumps({"format": 1}))
    with pytest.raises(StepError, match="format 1"):
        report.write(tmp_path, sources=sources, provenance=finished_run.provenance())


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_odd_predictions_make_a_page_all_the_same(tmp_path: Path, task: str, data: st.DataObject) -> None:
    """Few rows, constants and extremes: a report must never be what stops a promotion."""
    rows = data.draw(st.integers(2, 12))
    number = (
        st.floats(0, 1) if task == "binary_classification" else st.sampled_from([0.0, -1e9, 1e-300, 1.0, 3.5, 1e12])
    )
    sources = finished_run.leave(tmp_path, task=task, rows=2_000)
    target = data.draw(
        st.lists(
            st.sampled_from([0.0, 1.0]) if task == "binary_classification" else number, min_size=rows, max_size=rows
        )
    )
    predictions = [data.draw(st.lists(number, min_size=rows, max_size=rows)) for _ in range(2)]
    moments = pa.array(np.arange(rows) * 43_200_000_000).cast(pa.timestamp("us", "UTC"))
    table = {"time": moments, "target": target, "challenger": predictions[0], "champion": predictions[1]}
    pq.write_table(pa.table(table), sources.scores)
    report.write(tmp_path, sources=sources, provenance=finished_run.provenance())
    text = (tmp_path / report.PAGE).read_text("utf-8")
    drawn = "".join(re.findall(r' d="([^"]*)"', text))
    assert not re.search("nan|inf", drawn)
    Page(text)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e3), st.integers(2, 8))
def test_marks_of_an_axis_are_few_round_and_inside(low: float, span: float, most: int) -> None:
    high = low + span * max(abs(low), 1.0)  # an axis this far from zero has no finer marks
    values = chart.round_values(low, high, most)
    assert len(values) <= most + 1
    assert all(low - (high - low) * 1e-6 <= value <= high + (high - low) * 1e-6 for value in values)


def test_curves_have_the_area_that_scikit_learn_gives() -> None:
    found = finished_run.evaluated(task="binary_classification", days=14, rows=5_000, champion=True, text="x").scored
    tied = np.round(found.challenger, 2)
    assert scores.roc(found.target, tied).area == pytest.approx(roc_auc_score(found.target, tied), abs=1e-12)
    precise = scores.precision_recall(found.target, tied).area
    assert precise == pytest.approx(average_precision_score(found.target, tied), abs=1e-12)


def test_reduced_curves_keep_their_ends_and_never_fall() -> None:
    found = finished_run.evaluated(task="binary_classification", days=14, rows=5_000, champion=True, text="x").scored
    curve = scores.roc(found.target, found.challenger)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert (np.diff(curve.x) >= 0).all()
    assert (np.diff(curve.y) >= 0).all()
    assert len(curve.x) <= scores.CURVE_POINTS


def test_groups_hold_every_row_once() -> None:
    target, prediction = np.arange(100.0), np.repeat([1.0, 2.0, 5.0, 5.0], 25)
    found = scores.groups(target, prediction)
    assert sum(group.rows for group in found) == 100
    assert [group.predicted for group in found] == [1.0, 2.0, 5.0]


def test_density_counts_every_row_or_says_how_many_it_leaves_out() -> None:
    random = np.random.default_rng(1)
    target = random.normal(0, 1, 10_000)
    found = scores.density(target, target + random.normal(0, 0.1, 10_000))
    assert int(found.counts.sum()) + found.outside == 10_000
    assert found.outside < 100
