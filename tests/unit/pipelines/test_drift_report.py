"""The drift report: what it says first, what data cannot make it do, and that it is the same page every time."""

import json
from collections.abc import Sequence
from typing import Any

import finished_run
import judged_windows
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_windows import Document
from parsed_page import TAGS, Page

from pipelines.steps.failure import StepError
from pipelines.steps.report import drift, drift_features, moments
from pipelines.steps.report import judgement as judgements
from pipelines.steps.report.timeline import MOST_WINDOWS, Timeline

DRIFTED = judged_windows.windows(30, renewed=16)
CALM = judged_windows.windows(12, calm=True)
TROUBLED = judged_windows.troubled()


def page(windows: Sequence[Document], history: Sequence[Document] | None = None) -> Page:
    return Page(drift.build(windows[-1], windows if history is None else history))


def last(**changes: Any) -> list[Document]:
    return [*DRIFTED[:-1], DRIFTED[-1] | changes]


def text_of(found: Page) -> str:
    return " ".join(found.texts)


def test_what_is_wrong_comes_first_with_when_it_began_and_what_happens() -> None:
    texts = page(DRIFTED).texts
    place = texts.index("✕ Inputs drifted")
    assert texts[place + 1] == "Beyond the limit: drift since 22 March 2013 (9 windows): temp, dewp."
    assert texts[place + 2].startswith(
        "What Tandem does: when 3 of 5 windows are beyond the limit, the alarm starts a training run on newer data"
    )
    assert place < texts.index("The four checks") < texts.index("Quality")


def test_everything_that_is_wrong_is_named_the_worst_kind_first() -> None:
    found = page(TROUBLED)
    headline = "✕ The model got worse, inputs drifted and data breaks the rules"
    assert headline in found.texts
    assert f"flights 9 Apr: {headline}" in found.texts
    text = text_of(found)
    assert "starts no run" in text
    assert "5 of the last 5 windows beyond the limit; the alarm goes on at 3 of 5" in text
    assert "1 of the last 5 windows beyond the limit; the alarm goes on at 3 of 5" in text


def test_nothing_wrong_is_said_only_of_what_was_judged() -> None:
    assert "✓ Nothing is wrong" in page(CALM).texts
    without = [*CALM[:-1], CALM[-1] | {"quality": None, "estimate": None}]
    texts = page(without).texts
    assert "✓ Nothing is wrong, as far as it could be judged" in texts
    assert "Not judged: quality, no labels yet." in texts


def test_a_window_that_nothing_could_be_judged_of_is_not_called_healthy() -> None:
    few = [one | {"judged": False, "drifted": False, "why_not": "120 rows, 500 needed"} for one in CALM[-1]["features"]]
    quality = CALM[-1]["quality"] | {
        "value": None,
        "interval": None,
        "drop": None,
        "reason": "no labels within 14 days",
    }
    found = page([CALM[-1] | {"features": few, "prediction": None, "quality": quality}])
    assert "? Nothing can be said about this window" in found.texts
    text = text_of(found)
    assert "✓ Nothing" not in text
    assert "not judged: 120 rows, 500 needed" in text
    assert "no labels within 14 days" in text
    assert "the baseline has no predictions" in text


def test_features_are_listed_worst_first_with_all_three_distances() -> None:
    texts = page(DRIFTED).texts
    names = [one["name"] for one in DRIFTED[-1]["features"]]
    start = texts.index("What drifted, and how far")
    rows = [text for text in texts[start : texts.index("The worst features then and now")] if text in names]
    assert rows[:2] == ["temp", "dewp"]
    assert rows[-1] == "time_hour"
    assert sorted(rows) == sorted(names)
    temp = next(one for one in DRIFTED[-1]["features"] if one["name"] == "temp")
    place = texts.index("temp", start)
    assert texts[place + 1 : place + 4] == [f"{temp[name]:.3f}" for name in ("robust_linf", "psi", "js")]
    assert "not judged: time moves on: never judged" in texts


def test_every_plot_is_drawn_and_told_to_those_who_cannot_see_it() -> None:
    found = page(TROUBLED)
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    drawn = [name.removesuffix("-title") for name in ids if name.endswith("-title")]
    broad = {"quality", "worst", "strip", "rows"}
    assert {*broad, *(f"{name}-wide" for name in broad), "now", "prediction", "target", "feature-1"} <= set(drawn)
    assert found.values("aria-labelledby") == [f"{name}-title {name}-text" for name in drawn]


def test_categories_are_drawn_as_bars_that_moved_most_first() -> None:
    moved = judged_windows.categorical("dest", {f"A{i:02}": 1.0 for i in range(60)}, 30.0)
    found = page([CALM[-1] | {"features": [moved], "breaches": CALM[-1]["breaches"] | {"drift": True}}])
    assert "A00" in found.texts
    assert "53 more" in found.texts
    assert "Bins that moved most: A00: 1.0\u00a0% then" in text_of(found)


