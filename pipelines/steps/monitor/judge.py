"""Judges one window: a pure function of what was counted, of the labels known by now, and of the baseline."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.steps.drift import estimate, features, quality, violations
from pipelines.steps.drift.baseline import PREDICTION
from pipelines.steps.drift.features import Feature
from pipelines.steps.drift.limits import Limits
from pipelines.steps.drift.quality import Quality
from pipelines.steps.gate.interval import LEVEL
from pipelines.steps.metrics import of_task
from pipelines.steps.monitor.collect import Reference, WindowCounts
from pipelines.steps.monitor.ground_truth import Delivery, Joined
from pipelines.steps.monitor.live import Live
from pipelines.steps.monitor.windows import Window
from pipelines.steps.profiling import counts
from pipelines.steps.report.judgement import FORMAT

TARGET = "target"


@dataclass(frozen=True)
class Subject:
    """What is judged.

    Attributes:
        project: its name.
        environment: its name.
        endpoint: its name.
        metric: the project's primary metric.
        limits: how far data may stray.
        live: the version that serves.
        reference: its baseline.
    """

    project: str
    environment: str
    endpoint: str
    metric: str
    limits: Limits
    live: Live
    reference: Reference


@dataclass(frozen=True)
class Evidence:
    """What is known of a window.

    Attributes:
        span: the windows that are judged together, oldest first; the last one is the window itself.
        joined: the answers of the windows in which labels are waited for, with the labels known by now.
        targets: the labels, counted by the baseline's bins.
        delivery: the labels that came in the window itself.
    """

    span: Sequence[WindowCounts]
    joined: Joined
    targets: counts.Profile
    delivery: Delivery


def judge(window: Window, evidence: Evidence, subject: Subject, *, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the judgement of a window.

    Args:
        window: the window.
        evidence: what is known of it.
        subject: what is judged.
        before: the judgement of the window before it, if there is one.
    """
    limits, baseline = subject.limits, subject.reference.baseline
    current, span = evidence.span[-1], sum(evidence.span[1:], evidence.span[0])
    inputs = list(_inputs(span, subject))
    prediction = _of_predictions(span, subject)
    found = violations.find(current.inputs, current.mistyped, baseline=baseline.rows, layout=subject.reference.inputs)
    violation_share = violations.share(found, rows=current.inputs.rows)
    measured = quality.measure(
        evidence.joined.live,
        baseline,
        metric=subject.metric,
        min_labels=limits.min_labels,
        limit=limits.max_quality_drop,
    )
    breaches = {
        "drift": any(feature.drifted for feature in inputs),
        "prediction_drift": prediction.drifted,
        "quality": measured.breached,
        "data_quality": violation_share > limits.max_violation_share,
    }
    return {
        "format": FORMAT,
        "project": subject.project,
        "environment": subject.environment,
        "endpoint": subject.endpoint,
        "window": {
            "start": window.start.isoformat(),
            "end": window.end.isoformat(),
            "length": limits.window,
            "span": limits.span,
            "from": window.before(limits.span - 1).start.isoformat(),
        },
        "model": {
            "version": subject.live.version,
            "package_arn": subject.live.package_arn,
            "run_id": subject.live.run_id,
            "created": subject.live.created.isoformat(),
            "age_days": subject.live.age_days(window.end),
        },
        "baseline": {
            "rows": baseline.rows.rows,
            "snapshot_id": baseline.subject.snapshot_id,
            "holdout_rows": baseline.predictions.rows,
        },
        "traffic": {
            "records": current.records,
            "rows": current.inputs.rows,
            "rows_of_live_version": current.predictions.rows,
            "silent_windows": sum(not each.inputs.rows for each in evidence.span),
        },
        "capture": {
            "files": current.files,
            "records": current.records,
            "problems": [each.as_document() for each in current.problems],
        },
        "labels": {
            "rows": len(evidence.joined.live),
            "share": len(evidence.joined.live) / evidence.joined.answered if evidence.joined.answered else 0.0,
            "unmatched": evidence.delivery.unmatched,
            "conflicting": evidence.delivery.conflicting,
            "problems": [each.as_document() for each in evidence.delivery.problems],
        },
        "features": [feature.as_document() for feature in inputs],
        "prediction": prediction.as_document(),
        "target": _of_labels(evidence.targets, subject).as_document(),
        "worst": _worst(inputs),
        "violations": {
            "share": violation_share,
            "limit": limits.max_violation_share,
            "rows": current.inputs.rows,
            "found": [each.as_document() for each in found],
        },
        "quality": _quality(measured, subject),
        "estimate": _estimate(span, subject),
        "breaches": breaches,
        "since": {name: _since(name, window, before) if breach else None for name, breach in breaches.items()},
        "alarm": {"windows": limits.alarm_windows, "of": limits.alarm_of},
    }


