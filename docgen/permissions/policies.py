"""Every resource policy of a template: who may do what with a bucket, queue, topic, key, function or endpoint."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from docgen.permissions import words
from docgen.permissions.grants import Grant, Role, UnreadableGrantError

_POLICIES: Final = {
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SQS::QueuePolicy": "Queues",
    "AWS::SNS::TopicPolicy": "Topics",
}
_KNOWN: Final = frozenset({"Action", "Condition", "Effect", "Principal", "Resource", "Sid"})
NEVER: Final = "never "
"""Begins an action that a policy refuses."""


def policies(template: Mapping[str, Any], *, stack: str, names: Mapping[str, str]) -> Iterator[Role]:
    """Read the resource policies of a template: a resource, and each action that its policy lets somebody do or not do.

    A grant's ``resource`` is who may; an action that holds for a part of the resource only says so.

    Args:
        template: body of the template.
        stack: short name of its stack.
        names: as in ``words.resource``.

    Raises:
        UnreadableGrantError: a policy in a form that is not read here.
        words.UnknownExpressionError: a reference of an unknown kind.
    """
    found = dict[str, set[Grant]]()
    for logical_id, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::KMS::Key":
                _add(found, words.logical_name(logical_id), properties["KeyPolicy"], names)
            case "AWS::Lambda::Permission":
                function = words.resource(properties["FunctionName"], names=names)
                found.setdefault(function, set()).add(_permission(properties, names))
            case "AWS::EC2::VPCEndpoint":
                _add(found, words.logical_name(logical_id), properties["PolicyDocument"], names)
            case kind if kind in _POLICIES:
                for owner in words.listed(properties[_POLICIES[kind]]):
                    _add(found, words.resource(owner, names=names), properties["PolicyDocument"], names)
    for name, grants in found.items():
        yield Role(f"{stack}/{name}", "", frozenset(grants))


def _add(found: dict[str, set[Grant]], owner: str, document: Mapping[str, Any], names: Mapping[str, str]) -> None:
    for statement in words.listed(document["Statement"]):
        if unknown := set(statement) - _KNOWN:
            raise UnreadableGrantError(f"{owner}: a policy with {sorted(unknown)} is not described")
        found.setdefault(owner, set()).update(_grants(statement, owner, names))


def _grants(statement: Mapping[str, Any], owner: str, names: Mapping[str, str]) -> Iterator[Grant]:
    principal = statement["Principal"]
    who = "anybody" if principal in ("*", {"AWS": "*"}) else words.principal(principal, names=names)
    condition = words.condition(statement.get("Condition"), names=names)
    never = NEVER if statement["Effect"] == "Deny" else ""
    for action in words.listed(statement["Action"]):
        for resource in words.listed(statement["Resource"]):
            yield Grant(f"{never}{action}{_part(resource, owner, names)}", who, condition)


def _part(resource: Any, owner: str, names: Mapping[str, str]) -> str:
    """What of the resource an action is about; nothing for all of it."""
    told = words.resource(resource, names=names)
    if told in ("*", owner, f"{owner}/*"):
        return ""
    if not told.startswith(f"{owner}/"):
        raise UnreadableGrantError(f"{owner}: its policy names another resource, {told}")
    return f" on {told.removeprefix(f'{owner}/')}"


def _permission(properties: Mapping[str, Any], names: Mapping[str, str]) -> Grant:
    who = words.principal({"Service": properties["Principal"]}, names=names)
    conditions = {"SourceArn": "aws:SourceArn", "SourceAccount": "aws:SourceAccount"}
    block = {"ArnLike": {key: properties[name] for name, key in conditions.items() if name in properties}}
    return Grant(properties["Action"], who, words.condition(block, names=names))
