"""`python -m ops report`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ops import report as core
from ops.commands.common import (
    JsonOption,
    OptionalVersionArgument,
)
from ops.commands.text import escape
from ops.report import Kind
from ops.stage import Stage

KindArgument = Annotated[Kind, typer.Argument(help="What it is about.")]
FileOption = Annotated[Path | None, typer.Option("--to", dir_okay=False, help="Write it to this file.")]
NoOpenOption = Annotated[bool, typer.Option("--no-open", help="Only download it.")]


def report(
    stage: Stage,
    kind: KindArgument = Kind.EVALUATION,
    version: OptionalVersionArgument = None,
    *,
    to: FileOption = None,
    no_open: NoOpenOption = False,
    as_json: JsonOption = False,
) -> None:
    """Open a report: the evaluation of the live or a named version, the newest drift, or the newest validation.

    Exit codes: 0 downloaded, 1 could not, or there is no such report, 2 wrong usage, 4 nothing is live.
    """
    found = core.find(stage, kind, version)
    path = core.save(found, to)
    opened = not no_open and core.open_in_browser(path)
    if as_json:
        typer.echo(json.dumps(found.as_json() | {"path": str(path), "opened": opened}, indent=2))
        return
    about = f" of version {found.version}" if found.version else f" of run {found.run_id}" if found.run_id else ""
    how = ", opened in the browser" if opened else ""
    Console(soft_wrap=True).print(escape(f"{kind} report{about}{how}: {path}"), highlight=False)
