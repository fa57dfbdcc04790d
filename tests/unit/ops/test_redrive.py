"""`ops redrive`: what lies in the dead-letter queues and why, and how it gets back to where it was for."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from ops import redrive
from ops.commands import common
from ops.dead_letters import DeadLetters, Queue
from ops.errors import ExitCode
from tests.unit.ops.support.desk import Desk
from tests.unit.ops.support.workshop import Workshop

EVENT = json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": {}})
REQUEST = json.dumps({"source": "tandem", "detail-type": "Retrain Requested", "detail": {"reason": "x"}})
UNDELIVERED = {
    "RULE_ARN": "arn:aws:events:us-east-1:000000000000:rule/drops",
    "TARGET_ARN": "arn:aws:sqs:us-east-1:000000000000:retrain",
    "ERROR_CODE": "NO_PERMISSIONS",
    "ERROR_MESSAGE": "The queue's policy refuses the rule",
}
"""AWS page "Using dead-letter queues to process undelivered events"."""


def resource(desk: Desk, logical_id: str) -> str:
    """URL of a queue of the stage."""
    described = desk.client("cloudformation").describe_stack_resource(
        StackName=f"{desk.name}-Training", LogicalResourceId=logical_id
    )
    return str(described["StackResourceDetail"]["PhysicalResourceId"])


def give_up(desk: Desk, *bodies: str) -> None:
    """Let every delivery of these messages fail, until SQS moves them to the dead-letter queue."""
    sqs, url = desk.client("sqs"), desk.stage.retrain_queue_url
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    for _ in range(3):
        while sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages"):
            pass


def undelivered(desk: Desk, body: str = EVENT, *, to: str = "DeadLetters", target: str | None = None) -> None:
    """EventBridge could not deliver an event and puts it into its rule's dead-letter queue."""
    told = UNDELIVERED | ({"TARGET_ARN": target} if target else {})
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
    desk.client("sqs").send_message(QueueUrl=resource(desk, to), MessageBody=body, MessageAttributes=attributes)


def bodies(desk: Desk, url: str) -> list[str]:
    """Take what lies in a queue."""
    found: list[str] = []
    while received := desk.messages(url):
        found += [body for _, body in received]
    return sorted(found)


def test_what_lies_there_is_listed_with_its_age_and_the_reason_of_the_oldest(desk: Desk) -> None:
    give_up(desk, EVENT, REQUEST)
    result = desk.ask("redrive", "--dry-run")

    assert result.exit_code == ExitCode.OK, result.output
    shown = " ".join(result.stdout.split())
    assert f"{desk.name}-Training-DeadLetters" in shown
    assert ": 2, the oldest for " in shown
    assert "Object Created (message " in shown
    assert "every delivery to its handler failed; the handler's log has the error under the message's id" in shown
    assert len(bodies(desk, resource(desk, "DeadLetters"))) == 2, "looking takes nothing out and hides nothing"


def test_messages_go_back_to_the_queue_they_came_from(desk: Desk) -> None:
    give_up(desk, EVENT, REQUEST)
    result = desk.ask("redrive", "--yes")

    assert result.exit_code == ExitCode.OK, result.output
    assert "2 moved from " in result.stdout
    assert bodies(desk, desk.stage.retrain_queue_url) == sorted([EVENT, REQUEST])
    assert bodies(desk, resource(desk, "DeadLetters")) == []


def test_an_event_that_eventbridge_could_not_deliver_goes_to_the_queue_it_was_for(desk: Desk) -> None:
    undelivered(desk)
    give_up(desk, REQUEST)
    result = desk.ask("redrive", "--yes")

    assert result.exit_code == ExitCode.OK, result.output
    assert "EventBridge could not deliver it, NO_PERMISSIONS: The queue's policy refuses the rule" in result.stdout
    assert bodies(desk, desk.stage.retrain_queue_url) == sorted([EVENT, REQUEST])


