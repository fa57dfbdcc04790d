"""What drifted, how much and since when: the monitor's newest judgement, and the alarms that are on in the ledger."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from lambdas.shared.records import Alarm
from ops import storage
from ops.errors import OpsError
from ops.judgement import Feature, Judgement, Quality, parse
from ops.stage import Stage


class Verdict(StrEnum):
    """What the newest judgement comes to."""

    IN_ORDER = "in order"
    BREACHED = "breached"
    TOO_LITTLE = "too little to judge"
    NEVER_JUDGED = "never judged"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The answer to "what if the data changes and accuracy drops?".

    Attributes:
        verdict: What the newest judgement and the alarms come to.
        explanation: One sentence for people.
        judgement: The newest one; None before the first.
        document: The same as the monitor wrote it.
        judgement_uri: Where it lies.
        report_uri: Where the report for people lies.
        live_version: The live version according to the ledger; another one may have been judged.
        alarms: Alarms that ask for training and are on.
    """

    project: str
    environment: str
    endpoint: str
    verdict: Verdict
    explanation: str
    judgement: Judgement | None
    document: dict[str, Any] | None
    judgement_uri: str
    report_uri: str
    live_version: int | None
    alarms: tuple[Alarm, ...]
    asked_at: datetime

    def as_json(self) -> dict[str, Any]:
        """The same for machines; times in ISO 8601."""
        return {
            "project": self.project,
            "environment": self.environment,
            "endpoint": self.endpoint,
            "verdict": self.verdict.value,
            "explanation": self.explanation,
            "live_version": self.live_version,
            "alarms": [
                {"kind": alarm.kind, "name": alarm.name, "since": alarm.at.isoformat(), "reason": alarm.reason}
                for alarm in self.alarms
            ],
            "judgement": self.document,
            "judgement_uri": self.judgement_uri,
            "report_uri": self.report_uri,
            "asked_at": self.asked_at.isoformat(),
        }


def read_drift(stage: Stage, *, now: datetime) -> Drift:
    """Ask the artifacts for the newest judgement, and the ledger for the alarms.

    Raises:
        OpsError: The stacks are not deployed, or the judgement cannot be read.
    """
    folder = f"s3://{stage.artifacts_bucket}/monitoring/{stage.endpoint}"
    uri = f"{folder}/latest.json"
    content = storage.read(stage.target.s3, uri)
    judgement = parse(content, uri=uri) if content is not None else None
    live = stage.ledger.live()
    alarms = tuple(alarm for alarm in stage.ledger.training().alarms.values() if alarm.on)
    verdict, explanation = conclude(judgement, alarms)
    return Drift(
        project=stage.project,
        environment=stage.environment,
        endpoint=stage.endpoint,
        verdict=verdict,
        explanation=explanation,
        judgement=judgement,
        document=json.loads(content) if content is not None else None,
        judgement_uri=uri,
        report_uri=f"{folder}/latest.html",
        live_version=live.version if live else None,
        alarms=alarms,
        asked_at=now,
    )


def save_report(stage: Stage, answer: Drift, path: Path) -> None:
    """Download the report for people.

    Raises:
        OpsError: There is none yet, or the file cannot be written.
    """
    if answer.judgement is None:
        raise OpsError(f"there is no report yet: {answer.explanation}")
    storage.download(stage.target.s3, answer.report_uri, path)


def conclude(judgement: Judgement | None, alarms: tuple[Alarm, ...]) -> tuple[Verdict, str]:
    """Say what a judgement comes to."""
    if judgement is None:
        return Verdict.NEVER_JUDGED, (
            "the monitor has judged nothing yet: it runs on [monitoring] schedule, once a version is live, and judges "
            "a window when grace_minutes have passed since its end (docs/operating.md says how to run it now)"
        )
    found = [_broken(name, judgement) for name, breach in judgement.breaches.items() if breach]
    if found:
        return Verdict.BREACHED, "; ".join(found)
    if alarms:
        on = ", ".join(alarm.kind for alarm in alarms)
        return Verdict.BREACHED, f"the newest window breaks no limit, but alarms are on: {on}"
    if not any(feature.judged for feature in judgement.features):
        rows = judgement.features[0].rows if judgement.features else 0
        why = next((feature.why_not for feature in judgement.features if feature.why_not), None)
        return Verdict.TOO_LITTLE, f"{rows} rows in the span are too few to speak of drift" + (
            f": {why}" if why else ""
        )
    return Verdict.IN_ORDER, "the newest window breaks no limit"


def _broken(name: str, judgement: Judgement) -> str:
    since = judgement.since.get(name)
    return _what(name, judgement) + (f", since {since:%Y-%m-%d %H:%M} UTC" if since else "")


def _what(name: str, judgement: Judgement) -> str:
    match name:
        case "drift":
            return _drift(judgement)
        case "prediction_drift":
            return f"predictions moved {_by(judgement.prediction)}"
        case "quality":
            return quality_words(judgement.quality)
        case "data_quality":
            return f"{judgement.violations.share:.1%} of the rows break the baseline's schema"
        case _:
            return name.replace("_", " ")


def _drift(judgement: Judgement) -> str:
    worst, judged = judgement.by_distance[0], sum(feature.judged for feature in judgement.features)
    drifted = sum(feature.drifted for feature in judgement.features)
    return f"{drifted} of {judged} features drifted, most of all {worst.name} {_by(worst)}"


def _by(feature: Feature | None) -> str:
    if feature is None or feature.robust_linf is None:
        return "by an unknown distance"
    limit = f" (limit {feature.limit:g})" if feature.limit is not None else ""
    return f"by {feature.robust_linf:.3f}{limit}"


def quality_words(quality: Quality | None) -> str:
    """Say how good the predictions were, against the baseline, or why nobody knows."""
    if quality is None:
        return "not measured"
    if quality.value is None:
        return f"{quality.metric} is not known: {quality.reason or 'no reason given'}"
    measured = (
        f"{quality.metric} {quality.value:.4g}{_range(quality.interval, quality.level)} on {quality.rows:,} labels"
    )
    trained = f"at training {quality.baseline:.4g}{_range(quality.baseline_interval, quality.level)}"
    drop = f"{quality.drop:.1%} worse than that, limit {quality.limit:.0%}" if quality.drop else "no worse than that"
    return f"{measured}, {trained}: {drop}"


def _range(interval: tuple[float, float] | None, level: float) -> str:
    return f" ({level:.0%}: {interval[0]:.4g} to {interval[1]:.4g})" if interval else ""
