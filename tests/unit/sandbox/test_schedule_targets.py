"""What a schedule calls, and what becomes of a call that fails."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from sandbox.scheduler.delivery import Delivery
from sandbox.scheduler.schedule import Schedule
from sandbox.scheduler.targets import Occasion, UnsupportedTargetError, call_of, check
from sandbox.scheduler.trust import trusts

ROLE = "arn:aws:iam::000000000000:role/scheduler"
ARN = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/monitor"
WHEN = datetime(2013, 3, 1, 1, 15, tzinfo=UTC)
OCCASION = Occasion(ARN, WHEN, execution_id="ad06616e51cdf74a", attempt=2)
UNIVERSAL = "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution"


def test_context_attributes_are_filled_in_wherever_they_stand() -> None:
    given = {
        "PipelineName": "flights-monitoring",
        "ClientRequestToken": "monitoring-<aws.scheduler.execution-id>-<aws.scheduler.attempt-number>",
        "PipelineParameters": [
            {"Name": "Until", "Value": "<aws.scheduler.scheduled-time>"},
            {"Name": "Why", "Value": "<aws.scheduler.schedule-arn>"},
        ],
    }
    call = call_of({"Arn": UNIVERSAL, "RoleArn": ROLE, "Input": json.dumps(given)}, OCCASION)
    assert (call.service, call.operation) == ("sagemaker", "StartPipelineExecution")
    assert call.arguments == {
        "PipelineName": "flights-monitoring",
        "ClientRequestToken": "monitoring-ad06616e51cdf74a-2",
        "PipelineParameters": [{"Name": "Until", "Value": "2013-03-01T01:15:00Z"}, {"Name": "Why", "Value": ARN}],
    }


@pytest.mark.parametrize(
    ("target", "service", "operation", "arguments"),
    [
        (
            {"Arn": "arn:aws:lambda:us-east-1:000000000000:function:f", "Input": "{}"},
            "lambda",
            "Invoke",
            {"InvocationType": "Event", "Payload": "{}"},
        ),
        (
            {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "Input": "hi", "SqsParameters": {"MessageGroupId": "g"}},
            "sqs",
            "SendMessage",
            {"MessageBody": "hi", "MessageGroupId": "g"},
        ),
        ({"Arn": "arn:aws:sns:us-east-1:000000000000:t", "Input": "hi"}, "sns", "Publish", {"Message": "hi"}),
        (
            {
                "Arn": "arn:aws:sagemaker:us-east-1:000000000000:pipeline/p",
                "SageMakerPipelineParameters": {"PipelineParameterList": [{"Name": "a", "Value": "1"}]},
            },
            "sagemaker",
            "StartPipelineExecution",
            {"PipelineName": "p", "PipelineParameters": [{"Name": "a", "Value": "1"}]},
        ),
    ],
)
def test_templated_targets(
    target: Mapping[str, Any], service: str, operation: str, arguments: Mapping[str, Any]
) -> None:
    call = call_of(target, OCCASION)
    assert (call.service, call.operation) == (service, operation)
    assert arguments.items() <= call.arguments.items()


def test_an_event_bus_gets_an_event_and_a_target_without_input_a_notification() -> None:
    parameters = {"DetailType": "due", "Source": "tandem"}
    target = {"Arn": "arn:aws:events:us-east-1:000000000000:event-bus/b", "EventBridgeParameters": parameters}
    (entry,) = call_of(target, OCCASION).arguments["Entries"]
    assert entry["Source"] == "tandem"
    notification = json.loads(entry["Detail"])
    assert notification["resources"] == [ARN]
    assert notification["time"] == "2013-03-01T01:15:00Z"


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ({"Arn": "arn:aws:scheduler:::aws-sdk:nothing:doIt"}, "no service 'nothing'"),
        ({"Arn": "arn:aws:scheduler:::aws-sdk:sqs:fly"}, "no operation 'fly'"),
        ({"Arn": "arn:aws:scheduler:::aws-sdk:sqs:receiveMessage"}, "only reads"),
        ({"Arn": UNIVERSAL, "Input": "[1]"}, "no JSON object"),
        ({"Arn": "arn:aws:ecs:us-east-1:000000000000:cluster/c"}, "templated targets of lambda"),
        ({"Arn": "nonsense"}, "cannot call 'nonsense'"),
    ],
)
def test_a_target_that_cannot_be_called_is_refused(target: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(UnsupportedTargetError, match=problem):
        check(target)


class _Clients:
    """Clients whose target fails as told; what the dead-letter queue gets is kept."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.kept: list[Mapping[str, Any]] = []
        self.counted: Mapping[str, float] = {}

    def __call__(self, service: str, role_arn: str | None) -> Any:
        assert role_arn == (ROLE if service in {"sagemaker", "sqs"} else None)
        return self

    def get_role(self, **_: Any) -> dict[str, Any]:
        raise _error("NoSuchEntity", 404)

    def put_metric_data(self, *, Namespace: str, MetricData: list[Mapping[str, Any]]) -> None:  # noqa: N803 - AWS's
        assert Namespace == "AWS/Scheduler"
        self.counted = {
            datum["MetricName"]: datum["Value"]
            for datum in MetricData
            if datum["Dimensions"] == [{"Name": "ScheduleGroup", "Value": "default"}]
        }

    def start_pipeline_execution(self, **_: Any) -> dict[str, Any]:
        error = self.errors[min(self.calls, len(self.errors) - 1)]
        self.calls += 1
        if error is not None:
            raise error
        return {}

    def send_message(self, **message: Any) -> dict[str, Any]:
        self.kept.append(message)
        return {}