def test_more_messages_than_are_looked_at_are_all_counted_and_all_moved(desk: Desk) -> None:
    url = resource(desk, "DeadLetters")
    for _ in range(12):
        entries = [{"Id": str(number), "MessageBody": EVENT} for number in range(10)]
        desk.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    answer = desk.answer("redrive", "--yes")

    (queue,) = answer["queues"]
    assert (queue["count"], queue["outcome"]) == (120, {"moved": 120, "left": None})
    assert len(bodies(desk, desk.stage.retrain_queue_url)) == 120


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (
            "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
            "EventBridge Scheduler could not start what its schedule is for",
        ),
        (
            "arn:aws:sqs:us-east-1:000000000000:closing",
            "EventBridge Scheduler could not put its message into closing; the next message of the schedule does",
        ),
        (
            "arn:aws:sns:us-east-1:000000000000:people",
            "EventBridge could not publish a message to the topic people, and nobody was told",
        ),
        ("arn", "no handler was to get them"),
    ],
)
def test_what_has_no_queue_to_go_back_to_is_left_and_told(desk: Desk, target: str, told: str) -> None:
    undelivered(desk, '{"PipelineName": "p"}', to="ScheduleDeadLetters", target=target)
    result = desk.ask("redrive", "--yes")

    assert result.exit_code == ExitCode.NOT_REDRIVEN
    assert "0 moved from " in result.stdout
    assert f"no queue is their source: {told}" in " ".join(result.stdout.split())
    assert f"aws sqs purge-queue --queue-url {resource(desk, 'ScheduleDeadLetters')}" in result.stdout
    assert bodies(desk, resource(desk, "ScheduleDeadLetters")) == ['{"PipelineName": "p"}']


def test_machines_get_names_count_age_and_reason(desk: Desk) -> None:
    give_up(desk, "no JSON\nat all")
    answer = desk.answer("redrive", "--dry-run")

    (queue,) = answer["queues"]
    assert (answer["project"], answer["environment"]) == (desk.project, "sandbox")
    assert queue["queue"].startswith(f"{desk.name}-Training-DeadLetters")
    assert queue["source"].startswith(f"{desk.name}-Training-Queue")
    assert queue["count"] == 1
    assert 0 <= queue["oldest_age_seconds"] < 600
    assert queue["reason"].startswith("no event, 'no JSON at all', (message ")
    assert queue["outcome"] is None


def test_with_nothing_there_nothing_is_asked(desk: Desk) -> None:
    result = desk.ask("redrive")
    assert (result.exit_code, result.stdout) == (ExitCode.OK, "no message lies in a dead-letter queue\n")
    assert desk.answer("redrive")["queues"] == []


def test_only_the_named_queue_is_touched(desk: Desk) -> None:
    give_up(desk, EVENT)
    undelivered(desk, to="ScheduleDeadLetters")
    result = desk.ask("redrive", "--yes", "--queue", "training-queue")

    assert result.exit_code == ExitCode.OK, result.output
    assert bodies(desk, desk.stage.retrain_queue_url) == [EVENT]
    assert "Schedule" not in result.stdout


def test_a_queue_that_does_not_exist_is_wrong_usage_that_names_those_there_are(desk: Desk) -> None:
    result = desk.ask("redrive", "--queue", "deploy")
    assert result.exit_code == ExitCode.USAGE
    assert "--queue deploy: neither a dead-letter queue nor a source of one is called so" in result.stderr
    assert f"{desk.name}-Training-ScheduleDeadLetters" in result.stderr


