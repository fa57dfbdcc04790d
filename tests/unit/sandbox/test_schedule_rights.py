"""Schedules where the sandbox enforces IAM: a target is called with the rights of its role and no others."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from sandbox.control import Fired
from sandbox.server import Sandbox

PIPELINE = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/monitoring"
DEAD = "arn:aws:sqs:us-east-1:000000000000:dead"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that enforces IAM, with a pipeline and a dead-letter queue."""
    with Sandbox(tmp_path_factory.mktemp("guarded") / "state", enforce_iam=True) as running:
        steps = [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "on purpose"}}]
        running.client("sagemaker").create_pipeline(
            PipelineName="monitoring",
            PipelineDefinition=json.dumps({"Version": "2020-12-01", "Steps": steps}),
            RoleArn=_role(running, "pipeline", service="sagemaker.amazonaws.com"),
            ClientRequestToken="0" * 32,
        )
        running.client("sqs").create_queue(QueueName="dead")
        yield running


def _role(
    sandbox: Sandbox,
    name: str,
    *,
    service: str = "scheduler.amazonaws.com",
    allowed: Sequence[tuple[str, str]] = (),
    group: str | None = None,
) -> str:
    trust: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if group is not None:
        source = f"arn:aws:scheduler:us-east-1:000000000000:schedule-group/{group}"
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": "000000000000", "aws:SourceArn": source}}
    iam = sandbox.client("iam")
    arn = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    if allowed:
        statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in allowed]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy)
    return str(arn)


def _fire(sandbox: Sandbox, role: str) -> Fired:
    name = f"schedule-{uuid4().hex[:8]}"
    target: dict[str, Any] = {
        "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
        "RoleArn": role,
        "Input": json.dumps(
            {"PipelineName": "monitoring", "ClientRequestToken": f"<aws.scheduler.execution-id>{'0' * 16}"}
        ),
        "DeadLetterConfig": {"Arn": DEAD},
    }
    client = sandbox.client("scheduler")
    soon = sandbox.now() + timedelta(minutes=5)
    client.create_schedule(
        Name=name,
        ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target=target,
    )
    (fired,) = sandbox.advance(timedelta(minutes=6)).fired
    assert not client.list_schedules()["Schedules"]
    return fired


def _dead(sandbox: Sandbox) -> list[dict[str, Any]]:
    client = sandbox.client("sqs")
    url = client.get_queue_url(QueueName="dead")["QueueUrl"]
    messages = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])
    for message in messages:
        client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return list(messages)


def test_a_role_that_may_start_the_pipeline_starts_it(guarded: Sandbox) -> None:
    role = _role(guarded, "may", allowed=[("sagemaker:StartPipelineExecution", PIPELINE)])
    before = len(
        guarded.client("sagemaker").list_pipeline_executions(PipelineName="monitoring")["PipelineExecutionSummaries"]
    )
    assert _fire(guarded, role).error is None
    runs = guarded.client("sagemaker").list_pipeline_executions(PipelineName="monitoring")["PipelineExecutionSummaries"]
    assert len(runs) == before + 1


def test_a_role_may_be_for_the_schedules_of_one_group(guarded: Sandbox) -> None:
    allowed = [("sagemaker:StartPipelineExecution", PIPELINE), ("sqs:SendMessage", DEAD)]
    assert _fire(guarded, _role(guarded, "of-the-group", allowed=allowed, group="default")).error is None
    refused = _fire(guarded, _role(guarded, "of-another", allowed=allowed, group="another")).error
    assert "must allow AWS EventBridge Scheduler to assume the role" in str(refused)


def test_a_role_that_may_not_is_refused_and_the_call_is_kept(guarded: Sandbox) -> None:
    role = _role(guarded, "may-not", allowed=[("sqs:SendMessage", DEAD)])
    assert "sagemaker:StartPipelineExecution" in str(_fire(guarded, role).error)
    (kept,) = _dead(guarded)
    assert kept["MessageAttributes"]["ERROR_CODE"]["StringValue"].startswith("AccessDenied")
    assert "EXHAUSTED_RETRY_CONDITION" not in kept["MessageAttributes"]


def test_a_role_that_may_not_even_keep_it_loses_the_call(guarded: Sandbox) -> None:
    assert _fire(guarded, _role(guarded, "may-nothing")).error is not None
    assert _dead(guarded) == []


def test_a_role_that_does_not_trust_the_scheduler_is_refused(guarded: Sandbox) -> None:
    allowed = [("sagemaker:StartPipelineExecution", PIPELINE), ("sqs:SendMessage", DEAD)]
    role = _role(guarded, "trusts-another", service="events.amazonaws.com", allowed=allowed)
    assert "must allow AWS EventBridge Scheduler to assume the role" in str(_fire(guarded, role).error)
    assert _dead(guarded) == []