def _inputs(span: WindowCounts, subject: Subject) -> Iterator[Feature]:
    limits, baseline = subject.limits, subject.reference.baseline
    for column in subject.reference.inputs.columns:
        rule = features.Rule(limits.max_drift, limits.min_rows, ignored=column.name in limits.ignore)
        then, now = baseline.rows.columns[column.name], span.inputs.columns[column.name]
        yield features.compare(column, then, now, rule)
        lengths = features.compare_lengths(column, then, now, rule)
        if lengths is not None:
            yield lengths


def _of_predictions(span: WindowCounts, subject: Subject) -> Feature:
    limits, baseline = subject.limits, subject.reference.baseline
    return features.compare(
        baseline.prediction_layout.columns[0],
        baseline.predictions.columns[PREDICTION],
        span.predictions.columns[PREDICTION],
        features.Rule(limits.max_prediction_drift, limits.min_rows),
    )


def _of_labels(targets: counts.Profile, subject: Subject) -> Feature:
    """Compare the labels with those trained on. It is told and alarms nobody: labels have the quality to speak."""
    limits, baseline = subject.limits, subject.reference.baseline
    name = baseline.subject.target
    return features.compare(
        baseline.layout.column(name),
        baseline.rows.columns[name],
        targets.columns[name],
        features.Rule(limits.max_prediction_drift, limits.min_labels),
        name=TARGET,
    )


def _worst(inputs: Sequence[Feature]) -> dict[str, Any] | None:
    judged = [(each.robust_linf, each.name) for each in inputs if each.why_not is None and each.robust_linf is not None]
    if not judged:
        return None
    distance, name = max(judged, key=lambda found: found[0])
    return {"feature": name, "robust_linf": distance}


def _quality(measured: Quality, subject: Subject) -> dict[str, Any]:
    baseline, metric = subject.reference.baseline, subject.metric
    interval = baseline.intervals.get(metric)
    return {
        "metric": metric,
        "direction": of_task(baseline.subject.task)[metric].direction,
        "value": measured.value,
        "interval": None if measured.interval is None else list(measured.interval),
        "level": LEVEL,
        "rows": measured.rows,
        "clusters": measured.clusters,
        "baseline": baseline.metrics[metric],
        "baseline_interval": None if interval is None else list(interval),
        "drop": measured.drop,
        "limit": measured.limit,
        "boundary": measured.boundary,
        "breached": measured.breached,
        "metrics": dict(measured.metrics),
        "baseline_metrics": dict(baseline.metrics),
        "reason": measured.reason,
    }


def _estimate(span: WindowCounts, subject: Subject) -> dict[str, Any] | None:
    if span.predictions.rows < subject.limits.min_rows:
        return None
    baseline = subject.reference.baseline
    found = estimate.estimate(baseline, span.predictions.columns[PREDICTION], metric=subject.metric)
    return None if found is None else dict(vars(found))


def _since(name: str, window: Window, before: Mapping[str, Any] | None) -> str:
    """Return when the present streak of breaches began."""
    earlier = before["since"][name] if before is not None else None
    return str(earlier) if earlier else window.start.isoformat()
