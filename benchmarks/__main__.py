"""`python -m benchmarks`: run every comparison, or the named ones; the last results are kept as JSON."""

import json
import os
import platform
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
COMPARISONS = ("cold_start", "snapshot", "synth", "gate", "false_promotion")

app = typer.Typer(add_completion=False)


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help=f"Which comparisons: {', '.join(COMPARISONS)}.")] = None,
) -> None:
    """Measure side by side and write benchmarks/results/<comparison>.json."""
    console = Console()
    for name in names or COMPARISONS:
        if name not in COMPARISONS:
            raise typer.BadParameter(f"there is no comparison {name!r}; there are {', '.join(COMPARISONS)}")
        with console.status(f"measuring {name}"):
            figures = import_module(f"benchmarks.{name}").run()
        console.print(_table(name, figures))
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine, "figures": figures}, indent=2) + "\n")


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
