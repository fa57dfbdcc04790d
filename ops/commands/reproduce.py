"""`python -m ops reproduce VERSION`."""

import json
from datetime import UTC, datetime

import typer
from rich.console import Console

from ops.commands.common import (
    JsonOption,
    VersionArgument,
    progress,
)
from ops.commands.text import escape
from ops.errors import ExitCode
from ops.reproduce import core
from ops.reproduce.core import Reproduction
from ops.stage import Stage


def reproduce(
    stage: Stage,
    version: VersionArgument,
    *,
    as_json: JsonOption = False,
) -> None:
    """Train a version again from what was recorded, and compare figures and bytes. Nothing is registered or deployed.

    Exit codes: 0 identical, 1 could not be replayed, 2 wrong usage, 3 something came out differently,
    5 an input is missing or was altered (nothing was started).
    """
    answer = core.reproduce(stage, version, now=datetime.now(UTC), told=progress)
    if as_json:
        typer.echo(json.dumps(answer.as_json(), indent=2))
    else:
        _print(answer)
    raise typer.Exit(_exit_code(answer))


def _exit_code(answer: Reproduction) -> ExitCode:
    if answer.problems:
        return ExitCode.INPUTS_LOST
    return ExitCode.OK if answer.is_identical else ExitCode.MISMATCH


def _print(answer: Reproduction) -> None:
    lines = list(_lines(answer))
    Console(soft_wrap=True).print("\n".join(lines), highlight=False)


def _lines(answer: Reproduction) -> list[str]:
    name = f"version {answer.lineage.version} of {answer.lineage.project} {answer.lineage.environment}"
    compared = answer.comparison
    if compared is None:
        found = [f"  [red]{problem.loss.value}[/red] {escape(problem.detail)}" for problem in answer.problems]
        return [f"[red]{name} cannot be reproduced:[/red] not everything it was made from is still there", *found]
    facts = [
        f"  run      {answer.lineage.run_id}, replayed as {answer.replay_run_id}",
        f"  model    sha256 {compared.registered.sha256}, {len(compared.registered.files)} files",
        f"  figures  {compared.figures} compared: "
        + ", ".join(f"{metric} {value:.6g}" for metric, value in compared.metrics.items()),
    ]
    if compared.is_equal:
        return [f"[green]{name} is reproduced bit for bit[/green]", *facts]
    differing = [
        f"  [red]{escape(each.what)}[/red]: registered {each.registered}, reproduced {each.reproduced}"
        for each in compared.differences
    ]
    what = "the same model, judged differently" if compared.is_same_model else "another model came out"
    return [f"[red]{name} is not reproduced: {what}[/red]", *facts, *differing]
