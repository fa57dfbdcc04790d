"""`python -m sandbox up`, `status`, `stop` and `reset`."""

import shutil
from typing import Annotated

import typer

from sandbox import detached
from sandbox.application import OUTPUT, api_url
from sandbox.clock import parse_moment
from sandbox.commands.common import NOT_RUNNING, JsonOption, StateOption, err, explained, out, print_calls
from sandbox.deploy import stack_outputs
from sandbox.server import Sandbox, stop_running
from sandbox.state import DEFAULT_DIRECTORY, DEFAULT_PORT, State, StateDirectory


def up(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port of 127.0.0.1; 0 takes a free one.")
    ] = DEFAULT_PORT,
    speed: Annotated[
        float, typer.Option(min=0.001, help="How fast its clock runs: 60 makes an hour of waiting a minute.")
    ] = 1.0,
    start: Annotated[
        str | None, typer.Option(help="What its clock shows first, such as 2013-03-01 (UTC); the present by default.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it answers; `python -m sandbox stop` ends it.")
    ] = False,
    state: StateOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Run the embedded AWS until Ctrl-C.

    Exit codes: 0 stopped, or with --detach it runs; 1 it could not start or ended by itself.
    """
    if detach:
        options = [f"--port={port}", f"--speed={speed}", f"--state={state.resolve()}"]
        with explained():
            running = detached.start(options if start is None else [*options, f"--start={start}"])
        _print_running(running, StateDirectory(state), stop="python -m sandbox stop", as_json=as_json)
        return
    with explained():
        sandbox = Sandbox(state, port=port, speed=speed, start=None if start is None else parse_moment(start))
        try:
            with sandbox:
                _print_running(sandbox.directory.running(), sandbox.directory, stop="Ctrl-C", as_json=as_json)
                sandbox.wait()
        except KeyboardInterrupt:
            err.print("The sandbox has stopped.")


def _print_running(running: State, directory: StateDirectory, *, stop: str, as_json: bool) -> None:
    if as_json:
        out.print_json(data=running.as_dict(), indent=None)
        return
    out.print(f"[bold]The sandbox runs at {running.endpoint_url}[/bold]")
    out.print(f"  logs    {directory.logs}")
    out.print("  deploy  python -m sandbox deploy")
    out.print(f"  use     export AWS_ENDPOINT_URL={running.endpoint_url}")
    out.print(f"  stop    {stop}")


def status(*, state: StateOption = DEFAULT_DIRECTORY, as_json: JsonOption = False) -> None:
    """Say whether a sandbox runs, where, and what is deployed in it.

    Exit codes: 0 it runs, 3 it does not.
    """
    directory = StateDirectory(state)
    found = directory.read() if directory.is_owned() else None
    if found is None:
        if as_json:
            out.print_json(data={"running": False})
        else:
            out.print(f"No sandbox runs in {directory.path}: start one with `python -m sandbox up`.")
        raise typer.Exit(NOT_RUNNING)
    outputs = stack_outputs(found.endpoint_url)
    stacks = sorted(outputs)
    if as_json:
        apis = {name: api_url(found.endpoint_url, of) for name, of in outputs.items() if OUTPUT in of}
        told = {"running": True, **found.as_dict(), "stacks": stacks, "apis": apis, "logs": str(directory.logs)}
        out.print_json(data=told)
        return
    out.print(f"[bold]The sandbox runs at {found.endpoint_url}[/bold]")
    out.print(f"  process {found.pid}, account {found.account}, region {found.region}")
    out.print(f"  stacks  {', '.join(stacks) or 'none: deploy them with `python -m sandbox deploy`'}")
    out.print(f"  logs    {directory.logs}")
    print_calls(found.endpoint_url, outputs)


def stop(*, state: StateOption = DEFAULT_DIRECTORY, as_json: JsonOption = False) -> None:
    """Stop the sandbox and everything that it started.

    Exit codes: 0 stopped, or nothing ran.
    """
    stopped = stop_running(StateDirectory(state))
    if as_json:
        out.print_json(data={"stopped": stopped.as_dict() if stopped else None}, indent=None)
        return
    out.print(f"Stopped the sandbox at {stopped.endpoint_url}." if stopped else "No sandbox ran.")


def reset(*, state: StateOption = DEFAULT_DIRECTORY, as_json: JsonOption = False) -> None:
    """Stop the sandbox and remove its directory with all logs.

    Exit codes: 0 done, 1 the directory is not a sandbox's.
    """
    directory = StateDirectory(state)
    stop_running(directory)
    with explained():
        directory.claim()
    shutil.rmtree(directory.path)
    if as_json:
        out.print_json(data={"removed": str(directory.path)}, indent=None)
        return
    out.print(f"Removed {directory.path}.")
