"""The roles as Markdown tables, and the one page that holds them."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from benchmarks import documents
from benchmarks.permissions import assemblies
from benchmarks.permissions.reasons import Explained, Reason, UnexplainedError, explain, refuse_strangers

PAGE: Final = "docs/security.md"
PLACE: Final = "permissions"
_ISOLATED: Final = "*(isolated)* "


def explained(assembly: Path, isolated: Path, reasons: Sequence[Reason]) -> list[Explained]:
    """Every role of the reference project with its reasons; in the order of the page.

    Args:
        assembly: cloud assembly of the project.
        isolated: that of its production environment in a network of its own.
        reasons: the content of docs/permissions.toml.

    Raises:
        UnexplainedError: a grant without a reason, or a reason without a grant.
    """
    plain = [*assemblies.of_environment(assembly), *assemblies.of_deliveries(assembly)]
    explain(plain, [reason for reason in reasons if not reason.isolated])
    inside = {role.name: role for role in assemblies.of_environment(isolated)}
    for role in plain:
        if role.name in inside and not role.grants <= inside[role.name].grants:
            raise UnexplainedError(f"{role.name} may do less in an isolated network: the page cannot say so")
    added = [role for role in inside.values() if role.name not in {one.name for one in plain}]
    every = [*(inside.get(role.name, role) for role in plain), *added]
    refuse_strangers(every, reasons)
    return explain(every, reasons)


def tell(roles: Sequence[Explained]) -> str:
    """Return a table for each role; of equal roles of both delivery pipelines, one."""
    parts = [_table([one.role.name for one in same], same[0]) for same in _equal(roles)]
    return "\n\n".join(parts)


def write(root: Path, roles: Sequence[Explained]) -> None:
    """Put the tables into the page."""
    page = root / PAGE
    page.write_text(documents.insert(page.read_text("utf-8"), PLACE, tell(roles)), "utf-8")


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
    return f"| {_ISOLATED if reason.isolated else ''}{actions} | {resources}{given} | {reason.why} |"


def _code(texts: Sequence[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)
