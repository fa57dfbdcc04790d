"""What is wrong, since when, and what Tandem does about it: the first screen of the drift report."""

from dataclasses import dataclass

from pipelines.steps.report import moments
from pipelines.steps.report.chart import percent, plain, round_percent
from pipelines.steps.report.frame import section, tiles
from pipelines.steps.report.judgement import DATA, DRIFT, PREDICTION, QUALITY, Feature, Judgement
from pipelines.steps.report.markup import Markup, element, harmless
from pipelines.steps.report.timeline import Timeline

NOTHING = "n/a"
_NAMES = {QUALITY: "quality", DRIFT: "drift", PREDICTION: "prediction drift", DATA: "data quality"}
_WRONG = {
    QUALITY: "the model got worse",
    DRIFT: "inputs drifted",
    PREDICTION: "predictions moved",
    DATA: "data breaks the rules",
}
_NAMED = 4
_SHORT = 30
_RETRAINING = (QUALITY, DRIFT, PREDICTION)
BREACHED, HOLDS, UNKNOWN = "breached", "holds", "unknown"
_MARKS = {
    BREACHED: ("✕ beyond the limit", "fails"),
    HOLDS: ("✓ within the limit", "holds"),
    UNKNOWN: ("? not judged", "quiet"),
}


@dataclass(frozen=True)
class Check:
    """One of the four things that can be wrong.

    Attributes:
        kind: which one.
        state: breached, holds or unknown.
        found: what was found, with the numbers that decide, or why nothing could be.
    """

    kind: str
    state: str
    found: str


def checks(judgement: Judgement) -> list[Check]:
    """Return the state of everything that can be wrong, the worst kind first."""
    found = {
        QUALITY: _quality(judgement),
        DRIFT: _drift(judgement),
        PREDICTION: _prediction(judgement.prediction),
        DATA: _data(judgement),
    }
    return [
        Check(kind, BREACHED if judgement.breaches[kind] else HOLDS if known else UNKNOWN, text)
        for kind, (known, text) in found.items()
    ]


def verdict(judgement: Judgement, timeline: Timeline) -> Markup:
    """Say what is wrong, since when, and what happens now."""
    found = checks(judgement)
    wrong = [check.kind for check in found if check.state == BREACHED]
    unknown = [check for check in found if check.state == UNKNOWN]
    lines = [_since(judgement, timeline, wrong)] if wrong else []
    return element(
        "section",
        element("h2", headline(judgement)),
        *(element("p", line) for line in [*lines, *_reactions(judgement, wrong, unknown)]),
        class_="verdict bad" if wrong else "verdict" if _blind(unknown) else "verdict promoted",
    )


def headline(judgement: Judgement) -> str:
    """Return the verdict in a few words."""
    found = checks(judgement)
    wrong = [_WRONG[check.kind] for check in found if check.state == BREACHED]
    if wrong:
        text = wrong[0] if len(wrong) == 1 else f"{', '.join(wrong[:-1])} and {wrong[-1]}"
        return f"✕ {text[:1].upper()}{text[1:]}"
    unknown = [check for check in found if check.state == UNKNOWN]
    if _blind(unknown):
        return "? Nothing can be said about this window"
    return "✓ Nothing is wrong, as far as it could be judged" if unknown else "✓ Nothing is wrong"


def card(judgement: Judgement, timeline: Timeline) -> Markup:
    """Show the four checks, each with the numbers that decide it."""
    rows = []
    for check in checks(judgement):
        mark, kind = _MARKS[check.state]
        rows.append(
            element(
                "li",
                element("div", element("strong", _NAMES[check.kind]), element("span", mark, class_=kind)),
                element("div", harmless(check.found, limit=None), _progress(judgement, timeline, check.kind)),
            )
        )
    return section("The four checks", element("ul", *rows, class_="checks"))


def facts(judgement: Judgement) -> Markup:
    """Show live version, window, rows, labels, quality and the worst feature."""
    model, labels, quality = judgement.part("model"), judgement.part("labels"), judgement.quality
    age = model.get("age_days")
    shown = [
        ("live version", harmless(judgement.version), "" if age is None else f"{plain(age)} days old"),
        ("rows judged", f"{judgement.rows_together:,}", f"{judgement.rows:,} of them in the newest window"),
        (
            "labels so far",
            percent(labels["share"]) if labels.get("share") is not None else NOTHING,
            f"{labels.get('rows', 0):,} predictions",
        ),
    ]
    if quality is not None:
        value = NOTHING if quality.value is None else plain(quality.value)
        against = "no baseline" if quality.baseline is None else f"{plain(quality.baseline)} at training"
        shown.append((harmless(quality.metric), value, against))
    worst = next((feature for feature in judgement.features if feature.judged), None)
    if worst is not None:
        shown.append((f"drift of {harmless(worst.name, limit=30)}", distance(worst), limit(worst)))
    return tiles(shown)


