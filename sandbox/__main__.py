"""`python -m sandbox`: an AWS on this machine that Tandem is deployed to and runs in."""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sandbox.application import OUTPUT, api_url, curl
from sandbox.clock import parse_moment
from sandbox.control import ClockState, move_clock, read_clock
from sandbox.delivery.command import SIDES, Delivery, deliver
from sandbox.demo.command import demo
from sandbox.deploy import ENVIRONMENT, Deployment, deploy, destroy, stack_outputs
from sandbox.errors import SandboxError
from sandbox.logs import LogKind, choose, follow, last_lines, log_files
from sandbox.server import Sandbox, stop_running
from sandbox.state import DEFAULT_DIRECTORY, DEFAULT_PORT, StateDirectory

FAILED = 1
NOT_RUNNING = 3

app = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)

StateOption = Annotated[Path, typer.Option("--state", help="The directory of the sandbox's files.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@contextmanager
def _explained() -> Iterator[None]:
    """Turn an error that a person can mend into its message and exit code 1."""
    try:
        yield
    except SandboxError as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(FAILED) from error


@app.command()
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
    state: StateOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Run the embedded AWS until Ctrl-C.

    Exit codes: 0 stopped, 1 it could not start or ended by itself.
    """
    with _explained():
        sandbox = Sandbox(state, port=port, speed=speed, start=None if start is None else parse_moment(start))
        try:
            with sandbox:
                if as_json:
                    out.print_json(data=sandbox.directory.running().as_dict(), indent=None)
                else:
                    out.print(f"[bold]The sandbox runs at {sandbox.endpoint_url}[/bold] (Ctrl-C stops it)")
                    out.print(f"  logs    {sandbox.directory.logs}")
                    out.print("  deploy  python -m sandbox deploy")
                    out.print(f"  use     export AWS_ENDPOINT_URL={sandbox.endpoint_url}")
                sandbox.wait()
        except KeyboardInterrupt:
            err.print("The sandbox has stopped.")


@app.command("deploy")
def deploy_command(
    *,
    project: Annotated[str | None, typer.Option(help="The project to deploy; all of them by default.")] = None,
    environment: Annotated[
        str, typer.Option(help="The environment of the project files to deploy; [environments.<name>] in project.toml.")
    ] = ENVIRONMENT,
    state: StateOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Bootstrap the running sandbox and deploy Tandem's stacks with the real CDK.

    Exit codes: 0 deployed, 1 the sandbox does not run or the CDK failed.
    """
    with _explained():
        directory = StateDirectory(state)
        running = directory.running()
        deployment = deploy(
            running.endpoint_url,
            state_dir=directory.path,
            project=project,
            environment=environment,
            progress=lambda line: err.print(f"  {line}", markup=False),
        )
    if as_json:
        out.print_json(data={"outputs": deployment.outputs, "seconds": deployment.seconds})
    else:
        _print_deployment(deployment, endpoint_url=running.endpoint_url)


def _print_deployment(deployment: Deployment, *, endpoint_url: str) -> None:
    table = Table("stack", "output", "value", box=None, pad_edge=False)
    for stack, outputs in sorted(deployment.outputs.items()):
        for key, value in sorted(outputs.items()):
            if not key.startswith("ExportsOutput"):
                table.add_row(stack, key, value)
    out.print(table)
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in deployment.seconds.items())
    out.print(f"Deployed {len(deployment.outputs)} stacks: {parts}")
    _print_calls(endpoint_url, deployment.outputs)


def _print_calls(endpoint_url: str, stacks: Mapping[str, Mapping[str, str]]) -> None:
    """How each deployed API is called."""
    for stack, outputs in sorted(stacks.items()):
        if OUTPUT in outputs:
            out.print(f"  call    {stack}: {curl(endpoint_url, outputs)}", markup=False)


@app.command("destroy")
def destroy_command(
    *,
    project: Annotated[str, typer.Option(help="The project whose stacks go.")],
    environment: Annotated[str, typer.Option(help="The environment whose stacks go.")] = ENVIRONMENT,
    state: StateOption = DEFAULT_DIRECTORY,
) -> None:
    """Delete the stacks of a project with the real CDK; `python -m ops teardown --sandbox` comes first.

    Exit codes: 0 deleted, 1 the sandbox does not run or the CDK failed, for instance over a bucket that is not empty.
    """
    with _explained():
        directory = StateDirectory(state)
        destroy(
            directory.running().endpoint_url,
            state_dir=directory.path,
            project=project,
            environment=environment,
            progress=lambda line: err.print(f"  {line}", markup=False),
        )


@app.command("deliver")
def deliver_command(
    *,
    side: Annotated[str, typer.Argument(help="Which pipeline: application or ml.", metavar="application|ml")],
    project: Annotated[str, typer.Option(help="The project whose pipeline runs.")],
    revision: Annotated[str, typer.Option(help="The commit to deliver; what is not committed stays out.")] = "HEAD",
    until: Annotated[str | None, typer.Option(help="The last stage to run; all of them by default.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve without asking.")] = False,
    state: StateOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Run a delivery pipeline on this machine: clean checkout, every build's commands, deployments to the sandbox.

    Exit codes: 0 delivered, 1 the sandbox does not run, an action failed, or it was not approved.
    """
    with _explained():
        if side not in SIDES:
            raise SandboxError(f"There is no pipeline {side!r}; there are {' and '.join(SIDES)}.")
        ran = deliver(
            Delivery(project=project, side=side, revision=revision, until=until),
            directory=StateDirectory(state),
            approve=lambda what: yes or typer.confirm(f"Approve: {what}?", err=True),
            say=lambda line: err.print(line, markup=False),
        )
    if as_json:
        out.print_json(data=[asdict(one) for one in ran])
        return
    table = Table("stage", "action", "seconds", box=None, pad_edge=False)
    for one in ran:
        table.add_row(one.stage, one.action, f"{one.seconds:.1f}")
    out.print(table)


@app.command()
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
    _print_calls(found.endpoint_url, outputs)


@app.command()
def stop(*, state: StateOption = DEFAULT_DIRECTORY) -> None:
    """Stop the sandbox and everything that it started.

    Exit codes: 0 stopped, or nothing ran.
    """
    stopped = stop_running(StateDirectory(state))
    out.print(f"Stopped the sandbox at {stopped.endpoint_url}." if stopped else "No sandbox ran.")


@app.command()
def reset(*, state: StateOption = DEFAULT_DIRECTORY) -> None:
    """Stop the sandbox and remove its directory with all logs.

    Exit codes: 0 done, 1 the directory is not a sandbox's.
    """
    directory = StateDirectory(state)
    stop_running(directory)
    with _explained():
        directory.claim()
    shutil.rmtree(directory.path)
    out.print(f"Removed {directory.path}.")


@app.command()
def clock(
    *,
    advance: Annotated[
        str | None, typer.Option(help="How far to move it forward: 90s, 15m, 6h, 7d or 2w.", metavar="TIME")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Until when to move it, such as 2013-04-01 (UTC).")] = None,
    state: StateOption = DEFAULT_DIRECTORY,
    as_json: JsonOption = False,
) -> None:
    """Say what time it is in the running sandbox, or move its clock forward.

    What falls due on the way is done: schedules call their targets, and alarms are evaluated.

    Exit codes: 0 done, 1 the sandbox does not run or cannot move its clock there.
    """
    with _explained():
        endpoint_url = StateDirectory(state).running().endpoint_url
        if advance is None and to is None:
            found = read_clock(endpoint_url)
        else:
            by = None if advance is None else _duration(advance)
            found = move_clock(endpoint_url, by=by, to=None if to is None else parse_moment(to))
    if as_json:
        out.print_json(data=found.as_dict())
    else:
        _print_clock(found)


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if match is None:
        raise SandboxError(f"{text!r} is no time: write it as 90s, 15m, 6h, 7d or 2w")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[match[2]]
    return timedelta(**{unit: float(match[1])})


def _print_clock(found: ClockState) -> None:
    out.print(f"{found.now:%Y-%m-%d %H:%M:%S} UTC" + ("" if found.speed == 1 else f", {found.speed:g} times as fast"))
    for one in found.fired:
        result = "started" if one.error is None else f"failed: {one.error}"
        name = one.schedule_arn.rsplit("/", 1)[-1]
        out.print(f"  schedule {name}, due {one.scheduled:%Y-%m-%d %H:%M:%S}: {result}", markup=False)
    if found.alarm_changes:
        out.print(f"  {found.alarm_changes} state changes of alarms")


app.command()(demo)


@app.command()
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

    Exit codes: 0 printed, 1 there is no such log.
    """
    files = log_files(StateDirectory(state), kind)
    if name is None and kind is not LogKind.SERVER:
        if as_json:
            out.print_json(data=[{"kind": file.kind, "name": file.name, "path": str(file.path)} for file in files])
            return
        for file in files:
            out.print(f"{file.kind:<9} {file.name}", markup=False)
        return
    with _explained():
        file = choose(files, name or "server")
    ending, position = last_lines(file.path, lines)
    for line in ending:
        out.print(line, markup=False)
    if follow_on:
        try:
            for line in follow(file.path, position):
                out.print(line, markup=False)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    app()
