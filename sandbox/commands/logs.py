"""`python -m sandbox logs`."""

from typing import Annotated

import typer

from sandbox.commands.common import JsonOption, StateOption, explained, out
from sandbox.logs import LogKind, choose, follow, last_lines, log_files
from sandbox.state import DEFAULT_DIRECTORY, StateDirectory


def logs(
    kind: Annotated[LogKind | None, typer.Argument(help="What wrote the log.")] = None,
    name: Annotated[
        str | None, typer.Argument(help="The function, job or endpoint; a part of its name is enough.")
    ] = None,
    *,
    follow_on: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing what is added, until Ctrl-C.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many lines of the end to print.")] = 200,
    state: StateOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """List the logs of Lambdas, jobs and endpoints, or print one.

    Exit codes: 0 printed, 1 there is no such log, 2 --json and --follow together.
    """
    if as_json and follow_on:
        raise typer.BadParameter("--json prints one answer, --follow never ends: take one of them")
    files = log_files(StateDirectory(state), kind)
    if name is None and kind is not LogKind.SERVER:
        if as_json:
            out.print_json(data=[{"kind": file.kind, "name": file.name, "path": str(file.path)} for file in files])
            return
        for file in files:
            out.print(f"{file.kind:<9} {file.name}", markup=False)
        return
    with explained():
        file = choose(files, name or "server")
    ending, position = last_lines(file.path, lines)
    if as_json:
        found = {"kind": file.kind, "name": file.name, "path": str(file.path), "lines": list(ending)}
        out.print_json(data=found)
        return
    for line in ending:
        out.print(line, markup=False)
    if follow_on:
        try:
            for line in follow(file.path, position):
                out.print(line, markup=False)
        except KeyboardInterrupt:
            return
