"""IAM statements with exact actions, and the evidence for every wildcard in a resource.

The grants of the CDK's own constructs use action wildcards (``s3:GetObject*``); these do not.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_cdk import Acknowledgment, Reference, Stack, Tokenization, Validations
from aws_cdk import aws_iam as iam
from constructs import IConstruct

_TOKEN: Final = re.compile(r"\$\{Token\[[^\]]+\]\}")


def acknowledge(construct: IConstruct, *, finding: str, reason: str) -> None:
    """Accept one exact finding of the guardrails on one construct."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason))


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
    role.add_to_principal_policy(
        iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)
    )
    for resource in resources:
        if "*" not in resource:
            continue
        if wildcard_reason is None:
            raise ValueError(f"{role.node.path}: resource {resource!r} is a wildcard; give wildcard_reason")
        acknowledge(role, finding=f"IAM5[Resource::{_flattened(role, resource)}]", reason=wildcard_reason)


def _flattened(scope: IConstruct, text: str) -> str:
    """The resource as cdk-nag writes it into the id of a finding (its ``flatten-cfn-reference``)."""
    return _TOKEN.sub(lambda match: _reference_text(scope, match.group(0)), text)


def _reference_text(scope: IConstruct, token: str) -> str:
    stack = Stack.of(scope)
    resolvable = Tokenization.reverse_string(token).first_token
    if isinstance(resolvable, Reference):
        owner = Stack.of(resolvable.target)
        if owner.node.path != stack.node.path:
            imported = stack.resolve(owner.export_value(token))
            return str(imported["Fn::ImportValue"])
    resolved = stack.resolve(token)
    if isinstance(resolved, str):
        return resolved
    if "Ref" in resolved:
        return f"<{resolved['Ref']}>"
    return f"<{'.'.join(resolved['Fn::GetAtt'])}>"