def test_where_the_streak_began_and_the_version_changed_is_marked() -> None:
    text = text_of(page(DRIFTED))
    assert "drift since 22 Mar" in text
    assert {"v3", "v4"} <= set(page(DRIFTED).texts)


def test_a_streak_longer_than_what_is_known_is_said_to_be_at_least_that_long() -> None:
    windows = [one | {"since": one["since"] | {"drift": "2013-03-22T00:00:00+00:00"}} for one in DRIFTED[-4:]]
    assert "Beyond the limit: drift since 22 March 2013 (at least 4 windows): temp, dewp." in page(windows).texts


def test_the_estimate_is_marked_as_one_with_what_it_rests_on() -> None:
    text = text_of(page(DRIFTED))
    assert "An estimate, not a measurement" in text
    assert DRIFTED[-1]["estimate"]["method"] in text
    assert DRIFTED[-1]["estimate"]["assumption"] in text
    assert "An estimate" not in text_of(page(last(estimate=None)))


def test_violations_problems_and_provenance_are_on_the_page() -> None:
    texts = page(TROUBLED).texts
    assert texts.index("unseen: UA") < texts.index("1200 exceeds the baseline's 450")
    assert {"capture/UA/07-12-1.jsonl", "line 88 has no end", "truncated", "encoding"} <= set(texts)
    assert "2 encoding, 1 truncated. Everything else was judged all the same." in texts
    assert {"Labels that could not be read", "2013/04/09/05/labels.jsonl"} <= set(texts)
    model = TROUBLED[-1]["model"]
    assert {model["package_arn"], model["run_id"], judged_windows.SNAPSHOT, "51,955"} <= set(texts)


@pytest.mark.parametrize("history", [[], DRIFTED[-1:]])
def test_the_first_window_needs_no_history(history: list[Document]) -> None:
    found = page(DRIFTED[-1:], history)
    assert "This is the first judged window: a course over time begins with the next one." in found.texts
    assert not any(name.startswith(("worst", "strip", "rows", "quality")) for name in found.values("id"))


@pytest.mark.parametrize(
    "changes",
    [
        {"quality": None},
        {"quality": None, "estimate": None, "labels": {}},
        {"prediction": None, "target": None},
        {"features": [], "worst": None},
        {"traffic": {"records": 0, "rows": 0, "rows_of_live_version": 0, "silent_windows": 7}, "features": []},
        {"baseline": {}, "violations": None, "capture": None},
        {"alarm": None},
    ],
)
def test_what_is_missing_leaves_the_rest_of_the_page(changes: Document) -> None:
    text = text_of(page(last(**changes)))
    assert "Provenance" in text
    assert "None" not in text


def test_a_metric_that_should_be_large_is_said_to_be_one() -> None:
    document = DRIFTED[-1]["quality"] | {
        "metric": "auc",
        "direction": "maximize",
        "value": 0.61,
        "interval": [0.59, 0.63],
        "baseline": 0.7,
        "baseline_interval": [0.68, 0.72],
        "drop": 0.103,
        "boundary": 0.612,
    }
    assert "auc, larger is better" in page(last(quality=document)).texts


@pytest.mark.parametrize("hostile", [finished_run.HOSTILE, finished_run.FORMULA])
def test_nothing_that_came_with_the_data_becomes_part_of_the_page(hostile: str) -> None:
    windows = judged_windows.troubled(text=hostile)
    for window in windows:
        window |= {"project": hostile, "environment": hostile, "endpoint": hostile}
        window["features"] += [judged_windows.numeric(hostile, 0.0, 1.0, 3.0)]
        window["features"] += [judged_windows.categorical(hostile + "2", {hostile: 40.0, "b": 50.0}, 40.0)]
        window["features"] += [judged_windows.feature("odd", "text", [(hostile, None, None, 1, 1)], why_not=hostile)]
        window["model"] = dict.fromkeys(("version", "package_arn", "run_id", "created"), hostile) | {"age_days": 1.0}
        window["quality"] |= {"metrics": {hostile: 1.0}, "reason": hostile, "metric": hostile}
        window["estimate"] |= {"method": hostile, "assumption": hostile}
    text = drift.build(windows[-1], windows)
    found = Page(text)
    assert set(found.tags) <= TAGS
    assert not {name for name, _ in found.attributes if name.startswith("on") or name == "src"}
    assert found.values("href") == ["data:,"]
    assert "<script" not in text
    assert "\u202e" not in text
    assert not [shown for shown in found.texts if shown.lstrip().startswith(("=", "@", "+"))]


