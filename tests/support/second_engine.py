"""A policy engine that shares nothing with the sandbox's: `@cloud-copilot/iam-simulate`, run by Node.js.

It is licensed under the AGPL, so it stays a development tool in a process of its own and no part of what is shipped.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from resolved_policies import ACCOUNT, Statement, document

from sandbox.deploy import REPOSITORY, node_program

ALLOWED: Final = "Allowed"
_PROGRAM = Path(__file__).with_name("judge.mjs")
_PACKAGES = Path(os.environ.get("TANDEM_NODE_PACKAGES", REPOSITORY))
# Resources that the Service Authorization Reference, from which the engine has its data, does not list for the action:
# a stream of a group (AWS page "Overview of managing access permissions to your CloudWatch Logs resources"), a version
# that a model is made of ("Cross-account access" of the model registry), the group that a version is added to.
_NOT_LISTED = (
    ("logs:CreateLogStream", ":log-stream:"),
    ("sagemaker:CreateModel", ":model-package/"),
    ("sagemaker:CreateModelPackage", ":model-package-group/"),
)
# The key ends with a name that its caller chooses; the engine takes it only as the reference of the actions spells it.
_COLONS = ("kms:EncryptionContext:aws:logs:arn", "kms:EncryptionContext:${EncryptionContextKey}")


@dataclass(frozen=True)
class Question:
    """May this be done?

    Attributes:
        principal: the ARN of a role's session, or the name of a service.
        action: the action.
        resource: the ARN.
        context: condition keys with their values.
        identity: the statements of the principal's policies; none for a service.
        policy: the statements of the resource's own policy, if it has one.
    """

    principal: str
    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)
    identity: Sequence[Statement] = ()
    policy: Sequence[Statement] | None = None


def session_of(role: str) -> str:
    """The principal of a session of a role."""
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session"


def judge(questions: Sequence[Question]) -> list[str]:
    """The verdicts, in the order of the questions.

    Raises:
        AssertionError: when the engine does not run, or a question is none: an unknown action, a resource of a type
            that the action does not have, a condition key that it does not know.
    """
    if not (_PACKAGES / "node_modules" / "@cloud-copilot" / "iam-simulate").exists():
        raise AssertionError("the package @cloud-copilot/iam-simulate is not installed: run `make setup`")
    policies, numbers = list[dict[str, Any]](), dict[str, int]()

    def number(statements: Sequence[Statement]) -> int:
        policy = document(statements)
        key = json.dumps(policy)
        if key not in numbers:
            numbers[key] = len(policies)
            policies.append(policy)
        return numbers[key]

    asked = [
        {
            "request": {
                "principal": each.principal,
                "action": each.action,
                "resource": {"resource": each.resource, "accountId": ACCOUNT},
                "contextVariables": dict(each.context),
            },
            "identity": [number(each.identity)] if each.identity else [],
            "resource": None if each.policy is None else number(each.policy),
            "validated": not any(each.action == action and part in each.resource for action, part in _NOT_LISTED),
        }
        for each in questions
    ]
    done = subprocess.run(
        [node_program(), _PROGRAM, _PACKAGES],
        input=json.dumps({"policies": policies, "questions": asked}).replace(*_COLONS),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdicts = json.loads(done.stdout)
    errors = [
        (each, verdict) for each, verdict in zip(questions, verdicts, strict=True) if not isinstance(verdict, str)
    ]
    assert errors == [], errors[:3]
    return list(verdicts)