def distance(feature: Feature) -> str:
    """Write the distance of a feature."""
    return NOTHING if feature.robust_linf is None else f"{feature.robust_linf:.3f}"


def limit(feature: Feature) -> str:
    """Write the limit of a feature."""
    return "no limit" if feature.limit is None else f"limit\u00a0{plain(feature.limit)}"


def _blind(unknown: list[Check]) -> bool:
    return {DRIFT, QUALITY} <= {check.kind for check in unknown}


def _since(judgement: Judgement, timeline: Timeline, wrong: list[str]) -> str:
    parts = []
    for kind in wrong:
        since, streak = judgement.since[kind], timeline.streak(kind)
        windows = "this window" if streak == 1 else f"{streak} windows"
        more = "at least " if streak == len(timeline) > 1 else ""
        began = "in this window" if since is None else f"since {moments.instant(since)} ({more}{windows})"
        parts.append(f"{_NAMES[kind]} {began}{_moved(judgement) if kind == DRIFT else ''}")
    return f"Beyond the limit: {'; '.join(parts)}."


def _moved(judgement: Judgement) -> str:
    names = [harmless(feature.name, limit=_SHORT) for feature in judgement.features if feature.drifted]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f": {', '.join(names[:_NAMED])}{more}" if names else ""


def _reactions(judgement: Judgement, wrong: list[str], unknown: list[Check]) -> list[str]:
    said = []
    if any(kind in _RETRAINING for kind in wrong):
        alarm = judgement.alarm
        enough = "" if alarm is None else f"when {alarm[0]} of {alarm[1]} windows are beyond the limit, "
        said.append(
            f"What Tandem does: {enough}the alarm starts a training run on newer data, and the gate decides whether "
            "its model goes live. Without newer data nothing is trained, and you are told."
        )
    if DATA in wrong:
        said.append(
            f"{'Broken data' if len(wrong) > 1 else 'What Tandem does: broken data'} starts no run, for a model would "
            "learn the mistake. You are told; the violations below name the columns."
        )
    if not wrong and not _blind(unknown):
        said.append("What Tandem does: nothing. What is below shows how far everything is from its limit.")
    if not wrong and _blind(unknown):
        said.append("What Tandem does: it judges the next window. Alarms keep their state meanwhile.")
    if unknown and not wrong:
        said.append(" ".join(f"Not judged: {_NAMES[check.kind]}, {harmless(check.found)}." for check in unknown))
    return said


def _progress(judgement: Judgement, timeline: Timeline, kind: str) -> Markup | None:
    if judgement.alarm is None:
        return None
    needed, of = judgement.alarm
    last = timeline.windows[-of:]
    count = sum(one.breaches[kind] for one in last)
    return element(
        "small", f"{count} of the last {len(last)} windows beyond the limit; the alarm goes on at {needed} of {of}"
    )


def _quality(judgement: Judgement) -> tuple[bool, str]:
    found = judgement.quality
    if found is None or found.value is None:
        return False, (found.reason if found else None) or "no labels yet"
    bounds = "" if found.interval is None else f" ({plain(found.interval[0])} to {plain(found.interval[1])})"
    text = f"{found.metric} {plain(found.value)}{bounds}"
    if found.baseline is None or found.drop is None:
        return False, f"{text}; nothing to compare with"
    base = plain(found.baseline)
    if found.baseline_interval is not None:
        base += f" ({plain(found.baseline_interval[0])} to {plain(found.baseline_interval[1])})"
    apart = f"{percent(found.drop)} worse than the interval of" if found.drop > 0 else "no worse than"
    end = "" if found.limit is None else f"; limit {round_percent(found.limit)}"
    return True, f"{text}, {apart} the baseline {base}{end}"


def _drift(judgement: Judgement) -> tuple[bool, str]:
    judged = [feature for feature in judgement.features if feature.judged]
    if not judged:
        return False, next((one.why_not for one in judgement.features if one.why_not), None) or "no feature was judged"
    moved = sum(feature.drifted for feature in judged)
    worst = judged[0]
    most = f"most of all {worst.name}, {distance(worst)} ({limit(worst)})"
    if not moved:
        return True, f"none of {len(judged):,} features is beyond its limit; {most}"
    return True, f"{moved:,} of {len(judged):,} features {'is' if moved == 1 else 'are'} beyond the limit; {most}"


def _prediction(feature: Feature | None) -> tuple[bool, str]:
    if feature is None:
        return False, "the baseline has no predictions"
    if not feature.judged:
        return False, feature.why_not or "too few rows"
    return True, f"distance {distance(feature)} to the predictions at training ({limit(feature)})"


def _data(judgement: Judgement) -> tuple[bool, str]:
    found = judgement.part("violations")
    if judgement.violations is None or not judgement.rows:
        return False, "no rows"
    end = f"; limit {percent(found['limit'])}" if found.get("limit") is not None else ""
    return True, f"at most {percent(judgement.violations)} of {judgement.rows:,} rows break one rule{end}"
