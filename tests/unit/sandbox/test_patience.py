"""Whoever asks for a stack under way is answered when it is done, and nobody else has to wait."""

import asyncio
from typing import Any

import pytest

from sandbox.adapter import patience
from sandbox.adapter.patience import Answer, until_settled

DESCRIBE = b"Action=DescribeStacks&StackName=flights-sandbox-Storage&Version=2010-05-15"


class CloudFormation:
    """Goes through the statuses, one a question."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.asked = 0

    async def answer(self, *_: Any) -> Answer:
        self.asked += 1
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return 200, {}, f"<Stacks><member><StackStatus>{status}</StackStatus></member></Stacks>".encode()

    def told(self, body: bytes = DESCRIBE) -> str:
        async def ask() -> Answer:
            return await until_settled(self.answer)("POST", "/", {}, body, {})

        return str(asyncio.run(ask())[2])


def test_the_answer_is_held_until_the_stack_is_done() -> None:
    stack = CloudFormation("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    assert "CREATE_COMPLETE" in stack.told()
    assert stack.asked == 3


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_a_stack_with_nothing_to_wait_for_is_told_at_once(status: str) -> None:
    stack = CloudFormation(status)
    assert status in stack.told()
    assert stack.asked == 1


def test_other_questions_are_answered_at_once() -> None:
    stack = CloudFormation("CREATE_IN_PROGRESS")
    assert "CREATE_IN_PROGRESS" in stack.told(b"Action=DescribeStackEvents&StackName=flights-sandbox-Storage")
    assert stack.asked == 1


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_LONGEST_SECONDS", 0.12)
    stack = CloudFormation("UPDATE_IN_PROGRESS")
    assert "UPDATE_IN_PROGRESS" in stack.told()
    assert stack.asked > 1
