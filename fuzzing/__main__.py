"""`python -m fuzzing run` and `python -m fuzzing replay`; the Makefile has both as `make fuzz`."""

import json
import os
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from fuzzing.campaign import ENVIRONMENT, CampaignError, Effort, Result, packages, replay, run
from fuzzing.inventory import parser_of, parsers
from fuzzing.parser import FOUND, ROOT, play

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)
out = Console(highlight=False, soft_wrap=True)
_FAILED: Final = 1
_USAGE: Final = 2
_TOLD_SECONDS: Final = 20


class _Progress:
    """Tells on the error stream how far the parsers are: on a terminal in place, elsewhere now and then."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._told: dict[str, float] = {}

    def tell(self, result: Result, done: bool) -> None:  # noqa: FBT001  # what the campaign says
        """Say how one parser is doing."""
        self._done += done
        last = self._told.get(result.parser, 0.0)
        if not done and result.seconds - last < _TOLD_SECONDS:
            return
        self._told[result.parser] = result.seconds
        found = f", {len(result.findings)} FINDINGS" if result.findings else ""
        state = f"done {self._done}/{self._total}" if done else "running"
        figures = f"{result.cases:,} cases, {result.branches} branches, {result.answers} answers{found}"
        err.print(f"fuzz: {result.parser}: {figures} ({state}, {result.seconds:.0f} s)", markup=False)


@app.command("run")
def run_(
    parser: Annotated[list[str] | None, typer.Option(help="Parsers whose names begin so; all without it.")] = None,
    *,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="For all of them together.")] = None,
    cases: Annotated[int | None, typer.Option(min=1, help="For each of them.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at a time.")] = os.cpu_count() or 1,
    seed: Annotated[int, typer.Option(min=1, help="The same seed and corpus try the same cases.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results for machines.")] = False,
) -> None:
    """Fuzz the parsers of outside input, guided by coverage; exit code 1 when one breaks."""
    try:
        chosen = list(parsers(tuple(parser or ())))
        atheris = packages()
    except (LookupError, CampaignError) as error:
        err.print(f"fuzz: {error}", markup=False)
        raise typer.Exit(_USAGE) from error
    minutes = 10.0 if minutes is None and cases is None else minutes
    seconds = None if minutes is None else max(1, round(minutes * 60 * min(jobs, len(chosen)) / len(chosen)))
    effort = Effort(cases=cases, seconds=seconds, jobs=jobs, seed=seed)
    results = list(run(chosen, effort, tell=_Progress(len(chosen)).tell, atheris=atheris))
    if as_json:
        out.print_json(json.dumps([result.as_json() for result in results]))
    else:
        _print(results)
    raise typer.Exit(_FAILED if any(result.failed for result in results) else 0)


@app.command("replay")
def replay_(finding: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An input.")]) -> None:
    """Play one input again and tell what it does; exit code 1 when it breaks its parser."""
    name = finding.resolve().parent.name
    try:
        parser = parser_of(name)
    except LookupError as error:
        err.print(f"fuzz: {error}: an input lies in a folder with the name of its parser", markup=False)
        raise typer.Exit(_USAGE) from error
    outcome = play(parser, finding.read_bytes())
    if outcome.finding is None:
        out.print(
            f"{parser.name}: {'taken' if outcome.taken else 'refused: ' + ' '.join(outcome.answer)}", markup=False
        )
        return
    out.print(f"{outcome.finding.text}\n{parser.name}: {outcome.finding.kind} in {outcome.finding.where}", markup=False)
    raise typer.Exit(_FAILED)


@app.command("list")
def list_() -> None:
    """Print the parsers and what they read."""
    for parser in parsers():
        out.print(f"{parser.name:<32} {parser.reads}", markup=False)


def _print(results: list[Result]) -> None:
    table = Table("parser", box=None)
    for heading in ("cases", "taken", "branches", "answers", "findings"):
        table.add_column(heading, justify="right")
    for one in results:
        broken = "broken" if one.broken else str(len(one.findings))
        table.add_row(one.parser, f"{one.cases:,}", f"{one.taken:,}", f"{one.branches:,}", f"{one.answers:,}", broken)
    sums = [
        sum(figures)
        for figures in zip(*((one.cases, one.taken, one.branches, one.answers) for one in results), strict=True)
    ]
    table.add_row(
        f"{len(results)} parsers", *(f"{figure:,}" for figure in sums), str(sum(one.failed for one in results))
    )
    out.print(table)
    for one in results:
        for path in one.findings:
            out.print(f"{one.parser}: {path.name}: {replay(path)}", markup=False)
        if one.broken:
            out.print(f"{one.parser}: {one.broken}", markup=False)
    if any(one.findings for one in results):
        out.print(
            f"A finding that is mended goes to {FOUND.relative_to(ROOT)}/<parser>, which the tests play.", markup=False
        )


if __name__ == "__main__":
    os.environ.update(ENVIRONMENT)
    app()
