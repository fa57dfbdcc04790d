"""Messages of the queues, up to the point where a handler asks AWS."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import BaseModel

from fuzzing.parser import ROOT, Parser, text_of
from lambdas.close_training.events import ClosingMessage, WatchDue
from lambdas.confirm_deployment.events import EndpointStateChange
from lambdas.deploy_model.events import DeploymentMessage
from lambdas.deploy_model.events import Request as DeploymentRequest
from lambdas.deploy_model.waiting import Ticket
from lambdas.shared import clock
from lambdas.shared.attributes import encode_item
from lambdas.shared.endpoints import Endpoint
from lambdas.shared.errors import UnexpectedEventError
from lambdas.shared.events import parse_body
from lambdas.start_training import alarms
from lambdas.start_training.events import AlarmChange, AlarmStateChange, Request, RetrainMessage
from lambdas.start_training.window import period_of

_EXAMPLES = ROOT / "tests" / "unit" / "lambdas" / "examples"
_STAGE = "flights-sandbox"
_PACKAGE = "arn:aws:sagemaker:us-east-1:000000000000:model-package/flights-sandbox/7"
_TOKENS = (
    *("source", "tandem", "aws.s3", "aws.cloudwatch", "aws.sagemaker", "detail-type", "detail", "Object Created"),
    *("Retrain Requested", "CloudWatch Alarm State Change", "Deployment Requested", "reason", "requested_by", "due"),
    *("wake_up", "requires_new_data", "timestamp", "value", "ALARM", "OK", "INSUFFICIENT_DATA", f"{_STAGE}-drift"),
    *(
        "version-id",
        "key",
        "LastModifiedTime",
        "ModelPackageVersion",
        "UpdatedModelPackageFields",
        "package_arn",
        _PACKAGE,
    ),
)


def _body(model: type[BaseModel], act: Callable[[Any], object]) -> Callable[[bytes], object]:
    return lambda data: act(parse_body(text_of(data), model))


def _retrain(message: RetrainMessage) -> None:
    if isinstance(message.root, AlarmStateChange):
        if (seen := AlarmChange.of(message.root, stage=_STAGE)) is not None:
            (known,) = alarms.observe({}, [seen]).values()
            encode_item(known.model_dump())
            json.dumps([clock.iso(seen.at), *alarms.words([known])]).encode()
        return
    request = Request.of(message.root, message_id="m")
    json.dumps([request.reason, request.trigger], ensure_ascii=False).encode()
    if request.object_version is not None:
        period_of(request.object_version[0], prefix="data/")


def _deployment(message: DeploymentMessage) -> None:
    request = DeploymentRequest.of(message.root, message_id="m")
    encode_item({"version": request.version, "reason": request.reason})


def _closing(message: ClosingMessage) -> None:
    if isinstance(message.root, WatchDue):
        clock.iso(message.root.detail.at)
        return
    # SageMaker's client would take it to the network as it is.
    message.root.detail.execution_arn.encode("utf-8", "surrogatepass")


def _endpoint(message: EndpointStateChange) -> None:
    endpoint = Endpoint(name="e", status="Updating", modified_at="2013-01-01T00:00:00.000Z")
    assert message.is_ahead_of(endpoint) in {True, False}


def _ticket(data: bytes) -> None:
    """Attributes of a message: SQS checks their types only, and whoever may send may set them."""
    attributes = json.loads(data)
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise ValueError("SQS takes no such attributes")
    told = {name: {"stringValue": value, "dataType": "String"} for name, value in attributes.items()}
    ticket = Ticket.of(SQSRecord(_MESSAGE | {"messageAttributes": told}))
    clock.iso(ticket.since)
    assert ticket.rounds >= 0


def _examples(*names: str, more: Iterable[Mapping[str, Any]] = ()) -> Callable[[], Iterable[bytes]]:
    def seeds() -> Iterable[bytes]:
        for name in names:
            text = (_EXAMPLES / f"{name}.json").read_text("utf-8")
            event = json.loads(text)
            if name == "alarm_state_change":
                event["detail"]["alarmName"] = f"{_STAGE}-drift"
            yield json.dumps(event).encode()
        yield from (json.dumps(each).encode() for each in more)

    return seeds


_RETRAIN = {
    "source": "tandem",
    "detail-type": "Retrain Requested",
    "detail": {
        "reason": "r",
        "requested_by": "b",
        "requires_new_data": True,
        "wake_up": True,
        "due": "2013-01-01T00:00:00Z",
    },
}
_DEPLOY = {
    "source": "tandem",
    "detail-type": "Deployment Requested",
    "detail": {"package_arn": _PACKAGE, "reason": "r", "requested_by": "b"},
}
_LOOK = {"source": "tandem", "detail-type": "Training Watch Due", "detail": {"at": "2013-03-01T10:00:00Z"}}
_WAITING = {"RequestId": "r", "Rounds": "3", "WaitingSince": "2013-03-01T10:00:00.000Z"}
_MESSAGE = {"messageId": "m", "attributes": {"SentTimestamp": "1362132900000", "ApproximateReceiveCount": "1"}}

PARSERS = (
    Parser(
        name="queues.retrain",
        reads="messages to StartTraining: objects, alarms, requests",
        modules=(
            "lambdas/shared/events.py",
            "lambdas/start_training/handler.py",
            "lambdas/start_training/events.py",
            "lambdas/start_training/alarms.py",
        ),
        run=_body(RetrainMessage, _retrain),
        refusals=(ValueError, UnexpectedEventError),
        seeds=_examples("object_created", "alarm_state_change", more=[_RETRAIN]),
        syntax="json",
        tokens=_TOKENS,
    ),
    Parser(
        name="queues.deployment",
        reads="messages to DeployModel: approvals, requests",
        modules=("lambdas/deploy_model/events.py", "lambdas/deploy_model/handler.py"),
        run=_body(DeploymentMessage, _deployment),
        refusals=(ValueError,),
        seeds=_examples("model_package", more=[_DEPLOY]),
        syntax="json",
        tokens=_TOKENS,
    ),
    Parser(
        name="queues.waiting",
        reads="attributes of a message that waits for the endpoint",
        modules=("lambdas/deploy_model/waiting.py",),
        run=_ticket,
        refusals=(ValueError, RecursionError),  # the last: SQS takes no such attributes
        seeds=lambda: (json.dumps(_WAITING).encode(),),
        syntax="json",
        tokens=("WaitingSince", "Rounds", "RequestId", "2013-03-01T10:00:00", "-3"),
    ),
    Parser(
        name="queues.execution",
        reads="messages to CloseTraining: ends of runs, times to look",
        modules=("lambdas/close_training/events.py", "lambdas/close_training/handler.py"),
        run=_body(ClosingMessage, _closing),
        refusals=(ValueError,),
        seeds=_examples("pipeline_execution", more=[_LOOK]),
        syntax="json",
        tokens=_TOKENS,
    ),
    Parser(
        name="queues.endpoint",
        reads="messages to ConfirmDeployment",
        modules=("lambdas/confirm_deployment/events.py", "lambdas/confirm_deployment/handler.py"),
        run=_body(EndpointStateChange, _endpoint),
        refusals=(ValueError,),
        seeds=_examples("endpoint"),
        syntax="json",
        tokens=_TOKENS,
    ),
)
