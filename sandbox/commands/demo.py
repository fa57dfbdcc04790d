"""The command `python -m sandbox demo`, which `make demo` runs."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sandbox.demo import record
from sandbox.demo.chronicle import YEAR
from sandbox.demo.cloud import Cloud, DemoError
from sandbox.demo.tour import Tour
from sandbox.demo.year import Year
from sandbox.errors import SandboxError
from sandbox.server import Sandbox
from sandbox.state import DEFAULT_DIRECTORY

_FAILED = 1
_TRAINING_MONTHS = [1, 2]
_FIRST, _LAST = 3, 12
_FAST = 4
_MONTHS = re.compile(r"(?P<first>\d{1,2})(-(?P<last>\d{1,2}))?")


def _months(text: str) -> list[int]:
    """Read the months to replay.

    Raises:
        typer.BadParameter: they are no range that begins in March.
    """
    found = _MONTHS.fullmatch(text)
    if text == "none":
        return []
    first, last = (int(found["first"]), int(found["last"] or found["first"])) if found else (0, 0)
    if first != _FIRST or not _FIRST <= last <= _LAST:
        raise typer.BadParameter(
            f"{text!r} cannot be replayed: write none, 3-12 or a shorter range that begins with 3, for January and "
            "February train the first model"
        )
    return list(range(first, last + 1))


def demo(
    *,
    project: Annotated[str, typer.Option(help="The project to show.")] = "flights",
    environment: Annotated[str, typer.Option(help="The environment of its project.toml that is deployed.")] = "year",
    months: Annotated[
        str, typer.Option(help="Months of 2013 to replay: 3-12, a shorter range from 3, or none.")
    ] = f"{_FIRST}-{_LAST}",
    fast: Annotated[
        bool, typer.Option("--fast", help=f"Every {_FAST}th flight as traffic, all of them as data.")
    ] = False,
    output: Annotated[
        Path, typer.Option(help="Where the record of the demo goes; that of a former demo is emptied first.")
    ] = Path("demo"),
    state: Annotated[Path, typer.Option("--state", help="The directory of the sandbox's files.")] = DEFAULT_DIRECTORY,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the sandbox running afterwards, until Ctrl-C.")] = False,
) -> None:
    """Show the loop on this machine: deploy, train, serve, then a year of traffic that drifts, is noticed and mended.

    Exit codes: 0 the loop came round, 1 it did not (the message says where and why), 2 wrong usage.
    """
    console = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()
    replayed = _months(months)
    try:
        record.check(output)
        with Sandbox(state, start=datetime(YEAR, _FIRST, 1, tzinfo=UTC)) as sandbox, ThreadPoolExecutor(1) as beside:
            record.renew(output)
            cloud = Cloud(sandbox.endpoint_url, project, environment, sandbox.directory.logs)
            traffic = beside.submit(cloud.feed, replayed, to=output / "traffic") if replayed else None
            tour = Tour(cloud=cloud, output=output, console=console)
            with tour.phase("The CDK deploys the synthesized templates to an embedded AWS"):
                deployment = sandbox.deploy(
                    project,
                    environment=environment,
                    progress=lambda line: console.print(f"  {line}", markup=False),
                )
            tour.seconds.update({f"  {part}": seconds for part, seconds in deployment.seconds.items()})
            tour.run(months=_TRAINING_MONTHS, question_month=_FIRST)
            if traffic is not None:
                with tour.phase("A year of live traffic"):
                    Year(cloud, sandbox, output, console, every=_FAST if fast else 1).run(replayed, traffic.result())
            with tour.phase("Which version is in production? (python -m ops status --sandbox)"):
                _tell(console, cloud, "status")
            if replayed:
                with tour.phase("What drifted, and since when? (python -m ops drift --sandbox)"):
                    _tell(console, cloud, "drift", expected=(0, 6))
            _tell_time(console, tour, time.monotonic() - began)
            if keep:
                console.print(f"The sandbox stays at {sandbox.endpoint_url} until Ctrl-C.")
                sandbox.wait()
    except (DemoError, SandboxError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", style="red", markup=False)
        raise typer.Exit(_FAILED) from error
    except KeyboardInterrupt:
        console.print("The sandbox has stopped.")


def _tell(console: Console, cloud: Cloud, command: str, *, expected: tuple[int, ...] = (0,)) -> None:
    done = cloud.ask_ops(command)
    console.print(done.stdout.rstrip() or done.stderr.rstrip(), markup=False)
    if done.returncode not in expected:
        raise DemoError(f"`python -m ops {command}` ended with exit code {done.returncode}")


def _tell_time(console: Console, tour: Tour, total: float) -> None:
    table = Table("part", "seconds", title=f"{total:.0f} s in all", title_justify="left")
    for part, seconds in tour.seconds.items():
        table.add_row(part, f"{seconds:.1f}")
    console.print(table)
    (tour.output / "timing.json").write_text(json.dumps({**tour.seconds, "total": round(total, 1)}, indent=2) + "\n")
    console.print(f"The record is in [bold]{tour.output}/[/bold], the logs of every function, job and endpoint in")
    console.print(f"{tour.cloud.logs}/ (python -m sandbox logs).")
