"""Which alarms watch which dead-letter queue, read from the templates.

``tests/data/dead_letter_alarms.json`` holds it for tests that must not take the time of a synth;
``tests/infrastructure/test_dead_letter_alarms.py`` compares it with the templates, and rewrites it when
``TANDEM_RECORD_ALARMS`` is set.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

FILE = Path(__file__).parents[1] / "data" / "dead_letter_alarms.json"
QUEUES = {"retrain": "Training", "closing": "Training", "deployment": "Serving", "confirmation": "Serving"}
"""Stack by queue; constructs are named after their queue."""
WATCH = "watch"
_DEFAULTS = {"ActionsEnabled": True, "Statistic": None, "TreatMissingData": "missing"}
_KEPT = ("Namespace", "MetricName", "Period", "Threshold", "ComparisonOperator", "EvaluationPeriods")


class Template(Protocol):
    """A synthesized template."""

    def all(self, kind: str) -> dict[str, Any]:
        """Properties of the resources of a type, by logical id."""

    def id(self, kind: str, start: str) -> str:
        """Logical id of the only resource of a type whose id starts so."""

    def one(self, kind: str, start: str) -> Any:
        """Properties of that resource."""


def derive(stacks: Mapping[str, Template]) -> dict[str, Any]:
    """By queue: its dead-letter queue, where events go that could not be put into it, and all alarms on these."""
    found = {}
    for name, stack in QUEUES.items():
        template = stacks[stack]
        queue = template.id("AWS::SQS::Queue", f"{name.capitalize()}Queue")
        dead = _of(template.all("AWS::SQS::Queue")[queue]["RedrivePolicy"]["deadLetterTargetArn"])
        found[name] = {
            "dead_letters": dead,
            "undelivered": sorted(set(_undelivered(template, queue))),
            "alarms": dict(_alarms(template, dead)),
        }
    schedule = stacks["Training"].one("AWS::Scheduler::Schedule", "Watch")
    dead = _of(schedule["Target"]["DeadLetterConfig"]["Arn"])
    found[WATCH] = {"dead_letters": dead, "undelivered": [dead], "alarms": dict(_alarms(stacks["Training"], dead))}
    return found


def recorded() -> dict[str, Any]:
    """What was derived when it was last written down."""
    document: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return document


def write(document: Mapping[str, Any]) -> None:
    """Write it down."""
    FILE.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", "utf-8")


def _undelivered(template: Template, queue: str) -> Iterator[str]:
    for rule in template.all("AWS::Events::Rule").values():
        for target in rule["Targets"]:
            if target["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}:
                yield _of(target["DeadLetterConfig"]["Arn"])


def _alarms(template: Template, queue: str) -> Iterator[tuple[str, dict[str, Any]]]:
    of_queue = {"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}
    for name, alarm in template.all("AWS::CloudWatch::Alarm").items():
        if of_queue in alarm.get("Dimensions", []):
            kept = {key: alarm.get(key, default) for key, default in _DEFAULTS.items()}
            tells = [each["Fn::ImportValue"] for each in alarm.get("AlarmActions", [])]
            yield name, kept | {key: alarm[key] for key in _KEPT} | {"AlarmActions": tells}


def _of(attribute: Any) -> str:
    name, _ = attribute["Fn::GetAtt"]
    return str(name)