def test_the_same_documents_give_the_same_page_in_any_order() -> None:
    again = json.loads(json.dumps(DRIFTED))
    assert drift.build(again[-1], [*reversed(again), again[3]]) == drift.build(DRIFTED[-1], DRIFTED)


def test_a_thousand_features_over_a_year_make_a_small_page() -> None:
    year = judged_windows.windows(365)
    wide = [
        judged_windows.categorical(
            f"{'a long name ' * 20}{i}", {f"{'category ' * 20}{c}": 1.0 for c in range(90)}, i % 50
        )
        for i in range(1_000)
    ]
    for window in year:
        window["features"] = wide
        window["violations"]["found"] = [
            {"column": f"c{i}", "rule": "null", "rows": 1, "detail": "x" * 500} for i in range(1_000)
        ]
        window["capture"]["problems"] = [
            {"kind": f"k{i}", "count": 1, "key": "y" * 900, "detail": "z" * 500} for i in range(1_000)
        ]
    text = drift.build(year[-1], year)
    assert len(text.encode()) < 400_000
    found = Page(text)
    assert "960 more features are in the judgement's JSON" in text_of(found)
    assert len([name for name in found.values("id") if name.startswith("feature-")]) == 2 * drift_features.MOST_CHARTS


def test_another_format_is_refused_and_left_out_of_the_history() -> None:
    with pytest.raises(StepError, match="format 2"):
        drift.build(DRIFTED[-1] | {"format": 2}, DRIFTED)
    found = drift.build(DRIFTED[-1], [*DRIFTED[:-1], {"format": 2}])
    assert found == drift.build(DRIFTED[-1], DRIFTED)


def test_windows_later_than_the_judged_one_are_not_its_past() -> None:
    assert drift.build(DRIFTED[20], DRIFTED) == drift.build(DRIFTED[20], DRIFTED[:20])


def test_only_the_newest_windows_are_drawn() -> None:
    windows = judged_windows.windows(MOST_WINDOWS + 9)
    found = Timeline.of(judgements.read(windows[-1]), windows)
    assert len(found) == MOST_WINDOWS
    assert found.windows[-1].start == windows[-1]["window"]["start"]


@given(
    values=st.lists(
        st.sampled_from([None, 0.0, 1e-9, 0.05, 1.0, 5.0, float("nan"), float("inf")]), min_size=3, max_size=3
    ),
    counts=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=4),
    kind=st.sampled_from(["number", "text", "boolean", "length", "moment"]),
    limit=st.sampled_from([None, 0.0, 0.1, 1.0]),
)
@settings(max_examples=60)
def test_odd_numbers_make_a_page_all_the_same(
    values: list[float | None], counts: list[tuple[int, int]], kind: str, limit: float | None
) -> None:
    bins = [
        {"label": str(i), "lower": None if i == 0 else i, "upper": i + 1, "baseline": then, "current": now}
        for i, (then, now) in enumerate(counts)
    ]
    odd = judged_windows.numeric("odd", 0.0, 1.0, 0.0) | {
        "robust_linf": values[0],
        "psi": values[1],
        "js": values[2],
        "bins": bins,
        "kind": kind,
        "limit": limit,
        "rows": 0,
        "mean": {"baseline": values[1], "current": values[2]},
    }
    quality = DRIFTED[-1]["quality"] | {"value": values[0], "interval": [values[1], values[2]], "limit": limit}
    document = DRIFTED[-1] | {"features": [odd], "prediction": odd, "quality": quality}
    text = drift.build(document, [DRIFTED[-2], document])
    found = Page(text)
    assert not [value for value in found.values("d") if "nan" in value or "inf" in value]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2013-03-14T00:00:00Z", "2013-03-15T00:00:00Z", "14 March 2013"),
        ("2013-03-08T00:00:00Z", "2013-03-15T00:00:00Z", "8 to 14 March 2013"),
        ("2013-02-26T00:00:00Z", "2013-03-05T00:00:00Z", "26 February to 4 March 2013"),
        ("2012-12-30T00:00:00Z", "2013-01-02T00:00:00Z", "30 December 2012 to 1 January 2013"),
        ("2013-03-14T06:00:00Z", "2013-03-14T13:00:00Z", "14 March 2013 06:00 to 13:00"),
        ("2013-03-14T22:00:00Z", "2013-03-15T01:00:00Z", "14 March 2013 22:00 to 15 March 2013 01:00"),
        ("2013-03-14T01:00:00+02:00", "2013-03-15T00:00:00", "13 March 2013 23:00 to 15 March 2013"),
        ("=yesterday", "today", "'=yesterday to today"),
    ],
)
def test_time_spans_are_written_without_the_moment_that_no_longer_belongs_to_them(
    start: str, end: str, words: str
) -> None:
    assert moments.span(start, end) == words