def test_it_asks_before_it_moves(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    give_up(desk, EVENT)
    nobody = desk.ask("redrive")
    monkeypatch.setattr(common, "has_terminal", lambda: True)
    refused = desk.ask("redrive", typed="n\n")

    assert nobody.exit_code == ExitCode.USAGE
    assert "Move 1 message of 1 dead-letter queue back?" in nobody.stderr
    assert refused.exit_code == ExitCode.ERROR
    assert len(bodies(desk, resource(desk, "DeadLetters"))) == 1


def test_a_stage_that_is_not_deployed_is_an_error(desk: Desk) -> None:
    result = desk.ask("redrive", "--environment", "elsewhere")
    assert result.exit_code == ExitCode.ERROR
    assert f"the stack {desk.project}-elsewhere-Training is not deployed" in result.stderr


ARN = "arn:aws:sqs:us-east-1:000000000000:"
LETTERS = DeadLetters(
    queue=Queue(url="https://sqs/dead", arn=f"{ARN}dead"),
    source=Queue(url="https://sqs/live", arn=f"{ARN}live"),
    count=1,
)


@pytest.fixture(name="slow_sqs")
def _slow_sqs(workshop: Workshop) -> Iterator[Stubber]:
    """SQS as it is on AWS, where a move takes its time and may fail."""
    with Stubber(workshop.stage.target.sqs) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def tells(stubber: Stubber, **task: Any) -> None:
    stubber.add_response("list_message_move_tasks", {"Results": [task] if task else []})


def test_a_move_is_followed_to_its_end(workshop: Workshop, slow_sqs: Stubber) -> None:
    wanted = {"SourceArn": f"{ARN}dead", "DestinationArn": f"{ARN}live"}
    tells(slow_sqs)
    slow_sqs.add_response("start_message_move_task", {"TaskHandle": "t"}, wanted)
    tells(slow_sqs, Status="RUNNING")
    tells(slow_sqs, Status="COMPLETED", ApproximateNumberOfMessagesMoved=1)

    (outcome,) = redrive.redrive(workshop.stage, [LETTERS], told=lambda _: None)
    assert (outcome.moved, outcome.left) == (1, None)


def test_a_move_that_somebody_else_began_is_followed_and_no_second_one_is_started(
    workshop: Workshop, slow_sqs: Stubber
) -> None:
    tells(slow_sqs, Status="RUNNING")
    tells(slow_sqs, Status="COMPLETED", ApproximateNumberOfMessagesMoved=1)

    (outcome,) = redrive.redrive(workshop.stage, [LETTERS], told=lambda _: None)
    assert (outcome.moved, outcome.left) == (1, None)


@pytest.mark.parametrize(
    ("task", "left"),
    [
        ({"Status": "FAILED", "FailureReason": "AccessDenied"}, "the move failed: AccessDenied; run it again"),
        ({"Status": "CANCELLED"}, "somebody cancelled the move; run it again"),
        ({"Status": "COMPLETED"}, "1 could not be received, because somebody else is reading them; run it again"),
    ],
)
def test_what_is_left_is_told_with_its_reason(
    workshop: Workshop, slow_sqs: Stubber, task: dict[str, Any], left: str
) -> None:
    tells(slow_sqs, Status="COMPLETED", ApproximateNumberOfMessagesMoved=7)
    slow_sqs.add_response("start_message_move_task", {"TaskHandle": "t"})
    tells(slow_sqs, **task)

    (outcome,) = redrive.redrive(workshop.stage, [LETTERS], told=lambda _: None)
    assert outcome.moved == 0
    assert (outcome.left or "").startswith(left)


def test_a_move_that_takes_very_long_is_left_to_itself(
    workshop: Workshop, slow_sqs: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redrive, "_PATIENCE_SECONDS", -1)
    tells(slow_sqs, Status="RUNNING", ApproximateNumberOfMessagesMoved=0)
    tells(slow_sqs, Status="RUNNING", ApproximateNumberOfMessagesMoved=0)

    (outcome,) = redrive.redrive(workshop.stage, [LETTERS], told=lambda _: None)
    assert "by itself; run it again to follow it" in (outcome.left or "")


def test_an_age_is_told_in_its_two_largest_units(monkeypatch: pytest.MonkeyPatch) -> None:
    from ops.commands import redrive as command  # noqa: PLC0415  # the module that the function of its name hides

    class Noon(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Noon":
            return cls(2026, 3, 3, 12, tzinfo=tz)

    monkeypatch.setattr(command, "datetime", Noon)
    told = [
        command._age(datetime(2026, 3, day, hour, minute, tzinfo=UTC)) for day, hour, minute in ((1, 9, 5), (3, 9, 5))
    ]
    assert [*told, command._age(datetime(2026, 3, 3, 11, 58, 55, tzinfo=UTC))] == ["2 d 2 h", "2 h 55 min", "1 min 5 s"]
    assert command._age(datetime(2026, 3, 3, 12, 0, 1, tzinfo=UTC)) == "0 s"
