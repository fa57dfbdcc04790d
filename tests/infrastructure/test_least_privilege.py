"""No permission too few and none too many: the recorded calls of the loop against the policies of the templates.

``tests/loop`` records the calls where the sandbox enforces the policies. A second engine judges them here, and once
more for every statement, action and resource that is taken away.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import recorded_calls
from permission_table import MAY
from recorded_calls import Call
from resolved_policies import Granted, Stage
from second_engine import ALLOWED, Question, judge, session_of
from service_calls import as_roles

REASONS = Path(__file__).parents[1] / "data" / "unrecorded_permissions.json"
ROLES = sorted(f"{stack}-{name}" for stack, name in MAY)
_TLS = {"aws:SecureTransport": "true"}


@dataclass(frozen=True)
class Removal:
    """Something that is taken out of a statement.

    Attributes:
        granted: the statement.
        member: ``Action`` or ``Resource``; empty for the whole statement.
        value: which of them.
    """

    granted: Granted
    member: str = ""
    value: str = ""

    @property
    def left(self) -> Granted | None:
        """What is left of the statement."""
        return self.granted.without(self.member, self.value) if self.member else None

    @property
    def actions(self) -> list[str]:
        """The actions that it is about."""
        return [self.value] if self.member == "Action" else self.granted.actions

    def concerns(self, call: Call) -> bool:
        """Whether it can matter to a call."""
        return call.role == self.granted.role and call.action in self.actions

    def __str__(self) -> str:
        """As the reasons name it."""
        what = f"{self.value} of {self.granted}" if self.member else str(self.granted)
        return what if self.granted.statement.get("Condition") is None else f"{what}, on a condition"


class Judgement:
    """The recorded calls, the policies, and what the second engine says of them."""

    def __init__(self, stage: Stage) -> None:
        self.calls = [*recorded_calls.load().all, *as_roles(stage)]
        self.grants = stage.grants()
        self._policies = stage.resource_policies()

    def question(self, call: Call, grants: list[Granted]) -> Question:
        """Whether a role with these grants may do what it was recorded to do."""
        bucket = call.resource.partition("/")[0] if call.action.startswith("s3:") else call.resource
        return Question(
            principal=session_of(call.role),
            action=call.action,
            resource=call.resource,
            context=_TLS | dict(call.context),
            identity=[each.statement for each in grants if each.role == call.role],
            policy=self._policies.get(bucket),
        )

    def removals(self) -> Iterator[Removal]:
        """Everything that can be taken away."""
        for granted in self.grants:
            yield Removal(granted)
            for member in ("Action", "Resource"):
                if len(granted.statement[member]) > 1:
                    yield from (Removal(granted, member, value) for value in granted.statement[member])

    def unneeded(self) -> list[Removal]:
        """What can be taken away without any recorded call being denied."""
        removals = list(self.removals())
        questions, of = list[Question](), list[Removal]()
        for removal in removals:
            at = next(at for at, each in enumerate(self.grants) if each is removal.granted)
            left = [*self.grants[:at], *([removal.left] if removal.left else []), *self.grants[at + 1 :]]
            for call in self.calls:
                if removal.concerns(call):
                    questions.append(self.question(call, left))
                    of.append(removal)
        needed = {id(each) for each, verdict in zip(of, judge(questions), strict=True) if verdict != ALLOWED}
        return [removal for removal in removals if id(removal) not in needed]


@pytest.fixture(scope="session", name="judgement")
def _judgement(assembly: Any) -> Judgement:
    stacks = ("Storage", "Training", "Serving", "Monitoring", "Application")
    return Judgement(Stage({stack: assembly.template("flights-sandbox", stack).body for stack in stacks}))


@pytest.fixture(scope="session", name="unneeded")
def _unneeded(judgement: Judgement) -> list[Removal]:
    return judgement.unneeded()


def _reasons() -> list[dict[str, Any]]:
    reasons: list[dict[str, Any]] = json.loads(REASONS.read_text("utf-8"))
    return reasons


def _explains(reason: Mapping[str, Any], removal: Removal) -> bool:
    """Whether an entry is about what was taken away; without roles it is about all of them."""
    return (
        removal.granted.role in reason.get("roles", ROLES)
        and set(removal.actions) <= set(reason["actions"])
        and (
            removal.member != "Resource"
            or any(removal.value.startswith(start) for start in reason.get("resources", [""]))
        )
    )


def test_a_second_engine_allows_every_recorded_call(judgement: Judgement) -> None:
    verdicts = judge([judgement.question(call, judgement.grants) for call in judgement.calls])

    denied = [call for call, verdict in zip(judgement.calls, verdicts, strict=True) if verdict != ALLOWED]
    assert denied == []
    assert len(judgement.calls) > 100


@pytest.mark.parametrize("role", ROLES)
def test_whatever_is_taken_from_a_role_is_missed_by_a_recorded_call_or_has_its_reason(
    unneeded: list[Removal], role: str
) -> None:
    unexplained = [
        str(removal)
        for removal in unneeded
        if removal.granted.role == role and not any(_explains(reason, removal) for reason in _reasons())
    ]

    assert unexplained == [], f"exercise it in the loop, take it out of stacks/, or give a reason in {REASONS.name}"


@pytest.mark.parametrize("reason", _reasons(), ids=lambda reason: "+".join(reason["actions"]))
def test_a_reason_is_about_something_that_no_recorded_call_needs(
    unneeded: list[Removal], reason: dict[str, Any]
) -> None:
    explained = [removal for removal in unneeded if _explains(reason, removal)]

    assert {removal.granted.role for removal in explained} >= set(reason.get("roles", []))
    for action in reason["actions"]:
        assert any(action in removal.actions for removal in explained), action


def test_without_tls_every_call_of_a_bucket_a_queue_or_the_topic_is_denied(judgement: Judgement) -> None:
    calls = [
        call
        for call in judgement.calls
        if call.action.startswith(("s3:", "sqs:", "sns:")) and "cdk-" not in call.resource
    ]
    questions = [judgement.question(call, judgement.grants) for call in calls]
    plain = [
        Question(**{**vars(each), "context": {**each.context, "aws:SecureTransport": "false"}}) for each in questions
    ]

    assert len(calls) > 10
    assert set(judge(plain)) == {"ExplicitlyDenied"}
