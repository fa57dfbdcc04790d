"""The roles as Markdown tables, and the one page that holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Final

from docgen.insertion import insert
from docgen.permissions import assemblies
from docgen.permissions.reasons import (
    Explained,
    PolicyReason,
    Reason,
    explain,
    explain_policies,
    refuse_strangers,
)

PAGE: Final = "docs/security.md"
PLACE: Final = "permissions"
POLICIES: Final = "policies"
_SIDES: Final = ("delivery-application/", "delivery-ml/")


@dataclass(frozen=True)
class Shapes:
    """Cloud assemblies of the reference project.

    Attributes:
        plain: all of it, its delivery pipelines included.
        others: by the name that marks what they add: its production environment in another shape.
    """

    plain: Path
    others: Mapping[str, Path]


def explained(shapes: Shapes, reasons: Sequence[Reason]) -> list[Explained]:
    """Every role of the reference project with its reasons; in the order of the page.

    Raises:
        UnexplainedError: a grant without a reason, or a reason without a grant.
    """
    plain = [*assemblies.of_environment(shapes.plain), *assemblies.of_deliveries(shapes.plain)]
    explain(plain, [reason for reason in reasons if not reason.shape])
    every = {role.name: role for role in plain}
    for shape, assembly in shapes.others.items():
        found = assemblies.of_environment(assembly)
        explain(found, [reason for reason in reasons if reason.shape in ("", shape)])
        for role in found:
            known = every.get(role.name, role)
            every[role.name] = replace(known, grants=known.grants | role.grants)
    refuse_strangers(every.values(), reasons)
    return explain(every.values(), reasons)


def refuse_unexplained(shapes: Shapes, reasons: Sequence[PolicyReason]) -> None:
    """See that every resource policy of the reference project has its reasons, whatever shape it is in.

    Raises:
        UnexplainedError: a grant without a reason, or a reason without a grant.
    """
    plain = [*assemblies.policies_of_environment(shapes.plain), *assemblies.policies_of_deliveries(shapes.plain)]
    found = {policy.name: policy for policy in plain}
    for assembly in shapes.others.values():
        for policy in assemblies.policies_of_environment(assembly):
            known = found.get(policy.name, policy)
            found[policy.name] = replace(known, grants=known.grants | policy.grants)
    refuse_strangers(found.values(), [each for reason in reasons for each in reason.as_reasons()])
    explain_policies(found.values(), reasons)


def tell(roles: Sequence[Explained]) -> str:
    """Return a table for each role; of equal roles of both delivery pipelines, one."""
    parts = [_table([one.role.name for one in same], same[0]) for same in _equal(roles)]
    return "\n\n".join(parts)


def tell_policies(reasons: Sequence[PolicyReason]) -> str:
    """Return one table of what the policies of resources allow and refuse."""
    rows = [
        f"| {_code(_pairs(reason.of))} | {reason.who} | {_code(reason.may)}"
        f"{f' only if `{reason.given}`' if reason.given else ''} | {'*(isolated)* ' if reason.isolated else ''}"
        f"{reason.why} |"
        for reason in reasons
    ]
    return "\n".join(["| of | who | may | why |", "|---|---|---|---|", *rows])


def told(text: str, roles: Sequence[Explained], policies: Sequence[PolicyReason]) -> str:
    """Return the page's text with the tables."""
    return insert(insert(text, PLACE, tell(roles)), POLICIES, tell_policies(policies))


def _pairs(names: Sequence[str]) -> list[str]:
    """Names, those of both delivery pipelines as one."""
    first, second = _SIDES
    return [
        name.replace(first, "delivery-*/") if name.replace(first, second) in names else name
        for name in names
        if not (name.startswith(second) and name.replace(second, first) in names)
    ]


def _equal(roles: Sequence[Explained]) -> list[list[Explained]]:
    ordered = sorted(roles, key=lambda one: (_is_of_delivery(one), _sort_key(one) if _is_of_delivery(one) else ""))
    return [list(same) for _, same in groupby(ordered, key=lambda one: (_sort_key(one), one.role.grants))]


def _is_of_delivery(one: Explained) -> bool:
    return one.role.name.startswith("delivery-")


def _sort_key(one: Explained) -> str:
    return one.role.name.rpartition("/")[2] if _is_of_delivery(one) else one.role.name


def _table(names: Sequence[str], one: Explained) -> str:
    rows = [_row(reason, one.role.name) for reason in one.reasons]
    return "\n".join(
        [
            f"### {', '.join(f'`{name}`' for name in names)}",
            "",
            f"Taken on by {one.role.trusted}.",
            "",
            "| may | on | why |",
            "|---|---|---|",
            *rows,
        ]
    )


def _row(reason: Reason, role: str) -> str:
    actions, resources = _code(reason.may), _code(reason.resources(role))
    given = f" only if `{reason.given}`" if reason.given else ""
    return f"| {f'*({reason.shape})* ' if reason.shape else ''}{actions} | {resources}{given} | {reason.why} |"


def _code(texts: Sequence[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)