def _error(code: str, status: int) -> ClientError:
    answer = {"Error": {"Code": code, "Message": "because"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "StartPipelineExecution")  # type: ignore[arg-type]  # only what is read


def _deliver(clients: _Clients, **target: Any) -> Any:
    stored = {
        "Arn": ARN,
        "Name": "monitor",
        "ScheduleExpression": "rate(1 day)",
        "CreationDate": 0,
        "Target": {
            "Arn": UNIVERSAL,
            "RoleArn": ROLE,
            "Input": '{"PipelineName": "<aws.scheduler.attempt-number>"}',
            "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:000000000000:dead"},
            **target,
        },
    }
    return Delivery(clients, endpoint_url="http://127.0.0.1:1").deliver(Schedule.read(stored), WHEN)


def _attributes(message: Mapping[str, Any]) -> dict[str, str]:
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}


def test_an_error_that_stays_goes_to_the_dead_letter_queue_at_once() -> None:
    clients = _Clients(_error("ResourceNotFound", 400))
    failure = _deliver(clients)
    assert (failure.code, failure.message, clients.calls) == ("ResourceNotFound", "because", 1)
    (kept,) = clients.kept
    assert kept["QueueUrl"] == "http://127.0.0.1:1/000000000000/dead"
    assert kept["MessageBody"] == '{"PipelineName": "1"}'
    attributes = _attributes(kept)
    assert len(attributes.pop("EXECUTION_ID")) == 16
    assert attributes == {
        "ERROR_CODE": "ResourceNotFound",
        "ERROR_MESSAGE": "because",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULED_TIME": "2013-03-01T01:15:00Z",
        "SCHEDULE_ARN": ARN,
        "TARGET_ARN": UNIVERSAL,
    }
    assert clients.counted == {
        "InvocationAttemptCount": 1,
        "TargetErrorCount": 1,
        "InvocationsSentToDeadLetterCount": 1,
    }


@pytest.mark.parametrize(
    "error",
    [_error("InternalFailure", 500), _error("ThrottlingException", 400), EndpointConnectionError(endpoint_url="x")],
)
def test_a_passing_error_is_tried_again_as_often_as_the_policy_says(error: Exception) -> None:
    clients = _Clients(error)
    _deliver(clients, RetryPolicy={"MaximumRetryAttempts": 3})
    assert clients.calls == 4
    attributes = _attributes(clients.kept[0])
    assert attributes["RETRY_ATTEMPTS"] == "3"
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"


def test_a_call_that_succeeds_in_the_end_leaves_nothing() -> None:
    clients = _Clients(_error("InternalFailure", 500), _error("InternalFailure", 500), None)
    assert _deliver(clients) is None
    assert clients.calls == 3
    assert clients.kept == []
    assert clients.counted == {"InvocationAttemptCount": 1}


def test_without_a_dead_letter_queue_a_failed_call_is_lost() -> None:
    clients = _Clients(_error("ResourceNotFound", 400))
    assert _deliver(clients, DeadLetterConfig={}) is not None
    assert clients.kept == []
    assert clients.counted["InvocationDroppedCount"] == 1


def _policy(**changes: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**statement, **changes}]}


@pytest.mark.parametrize(
    ("policy", "trusted"),
    [
        (_policy(), True),
        (_policy(Principal={"Service": ["events.amazonaws.com", "scheduler.amazonaws.com"]}), True),
        (_policy(Principal={"Service": "events.amazonaws.com"}), False),
        (_policy(Principal={"AWS": "*"}), False),
        (_policy(Effect="Deny"), False),
        (_policy(Condition={"StringEquals": {"aws:SourceAccount": "000000000000"}}), True),
        (_policy(Condition={"StringEquals": {"aws:SourceAccount": "111111111111"}}), False),
        (_policy(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:scheduler:*:*:schedule-group/default"}}), True),
        (_policy(Condition={"ArnLike": {"aws:SourceArn": ARN}}), False),
        (_policy(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), False),
        ({"Version": "2012-10-17", "Statement": []}, False),
    ],
)
def test_a_role_has_to_trust_the_scheduler_for_the_group(policy: Mapping[str, Any], trusted: bool) -> None:  # noqa: FBT001
    assert trusts(policy, schedule_arn=ARN) is trusted
