"""Every role of a template, whom it trusts and what it is allowed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docgen.permissions import words


class UnreadableGrantError(ValueError):
    """A role has rights in a form that is not read here, so the page would not tell of them."""


@dataclass(frozen=True, order=True)
class Grant:
    """One action on one resource under one condition."""

    action: str
    resource: str
    condition: str = ""

    def __str__(self) -> str:
        """As a sentence of an error."""
        return f"{self.action} on {self.resource}" + (f" if {self.condition}" if self.condition else "")


@dataclass(frozen=True)
class Role:
    """A role: ``<stack>/<logical name>``, who takes it on, and what it may do."""

    name: str
    trusted: str
    grants: frozenset[Grant]


def roles(template: Mapping[str, Any], *, stack: str, names: Mapping[str, str]) -> Iterator[Role]:
    """Read the roles of a template.

    Args:
        template: body of the template.
        stack: short name of its stack.
        names: as in ``words.resource``.

    Raises:
        UnreadableGrantError: rights that are not given by a policy of the template.
        words.UnknownExpressionError: a reference of an unknown kind.
    """
    resources = template["Resources"]
    for logical_id, resource in resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            name = f"{stack}/{words.logical_name(logical_id)}"
            for key in ("ManagedPolicyArns", "Policies"):
                if key in resource["Properties"]:
                    raise UnreadableGrantError(f"{name} has {key}: grant with stacks.constructs.permissions.allow")
            found = frozenset(
                grant
                for statement in _statements(resources, logical_id)
                for grant in _grants(statement, role=name, names=names)
            )
            trusted = resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            yield Role(name, "; ".join(_trust(one, names) for one in trusted), found)


def _statements(resources: Mapping[str, Any], role: str) -> Iterator[Mapping[str, Any]]:
    for resource in resources.values():
        if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            properties = resource["Properties"]
            if {"Ref": role} in properties.get("Roles", []):
                yield from properties["PolicyDocument"]["Statement"]


def _grants(statement: Mapping[str, Any], *, role: str, names: Mapping[str, str]) -> Iterator[Grant]:
    unknown = set(statement) - {"Action", "Condition", "Effect", "Resource", "Sid"}
    if statement["Effect"] != "Allow" or unknown:
        raise UnreadableGrantError(
            f"{role}: a statement with {statement['Effect']}, {sorted(unknown)} is not described"
        )
    condition = words.condition(statement.get("Condition"), names=names)
    for action in words.listed(statement["Action"]):
        for resource in words.listed(statement["Resource"]):
            yield Grant(action, words.resource(resource, names=names), condition)


def _trust(statement: Mapping[str, Any], names: Mapping[str, str]) -> str:
    who = words.principal(statement["Principal"], names=names)
    condition = words.condition(statement.get("Condition"), names=names)
    return f"{who} if {condition}" if condition else who
