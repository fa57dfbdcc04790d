"""The command `python -m sandbox demo`, which `make demo` runs."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sandbox.demo.tour import DemoError, Tour
from sandbox.errors import SandboxError
from sandbox.server import Sandbox
from sandbox.state import DEFAULT_DIRECTORY

_FAILED = 1
_TRAINING_MONTHS = [1, 2]
_QUESTION_MONTH = 3


def demo(
    *,
    project: Annotated[str, typer.Option(help="The project to show.")] = "flights",
    output: Annotated[Path, typer.Option(help="Where the record of the demo goes; emptied first.")] = Path("demo"),
    state: Annotated[Path, typer.Option("--state", help="The directory of the sandbox's files.")] = DEFAULT_DIRECTORY,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the sandbox running afterwards, until Ctrl-C.")] = False,
) -> None:
    """Show the loop on this machine: deploy, drop data, watch a model go live, question it.

    Exit codes: 0 a model is live and answered, 1 the loop did not come round (the message says where and why).
    """
    console = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()
    try:
        with Sandbox(state) as sandbox:
            tour = Tour(
                endpoint_url=sandbox.endpoint_url,
                region=sandbox.region,
                project=project,
                output=output,
                logs=sandbox.directory.logs,
                console=console,
            )
            with tour.phase("The CDK deploys the synthesized templates to an embedded AWS"):
                deployment = sandbox.deploy(project, progress=lambda line: console.print(f"  {line}", markup=False))
            tour.seconds.update({f"  {part}": seconds for part, seconds in deployment.seconds.items()})
            tour.run(months=_TRAINING_MONTHS, question_month=_QUESTION_MONTH)
            with tour.phase("Which version is in production? (python -m ops status --sandbox)"):
                _tell_status(console, project=project, state=state)
            _tell_time(console, tour, time.monotonic() - began)
            if keep:
                console.print(f"The sandbox stays at {sandbox.endpoint_url} until Ctrl-C.")
                sandbox.wait()
    except (DemoError, SandboxError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", style="red", markup=False)
        raise typer.Exit(_FAILED) from error
    except KeyboardInterrupt:
        console.print("The sandbox has stopped.")


def _tell_status(console: Console, *, project: str, state: Path) -> None:
    command = [sys.executable, "-m", "ops", "status", "--sandbox", "--state", str(state), "--project", project]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    console.print(done.stdout.rstrip() or done.stderr.rstrip(), markup=False)
    if done.returncode:
        raise DemoError(f"`python -m ops status` ended with exit code {done.returncode}")


def _tell_time(console: Console, tour: Tour, total: float) -> None:
    table = Table("part", "seconds", title=f"{total:.0f} s in all", title_justify="left")
    for part, seconds in tour.seconds.items():
        table.add_row(part, f"{seconds:.1f}")
    console.print(table)
    (tour.output / "timing.json").write_text(json.dumps({**tour.seconds, "total": round(total, 1)}, indent=2) + "\n")
    console.print(f"The record is in [bold]{tour.output}/[/bold], the logs of every function, job and endpoint in")
    console.print(f"{tour.logs}/ (python -m sandbox logs).")
