"""Judgements as CloudWatch metrics: of each window one datapoint a metric, at the window's end.

Alarms and dashboards read ``Maximum``, so a datapoint that is sent again after a crash counts no second time.
AWS page: "PutMetricData" (Amazon CloudWatch API Reference): at most 1,000 metrics in one call, none of them older than
two weeks.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

NAMESPACE: Final = "Tandem/Monitoring"
_MOST_METRICS: Final = 1000
_REFUSED: Final = frozenset({"InvalidParameterValue", "InvalidParameterValueException"})
_OLDEST: Final = timedelta(days=13, hours=12)
"""Half a day is left for a run that starts late."""


def publish(judgements: Sequence[Mapping[str, Any]], cloudwatch: "CloudWatchClient", *, now: datetime) -> int:
    """Send the metrics of judgements; returns of how many, for CloudWatch takes what is less than two weeks old.

    Args:
        judgements: oldest first.
        cloudwatch: takes the metrics.
        now: when the run was due; one that starts much later is told by CloudWatch what is too old.
    """
    young = [one for one in judgements if now - datetime.fromisoformat(one["window"]["end"]) <= _OLDEST]
    if _put([datum for judgement in young for datum in metrics(judgement)], cloudwatch):
        return len(young)
    return sum(_put(list(metrics(judgement)), cloudwatch) for judgement in young)


def alive(project: str, environment: str, endpoint: str, *, at: datetime, cloudwatch: "CloudWatchClient") -> None:
    """Say that the monitor ran although there was nothing to judge; of a moment long ago there is nothing to say."""
    dimensions = _dimensions({"project": project, "environment": environment, "endpoint": endpoint})
    datum = {"MetricName": "MonitorRuns", "Dimensions": dimensions, "Timestamp": at, "Value": 1.0, "Unit": "Count"}
    _put([datum], cloudwatch)


def _put(data: Sequence[Any], cloudwatch: "CloudWatchClient") -> bool:
    """Send datapoints; returns whether CloudWatch takes them, for it refuses a call with one that is too old."""
    try:
        for first in range(0, len(data), _MOST_METRICS):
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data[first : first + _MOST_METRICS])
    except ClientError as error:
        if error.response["Error"]["Code"] in _REFUSED and "Timestamp" in error.response["Error"]["Message"]:
            return False
        raise
    return True


def metrics(judgement: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the datapoints of one judgement; what could not be told has none."""
    dimensions = _dimensions(judgement)
    at = datetime.fromisoformat(judgement["window"]["end"])

    def datum(name: str, value: float, *, unit: str = "None", feature: str | None = None) -> dict[str, Any]:
        of_feature = [] if feature is None else [{"Name": "Feature", "Value": feature}]
        return {
            "MetricName": name,
            "Dimensions": dimensions + of_feature,
            "Timestamp": at,
            "Value": float(value),
            "Unit": unit,
        }

    for name, value in _figures(judgement).items():
        if value is not None:
            yield datum(name, value)
    for name, value in _numbers(judgement).items():
        yield datum(name, value, unit="Count")
    for feature in judgement["features"]:
        if feature["judged"]:
            yield datum("FeatureDrift", feature["robust_linf"], feature=feature["name"])


def _figures(judgement: Mapping[str, Any]) -> dict[str, float | None]:
    worst, quality, estimate = judgement["worst"], judgement["quality"], judgement["estimate"]
    return {
        "FeatureDrift": worst and worst["robust_linf"],
        "PredictionDrift": _of(judgement["prediction"]),
        "TargetDrift": _of(judgement["target"]),
        "Quality": quality["value"],
        "QualityBaseline": quality["baseline"],
        "QualityDrop": quality["drop"],
        "QualityEstimate": estimate and estimate["value"],
        "ViolationShare": judgement["violations"]["share"] if judgement["traffic"]["rows"] else None,
        "ModelAgeDays": judgement["model"]["age_days"],
        "ModelVersion": float(judgement["model"]["version"]),
    }


def _numbers(judgement: Mapping[str, Any]) -> dict[str, int]:
    return {
        "Rows": judgement["traffic"]["rows"],
        "Records": judgement["traffic"]["records"],
        "LabelledRows": judgement["labels"]["rows"],
        "CaptureProblems": sum(problem["count"] for problem in judgement["capture"]["problems"]),
        "MonitorRuns": 1,
    }


def _of(feature: Mapping[str, Any]) -> float | None:
    return feature["robust_linf"] if feature["judged"] else None


def _dimensions(about: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"Name": name.title(), "Value": about[name]} for name in ("project", "environment", "endpoint")]
