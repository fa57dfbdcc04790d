"""What EventBridge is told when an alarm changes its state.

AWS page: "Alarm events and EventBridge".
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DETAIL_TYPE = "CloudWatch Alarm State Change"
SOURCE = "aws.cloudwatch"

_SUPPRESSION = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")


@dataclass(frozen=True)
class AlarmState:
    """The state of an alarm at some moment, as the event describes it.

    Attributes:
        value: OK, ALARM or INSUFFICIENT_DATA.
        reason: in words.
        reason_data: as JSON text; None when there is none.
        timestamp: when it came to it, in ISO 8601 with milliseconds.
    """

    value: str
    reason: str
    reason_data: str | None
    timestamp: str

    def as_detail(self) -> dict[str, str]:
        """The part of the event."""
        data = {} if self.reason_data is None else {"reasonData": self.reason_data}
        return {"value": self.value, "reason": self.reason, **data, "timestamp": self.timestamp}


def detail(alarm: Mapping[str, Any], *, state: AlarmState, previous: AlarmState) -> dict[str, Any]:
    """The detail of the event for an alarm as the API describes it, a composite one or not."""
    return {
        "alarmName": alarm["AlarmName"],
        "state": state.as_detail(),
        "previousState": previous.as_detail(),
        "configuration": dict(_configuration(alarm)),
    }


def _configuration(alarm: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if alarm.get("AlarmDescription"):
        yield "description", alarm["AlarmDescription"]
    if "AlarmRule" in alarm:
        yield "alarmRule", alarm["AlarmRule"]
        for name in _SUPPRESSION:
            if alarm.get(name) is not None:
                yield name[0].lower() + name[1:], alarm[name]
    else:
        yield "metrics", [_metric(alarm)]


def _metric(alarm: Mapping[str, Any]) -> dict[str, Any]:
    unit = {"unit": alarm["Unit"]} if alarm.get("Unit") else {}
    return {
        # AWS gives the metric of a simple alarm an identifier of its own.
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"])),
        "metricStat": {
            "metric": {
                "namespace": alarm["Namespace"],
                "name": alarm["MetricName"],
                "dimensions": {item["Name"]: item["Value"] for item in alarm.get("Dimensions") or ()},
            },
            "period": alarm["Period"],
            "stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
            **unit,
        },
        "returnData": True,
    }
