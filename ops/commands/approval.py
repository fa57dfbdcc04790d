"""`python -m ops approve VERSION` and `python -m ops reject VERSION`."""

import json

import typer
from rich.console import Console

from ops import approval
from ops.approval import Verdict
from ops.caller import caller
from ops.commands.common import (
    JsonOption,
    NoWaitOption,
    ReasonOption,
    VersionArgument,
    YesOption,
    confirm,
    progress,
)
from ops.commands.text import escape
from ops.errors import ExitCode
from ops.stage import Stage


def approve(
    stage: Stage,
    version: VersionArgument,
    *,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a version that waits; its deployment starts by itself.

    Exit codes: 0 it is approved (also when it was before), 1 could not, or no such version, 2 wrong usage.
    """
    verdict = approval.approve(stage, version, by=caller(stage.target), reason=reason)
    _print(verdict, as_json=as_json)


def reject(
    stage: Stage,
    version: VersionArgument,
    *,
    reason: ReasonOption = None,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Reject a version; when it is live, the one that was live before takes its place by itself.

    Exit codes: 0 it is rejected (also when it was before), 1 could not, or no such version, or you said no,
    2 wrong usage, 8 it is rejected, but nothing else became live in its place.
    """
    found = approval.plan_rejection(stage, version)
    if isinstance(found, Verdict):
        verdict = found
    else:
        consequence = f"{found.consequence[:1].upper()}{found.consequence[1:]}"
        confirm(f"{consequence}. Reject version {version} of {stage.name}?", yes=yes)
        by = caller(stage.target)
        verdict = approval.reject(found, by=by, reason=reason, wait=not no_wait, told=progress)
    _print(verdict, as_json=as_json)
    raise typer.Exit(ExitCode.NOT_LIVE if verdict.changed and verdict.still_serves else ExitCode.OK)


def _print(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(verdict.as_json(), indent=2))
        return
    colour = "red" if verdict.still_serves else "green"
    said = f" [dim]({escape(verdict.description)})" if verdict.description else ""
    Console(soft_wrap=True).print(f"[{colour}]{escape(verdict.explanation)}[/]{said}", highlight=False)
