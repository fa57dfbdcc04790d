"""The drift report of a judged window: one page that says what is wrong, since when, and what Tandem does about it.

It is made of the window's judgement and of those before it, and of nothing else, so the same documents give the same
bytes; its size has a bound, whatever the number of features and windows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.steps.report import drift_data, drift_features, drift_quality, drift_time, drift_verdict, frame, moments
from pipelines.steps.report import judgement as judgements
from pipelines.steps.report.judgement import Judgement
from pipelines.steps.report.markup import element, harmless
from pipelines.steps.report.timeline import Timeline

_NAME = 64


def build(judgement: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    """Return the report as HTML.

    Args:
        judgement: the judgement of the window.
        history: those of earlier windows in any order, this one's among them or not; may be empty.

    Raises:
        StepError: when the judgement has another format than the one that is read.
    """
    found = judgements.read(judgement)
    timeline = Timeline.of(found, history)
    window = moments.span(found.window["from"], found.window["end"])
    name = _short(found.project)
    return frame.document(
        f"{name} {moments.brief(found.start)}: {drift_verdict.headline(found)}",
        element(
            "header",
            element("p", f"Drift report · environment {_short(found.environment)} · endpoint {_short(found.endpoint)}"),
            element("h1", f"{name}: {window}"),
            element("p", _window(found)),
        ),
        drift_verdict.verdict(found, timeline),
        drift_verdict.facts(found),
        drift_verdict.card(found, timeline),
        drift_quality.quality(found, timeline),
        drift_features.features(found),
        drift_features.charts(found),
        drift_time.over_time(timeline),
        drift_features.outcomes(found),
        drift_data.violations(found),
        drift_data.arrivals(found, timeline),
        drift_data.provenance(found),
    )


def _short(name: str) -> str:
    return harmless(name, limit=_NAME)


def _window(found: Judgement) -> str:
    window = found.window
    newest = moments.span(window["start"], window["end"])
    together = f", judged together with the {window['span'] - 1:,} before it" if window["span"] > 1 else ""
    return f"Newest window: {newest}, one {harmless(window['length'])} in UTC{together}"
