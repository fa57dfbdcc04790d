"""What a schedule calls: templated targets and the universal target.

AWS pages: "Managing targets in EventBridge Scheduler", "Using universal targets in EventBridge Scheduler" and "Adding
context attributes in EventBridge Scheduler".
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import ServiceModel

_UNIVERSAL = re.compile(r"arn:aws:scheduler:::aws-sdk:([a-z0-9-]+):([A-Za-z0-9]+)")
# AWS: "EventBridge Scheduler does not support performing read-only actions" by universal targets.
_READ_ONLY = re.compile(
    r"(get|describe|list|poll|receive|search|scan|query|select|read|lookup|discover|validate|batchGet)"
)
# The universal target names a service after the SDK for Java, boto3 after its endpoint.
_CLIENTS = {"eventbridge": "events", "sfn": "stepfunctions", "cloudwatchlogs": "logs"}


@dataclass(frozen=True)
class Occasion:
    """One attempt to call a target.

    Attributes:
        schedule_arn: the schedule.
        scheduled: when it was due, which may be earlier than now.
        execution_id: the attempt's own identifier.
        attempt: 1 for the first.
    """

    schedule_arn: str
    scheduled: datetime
    execution_id: str
    attempt: int

    @property
    def scheduled_time(self) -> str:
        """The due time as the context attribute writes it."""
        return self.scheduled.strftime("%Y-%m-%dT%H:%M:%SZ")

    def fill_in(self, text: str) -> str:
        """Replace the context attributes in an input."""
        for name, value in (
            ("schedule-arn", self.schedule_arn),
            ("scheduled-time", self.scheduled_time),
            ("execution-id", self.execution_id),
            ("attempt-number", str(self.attempt)),
        ):
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text


@dataclass(frozen=True)
class Call:
    """A call of the AWS API: the name of boto3's client, the operation and its arguments."""

    service: str
    operation: str
    arguments: Mapping[str, Any]


class UnsupportedTargetError(ValueError):
    """The target is none that the sandbox can call; the message says which it can."""


def check(target: Mapping[str, Any]) -> None:
    """Make sure that a target can be called; to be used when its schedule is stored.

    Raises:
        UnsupportedTargetError: when it cannot.
    """
    arn = target["Arn"]
    match = _UNIVERSAL.fullmatch(arn)
    if match is None:
        _template(arn)
        return
    _operation(*match.groups())
    try:
        given = json.loads(target.get("Input") or "{}")
    except (ValueError, RecursionError) as error:
        raise UnsupportedTargetError(f"The Input of {arn} is no valid JSON: {error}") from error
    if not isinstance(given, dict):
        raise UnsupportedTargetError(f"The Input of {arn} is no JSON object with the members of the request.")


def call_of(target: Mapping[str, Any], occasion: Occasion) -> Call:
    """The call that a target stands for on an occasion.

    Raises:
        UnsupportedTargetError: when the sandbox cannot make it.
    """
    arn = target["Arn"]
    given = target.get("Input")
    match = _UNIVERSAL.fullmatch(arn)
    if match is not None:
        service, operation = _operation(*match.groups())
        return Call(service=service, operation=operation, arguments=json.loads(occasion.fill_in(given or "{}")))
    text = _notification(occasion) if given is None else occasion.fill_in(given)
    return _template(arn)(target, text)


def _notification(occasion: Occasion) -> str:
    """What a templated target without an input gets."""
    _, _, _, region, account, _ = occasion.schedule_arn.split(":", maxsplit=5)
    return json.dumps(
        {
            "version": "0",
            "id": occasion.execution_id,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": account,
            "time": occasion.scheduled_time,
            "region": region,
            "resources": [occasion.schedule_arn],
            "detail": "{}",
        }
    )


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def _operation(service: str, action: str) -> tuple[str, str]:
    client = _CLIENTS.get(service, service)
    try:
        known = _model(client).operation_names
    except UnknownServiceError as error:
        raise UnsupportedTargetError(f"There is no service {service!r} that a schedule could call.") from error
    name = action[0].upper() + action[1:]
    if name not in known:
        raise UnsupportedTargetError(f"The service {service!r} has no operation {action!r}.")
    if _READ_ONLY.match(action):
        raise UnsupportedTargetError(f"A schedule cannot call {service}:{action}: it only reads.")
    return client, name


def _function(target: Mapping[str, Any], text: str) -> Call:
    arguments = {"FunctionName": target["Arn"], "InvocationType": "Event", "Payload": text}
    return Call("lambda", "Invoke", arguments)


def _queue(target: Mapping[str, Any], text: str) -> Call:
    arguments = {"QueueUrl": target["Arn"], "MessageBody": text, **target.get("SqsParameters", {})}
    return Call("sqs", "SendMessage", arguments)


def _topic(target: Mapping[str, Any], text: str) -> Call:
    return Call("sns", "Publish", {"TopicArn": target["Arn"], "Message": text})


def _bus(target: Mapping[str, Any], text: str) -> Call:
    entry = {"EventBusName": target["Arn"], "Detail": text, **target.get("EventBridgeParameters", {})}
    return Call("events", "PutEvents", {"Entries": [entry]})


def _pipeline(target: Mapping[str, Any], text: str) -> Call:
    del text
    given = target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
    arguments = {"PipelineName": target["Arn"].rsplit("/", 1)[-1], "PipelineParameters": given}
    return Call("sagemaker", "StartPipelineExecution", arguments)


_TEMPLATES: Mapping[str, Callable[[Mapping[str, Any], str], Call]] = {
    "lambda": _function,
    "sqs": _queue,
    "sns": _topic,
    "events": _bus,
    "sagemaker": _pipeline,
}


def _template(arn: str) -> Callable[[Mapping[str, Any], str], Call]:
    parts = arn.split(":")
    service = parts[2] if arn.startswith("arn:") and len(parts) > len(("arn", "aws", "service", "region")) else ""
    if service not in _TEMPLATES:
        known = ", ".join(_TEMPLATES)
        raise UnsupportedTargetError(
            f"The sandbox cannot call {arn!r}; it knows the universal target "
            f"(arn:aws:scheduler:::aws-sdk:service:action) and templated targets of {known}."
        )
    return _TEMPLATES[service]
