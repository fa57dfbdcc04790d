"""The reasons of docs/permissions.toml, and whether they account for every grant."""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from docgen.permissions.grants import Grant, Role

FILE = "docs/permissions.toml"
_OWN = "<own>"
_Texts = Annotated[tuple[str, ...], Field(min_length=1)]


class UnexplainedError(ValueError):
    """Grants and reasons do not match; the message names what to add or to remove, and where."""


class Reason(BaseModel):
    """Why some roles may do each of these actions on each of these resources.

    Attributes:
        roles: names of roles, ``<stack>/<role>``.
        may: actions.
        on: resources; ``<own>`` is the role's name without ``Role``.
        given: the condition of the grant.
        isolated: whether the grant exists only where the network is isolated.
        spark: whether it exists only where the monitor runs on Spark.
        jwt: whether it exists only where the application asks for tokens.
        why: one or two sentences.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: _Texts
    may: _Texts
    on: _Texts
    given: str = ""
    isolated: bool = False
    spark: bool = False
    jwt: bool = False
    why: Annotated[str, Field(min_length=10)]

    @property
    def shape(self) -> str:
        """Where the grant exists only: ``isolated``, ``spark``, ``jwt``, or nothing for everywhere."""
        return "isolated" if self.isolated else "spark" if self.spark else "jwt" if self.jwt else ""

    def resources(self, role: str) -> list[str]:
        """The resources as the role's template names them."""
        own = role.rpartition("/")[2].removesuffix("Role")
        return [each.replace(_OWN, own) for each in self.on]

    def grants(self, role: str) -> list[Grant]:
        """What it explains of a role."""
        return [Grant(action, resource, self.given) for action in self.may for resource in self.resources(role)]


class PolicyReason(BaseModel):
    """Why the policies of some resources let somebody do each of these actions, or never.

    Attributes:
        of: resources, ``<stack>/<resource>``.
        who: a service, a role, ``this account`` or ``anybody``.
        may: actions; one that the policy refuses begins with ``never``.
        given: the condition; ``<own>`` is the resource's name without ``Queue`` or ``DeadLetters``.
        isolated: whether the resources exist only where the network is isolated.
        why: one or two sentences.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: _Texts
    who: str
    may: _Texts
    given: str = ""
    isolated: bool = False
    why: Annotated[str, Field(min_length=10)]

    def as_reasons(self) -> list[Reason]:
        """The same for each resource, as grants of the resource to somebody."""
        return [
            Reason(
                roles=(one,),
                may=self.may,
                on=(self.who,),
                given=self.given.replace(
                    _OWN, one.rpartition("/")[2].removesuffix("Queue").removesuffix("DeadLetters")
                ),
                isolated=self.isolated,
                why=self.why,
            )
            for one in self.of
        ]


class Reasons(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reasons: tuple[Reason, ...]
    policies: tuple[PolicyReason, ...]


@dataclass(frozen=True)
class Explained:
    """A role whose every grant has its reason."""

    role: Role
    reasons: tuple[Reason, ...]


def load(root: Path) -> tuple[Reason, ...]:
    """Read the reasons.

    Raises:
        pydantic.ValidationError: an unknown key, or a reason that says nothing.
    """
    return _file(root).reasons


def load_policies(root: Path) -> tuple[PolicyReason, ...]:
    """Read the reasons of resource policies.

    Raises:
        pydantic.ValidationError: an unknown key, or a reason that says nothing.
    """
    return _file(root).policies


def _file(root: Path) -> Reasons:
    return Reasons.model_validate(tomllib.loads((root / FILE).read_text("utf-8")))


def explain(roles: Iterable[Role], reasons: Sequence[Reason]) -> list[Explained]:
    """Give every grant of every role its reason.

    Raises:
        UnexplainedError: a grant without a reason or with two, or a reason without a grant.
    """
    return [_explain(role, [reason for reason in reasons if role.name in reason.roles], _ROLE) for role in roles]


def explain_policies(policies: Iterable[Role], reasons: Sequence[PolicyReason]) -> None:
    """See that everything that a resource's policy allows or refuses has its reason.

    Raises:
        UnexplainedError: a grant without a reason or with two, or a reason without a grant.
    """
    told = [each for reason in reasons for each in reason.as_reasons()]
    for policy in policies:
        _explain(policy, [each for each in told if policy.name in each.roles], _POLICY)


def refuse_strangers(roles: Iterable[Role], reasons: Sequence[Reason]) -> None:
    """Look for reasons that outlived their role.

    Raises:
        UnexplainedError: a reason names a role that is not among these.
    """
    strangers = {name for reason in reasons for name in reason.roles} - {role.name for role in roles}
    if strangers:
        raise UnexplainedError(f"{FILE} names roles that no template has: {', '.join(sorted(strangers))}. Remove them.")


_ROLE = '[[reasons]] with roles = ["{}"], may, on, given (what stands after "if") and why'
_POLICY = '[[policies]] with of = ["{}"], who (what stands after "on"), may, given (what stands after "if") and why'


def _explain(role: Role, reasons: Sequence[Reason], add: str) -> Explained:
    told = [grant for reason in reasons for grant in reason.grants(role.name)]
    if missing := role.grants - set(told):
        raise UnexplainedError(
            f"{role.name} may do what {FILE} gives no reason for: {_list(missing)}. Add {add.format(role.name)}."
        )
    if stale := set(told) - role.grants:
        raise UnexplainedError(f"{FILE} explains what {role.name} may not do: {_list(stale)}. Remove it there.")
    if twice := {grant for grant in told if told.count(grant) > 1}:
        raise UnexplainedError(f"{FILE} explains twice why {role.name} may do this: {_list(twice)}. Keep one reason.")
    return Explained(role, tuple(reasons))


def _list(grants: Iterable[Grant]) -> str:
    return "; ".join(map(str, sorted(grants)))
