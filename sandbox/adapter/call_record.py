"""Where permissions are enforced: every different call that a role makes, as the emulator's IAM decided it.

A line of JSON each in `logs/calls.jsonl` of the sandbox's directory: who called, which action, on which resource, what
conditions could look at, the decision, and the statement behind it. What the account itself does is not written down.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.adapter import internals
from sandbox.adapter.settings import ACCOUNT, REGION

FILE = "calls.jsonl"
#: Nothing that a policy can look at: they say who reads or where a listing goes on.
_LEFT_OUT = frozenset({"dynamodb:select", "s3:max-keys", "s3:delimiter"})


@dataclass(frozen=True)
class Demand:
    """A permission that a service asks of its caller's role besides the one for the call itself.

    Attributes:
        action: the action.
        resource: the ARN.
        context: condition keys with their values.
        through: the service that acts for the role.
    """

    action: str
    resource: str
    context: Mapping[str, Any]
    through: str


#: What a permitted call demands besides: called with the action and the resource of the call.
Further = Callable[[str, str], Sequence[Demand]]


@dataclass(frozen=True)
class _Question:
    """What was asked of the emulator's evaluation: its context, the role's policies, and what limits them."""

    context: Any
    policies: list[list[Any]]
    limits: tuple[Any, ...]


_questions: ContextVar[list[_Question] | None] = ContextVar("questions", default=None)


class CallRecord:
    """Writes down the decisions of the emulator, and asks for what it does not ask for."""

    def __init__(self, log_dir: Path, further: Further) -> None:
        self._path = log_dir / FILE
        self._further = further
        self._written: set[str] = set()
        self._lock = threading.Lock()

    def install(self) -> None:
        """Put this between the emulator and its evaluation of policies."""
        enforce, evaluate, pin_origin = internals.ENFORCE.get(), internals.EVALUATE.get(), internals.PIN_ORIGIN.get()

        def noting(context: Any, policies: list[list[Any]], *limits: Any) -> Any:
            if (questions := _questions.get()) is not None:
                questions.append(_Question(context, policies, limits))
            return evaluate(context, policies, *limits)

        def enforce_and_record(
            access_key_id: str,
            iam_action: str,
            service: str,
            region: str,
            resource_arn: str = "*",
            service_context: dict[str, Any] | None = None,
        ) -> Any:
            questions: list[_Question] = []
            token = _questions.set(questions)
            try:
                refusal = enforce(
                    access_key_id,
                    iam_action,
                    service,
                    region,
                    resource_arn=resource_arn,
                    service_context=service_context,
                )
            finally:
                _questions.reset(token)
            if not questions:
                return refusal
            self._write(questions[0], refusal, through=None)
            return refusal or self._refused_besides(questions[0])

        def pin_request_origin(source_ip: str, secure_transport: bool) -> None:  # noqa: FBT001 - the emulator's
            # Statements that refuse calls without TLS protect what crosses a network. Nothing does here: the server
            # listens on the loopback address alone.
            del secure_transport
            pin_origin(source_ip, True)  # noqa: FBT003 - the emulator's

        internals.EVALUATE.replace(noting)
        internals.ENFORCE.replace(enforce_and_record)
        internals.PIN_ORIGIN.replace(pin_request_origin)

    def refusal(self, role_arn: str, demand: Demand) -> Any:
        """What the emulator's IAM says to a demand that a service makes of a role; None when it is allowed."""
        name = role_arn.rsplit("/", 1)[-1]
        context = internals.EVAL_CONTEXT.get()(
            principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{demand.through.partition('.')[0]}",
            principal_type="AssumedRole",
            principal_account=ACCOUNT,
            action="",
            resource_arn="",
            region=REGION,
            secure_transport=True,
        )
        question = _Question(context, internals.ROLE_POLICIES.get()(name, ACCOUNT), self._boundary(name))
        for each in (demand, *self._further(demand.action, demand.resource)):
            if (refusal := self._demanded(question, each)) is not None:
                return refusal
        return None

    @staticmethod
    def _boundary(name: str) -> tuple[Any, ...]:
        return tuple(internals.BOUNDARY.get()(internals.ROLES.get(), name, ACCOUNT))

    def _refused_besides(self, question: _Question) -> Any:
        for demand in self._further(question.context.action, question.context.resource_arn):
            if (refusal := self._demanded(question, demand)) is not None:
                return refusal
        return None

    def _demanded(self, question: _Question, demand: Demand) -> Any:
        context = replace(
            question.context,
            action=demand.action,
            resource_arn=demand.resource,
            service_context={key.lower(): value for key, value in demand.context.items()},
        )
        asked = _Question(context, question.policies, question.limits)
        result = internals.EVALUATE.get()(context, asked.policies, *asked.limits)
        service = demand.action.partition(":")[0]
        if (found := internals.RESOURCE_POLICY.get()(service, demand.resource)) is not None:
            # A key's policy has to allow it even to roles of its own account.
            result = internals.COMBINE.get()(result, context, *found, required=service == "kms", limits=asked.limits)
        refusal = None if result.decision == "Allow" else result
        self._write(asked, refusal, through=demand.through)
        return refusal

    def _write(self, question: _Question, refusal: Any, *, through: str | None) -> None:
        context = question.context
        line = json.dumps(
            {
                "role": _role(context.principal_arn),
                "action": context.action,
                "resource": context.resource_arn,
                "context": {
                    key: value
                    for key, value in sorted(context.service_context.items())
                    if value is not None and key not in _LEFT_OUT
                },
                "secure_transport": context.secure_transport,
                "through": through,
                "decision": "Allow" if refusal is None else getattr(refusal, "decision", refusal.__class__.__name__),
                "statement": _statement(question, refusal),
            }
        )
        with self._lock:
            if line in self._written:
                return
            self._written.add(line)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


def _role(principal_arn: str) -> str:
    """The role behind a session, whose name every call of the session has."""
    if ":assumed-role/" not in principal_arn:
        return principal_arn
    account, name = principal_arn.split(":")[4], principal_arn.split("/")[1]
    return f"arn:aws:iam::{account}:role/{name}"


def _statement(question: _Question, refusal: Any) -> dict[str, Any] | None:
    """The statement of the role's policies that decided; None where none did."""
    statements = [statement for policy in question.policies for statement in policy]
    effect = "Allow" if refusal is None else "Deny"
    found = internals.FIRST_MATCH.get()(question.context, statements, effect)
    if found is None:
        return None
    return {"Action": found.actions, "Resource": found.resources, "Condition": found.conditions}
