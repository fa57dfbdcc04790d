"""IAM statements with exact actions, and the evidence for every wildcard in a resource.

The grants of the CDK's own constructs use action wildcards (``s3:GetObject*``); these do not.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from aws_cdk import Acknowledgment, Reference, Stack, Tokenization, Validations
from aws_cdk import aws_iam as iam
from constructs import IConstruct

_TOKEN: Final = re.compile(r"\$\{Token\[[^\]]+\]\}")


def acknowledge(construct: IConstruct, *findings: str, reason: str) -> None:
    """Accept exact findings of the guardrails on one construct."""
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason) for finding in findings)
    )


def allow(
    role: iam.Role,
    *,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Any] | None = None,
    wildcard_reason: str | None = None,
) -> None:
    """Add one statement to a role.

    Args:
        role: who may.
        actions: exact actions, no wildcards.
        resources: ARNs; one that contains ``*`` needs a ``wildcard_reason``.
        conditions: condition block of the statement.
        wildcard_reason: why the resources cannot be named exactly; recorded as the acknowledgement of exactly the
            findings that this statement causes.

    Raises:
        ValueError: an action contains ``*``, or a resource does without a reason.
    """
    for action in actions:
        if "*" in action:
            raise ValueError(f"{role.node.path}: action {action!r} is a wildcard; name the exact actions")
    wildcards = [resource for resource in resources if "*" in resource]
    if wildcards and wildcard_reason is None:
        raise ValueError(f"{role.node.path}: resource {wildcards[0]!r} is a wildcard; give wildcard_reason")
    role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions))
    if wildcards and wildcard_reason is not None:
        accept_wildcards(role, resources=wildcards, reason=wildcard_reason)


def through(scope: IConstruct, *services: str) -> dict[str, Any]:
    """The condition that a key is used by these services in the role's name, never by the role itself."""
    stack = Stack.of(scope)
    names = [f"{service}.{stack.region}.{stack.url_suffix}" for service in services]
    return {"StringEquals": {"kms:ViaService": names[0] if len(names) == 1 else names}}


def accept_wildcards(
    role: IConstruct, *, actions: Sequence[str] = (), resources: Sequence[str] = (), reason: str
) -> None:
    """Accept exactly these actions and resources in the policies below ``role``, which the CDK wrote."""
    stack = Stack.of(role)
    findings = [f"IAM5[Action::{action}]" for action in actions]
    findings += [f"IAM5[Resource::{_flattened(stack, resource)}]" for resource in resources]
    acknowledge(role, *findings, reason=reason)


def allow_everywhere(
    role: iam.Role,
    policy_id: str,
    *,
    actions: Sequence[str],
    reason: str,
    conditions: Mapping[str, Any] | None = None,
) -> None:
    """Give a role actions without a resource level, in a policy of their own: the exact statements stay apart.

    Args:
        role: who may.
        policy_id: id of the policy below the role.
        actions: exact actions.
        reason: why no resource can be named; recorded as the acknowledgement of the finding.
        conditions: condition block of the statement.
    """
    policy = iam.Policy(
        role,
        policy_id,
        statements=[iam.PolicyStatement(actions=list(actions), resources=["*"], conditions=conditions)],
        roles=[role],
    )
    acknowledge(policy, "IAM5[Resource::*]", reason=reason)


def _flattened(stack: Stack, text: str) -> str:
    """The resource as cdk-nag writes it into the id of a finding (its ``flatten-cfn-reference``)."""
    return _TOKEN.sub(lambda match: _reference_text(stack, match.group(0)), text)


@lru_cache(maxsize=1024)
def _reference_text(stack: Stack, token: str) -> str:
    resolvable = Tokenization.reverse_string(token).first_token
    if isinstance(resolvable, Reference):
        owner = Stack.of(resolvable.target)
        if owner is not stack and owner.environment == stack.environment:
            imported = stack.resolve(owner.export_value(token))
            return str(imported["Fn::ImportValue"])
    resolved = stack.resolve(token)
    if isinstance(resolved, str):
        return resolved
    if "Ref" in resolved:
        return f"<{resolved['Ref']}>"
    if "Fn::ImportValue" in resolved:
        return str(resolved["Fn::ImportValue"])
    return f"<{'.'.join(resolved['Fn::GetAtt'])}>"
