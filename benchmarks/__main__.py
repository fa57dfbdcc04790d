"""`python -m benchmarks`: run every comparison, or the named ones; the last results are kept as JSON."""

import json
import os
import platform
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import monitoring
from benchmarks.measure import UnavailableError
from benchmarks.monitoring.processes import Bounds
from docgen.insertion import insert

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
COMPARISONS = (
    "cold_start",
    "snapshot",
    "synth",
    "gate",
    "false_promotion",
    "false_alarms",
    "monitoring",
    "application",
)

app = typer.Typer(add_completion=False)


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help=f"Which comparisons: {', '.join(COMPARISONS)}.")] = None,
    rows: Annotated[
        str | None, typer.Option(help="Sizes of the comparison monitoring, with commas: 1e5,1e6,1e7.")
    ] = None,
    peers: Annotated[
        str | None, typer.Option(help="Peers of the comparison monitoring, with commas; none for Tandem alone.")
    ] = None,
    memory: Annotated[
        float | None, typer.Option(min=1, help="Gigabytes that one run of the comparison monitoring may take (16).")
    ] = None,
    at_least: Annotated[
        float | None, typer.Option(min=0, help="Requests per second that the comparison application has to reach.")
    ] = None,
) -> None:
    """Measure side by side and write benchmarks/results/<comparison>.json.

    A part of a comparison is a trial: its result goes to .cache/benchmarks, and what is told about the whole stays.
    So does that of a run that was not good enough: a request failed, or the rate is below --at-least.

    Exit codes: 0 measured, 1 not good enough, 2 wrong usage, or a named comparison could not be measured.
    """
    console = Console()
    unknown = [name for name in names or () if name not in COMPARISONS]
    if unknown:
        raise typer.BadParameter(f"there is no comparison {unknown[0]!r}; there are {', '.join(COMPARISONS)}")
    options = _options(rows, peers, memory)
    _check_that_they_belong(names, options, at_least)
    skipped: list[str] = []
    failed = False
    for name in names or COMPARISONS:
        with console.status(f"measuring {name}"):
            comparison = import_module(f"benchmarks.{name}")
            try:
                figures = comparison.run(**options, **({"say": console.print} if name == "monitoring" else {}))
            except UnavailableError as error:
                console.print(f"{name}: skipped, {error}")
                skipped.append(name)
                continue
        console.print(_table(name, figures))
        wrong = _wrong(comparison, figures, at_least)
        for line in wrong:
            console.print(f"{name}: not good enough: {line}", style="red", soft_wrap=True)
        failed = failed or bool(wrong)
        _keep(name, comparison, figures, is_trial=bool(options or wrong))
    if failed:
        raise typer.Exit(1)
    if names and skipped:
        raise typer.Exit(2)


def _check_that_they_belong(names: list[str] | None, options: dict[str, Any], at_least: float | None) -> None:
    if options and names != ["monitoring"]:
        raise typer.BadParameter("--rows, --peers and --memory belong to the comparison monitoring: name it alone")
    if at_least is not None and names != ["application"]:
        raise typer.BadParameter("--at-least belongs to the comparison application: name it alone")


def _wrong(comparison: ModuleType, figures: list[dict[str, Any]], at_least: float | None) -> list[str]:
    if not hasattr(comparison, "shortcomings"):
        return []
    return list(comparison.shortcomings(figures, at_least=at_least))


def _keep(name: str, comparison: ModuleType, figures: list[dict[str, Any]], *, is_trial: bool) -> None:
    """Write the result; only one that is no trial is told on the page."""
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    folder = monitoring.CACHE if is_trial else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"machine": machine, "figures": figures}, indent=2) + "\n")
    if hasattr(comparison, "draw"):
        (folder / f"{name}.svg").write_text(comparison.draw(figures) + "\n", "utf-8")
    if hasattr(comparison, "tell") and not is_trial:
        PAGE.write_text(insert(PAGE.read_text("utf-8"), name, comparison.tell(figures)), "utf-8")


def _options(rows: str | None, peers: str | None, memory: float | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if rows is not None:
        options["sizes"] = _sizes(rows)
    if peers is not None:
        options["peers"] = [] if peers == "none" else peers.split(",")
    if memory is not None:
        options["bounds"] = Bounds(gigabytes=memory)
    return options


def _sizes(text: str) -> list[int]:
    """Read numbers of rows.

    Raises:
        typer.BadParameter: one is none.
    """
    try:
        sizes = [int(float(size)) for size in text.split(",")]
    except (ValueError, OverflowError):
        sizes = []
    if not sizes or min(sizes) < 1:
        raise typer.BadParameter(f"--rows {text}: write whole numbers with commas, such as 1e5,1e6")
    return sizes


def _table(name: str, figures: list[dict[str, Any]]) -> Table:
    """One row per contender, one column per figure; the first column is the contender's name."""
    _, *columns = figures[0]
    table = Table(name, *columns)
    for figure in figures:
        table.add_row(figure["name"], *(_text(figure[column]) for column in columns))
    return table


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    app()
