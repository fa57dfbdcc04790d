"""`python -m ops contract check` and `python -m ops contract record`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ops import contract as contracts
from ops.caller import caller
from ops.commands.common import (
    JsonOption,
    about_a_stage,
)
from ops.commands.text import escape
from ops.contract import Check
from ops.errors import ExitCode
from ops.stage import Stage

ContractOption = Annotated[
    Path, typer.Option("--contract", dir_okay=False, help="The contract.json that the application speaks.")
]
CommitOption = Annotated[str, typer.Option(min=1, help="The commit that the application was built from.")]
TellOption = Annotated[
    bool, typer.Option("--tell", help="When it is refused, tell the notification topic: for a delivery pipeline.")
]

contract = typer.Typer(no_args_is_help=True, help="May an application be delivered beside the live model?")


@contract.command()
@about_a_stage
def check(
    stage: Stage,
    *,
    file: ContractOption,
    tell: TellOption = False,
    as_json: JsonOption = False,
) -> None:
    """Before a delivery: can the application work with the live model, and with one that is being deployed?

    Exit codes: 0 it can, or nothing is live yet, 1 could not ask, 2 wrong usage, 10 it cannot; each field is named.
    """
    answer = contracts.check(stage, contracts.read(file), now=datetime.now(UTC))
    if tell and not answer.is_compatible:
        contracts.tell(answer, commit=None)
    _answer(answer, as_json=as_json)


@contract.command()
@about_a_stage
def record(
    stage: Stage,
    *,
    file: ContractOption,
    commit: CommitOption,
    as_json: JsonOption = False,
) -> None:
    """After a delivery: from now on, no model is deployed that this application cannot work with.

    An application that cannot work with the live model is refused, and the notification topic hears of it.

    Exit codes: 0 recorded, 1 could not ask, 2 wrong usage, 10 refused, nothing was recorded; each field is named.
    """
    answer = contracts.record(
        stage, contracts.read(file), commit=commit, by=caller(stage.target), now=datetime.now(UTC)
    )
    if not answer.is_compatible:
        contracts.tell(answer, commit=commit)
    _answer(answer, as_json=as_json)


def _answer(answer: Check, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(answer.as_json(), indent=2))
    else:
        _print(answer)
    raise typer.Exit(ExitCode.OK if answer.is_compatible else ExitCode.INCOMPATIBLE)


def _print(answer: Check) -> None:
    colour = "green" if answer.is_compatible else "red"
    found = [
        f"  version {model.version}: {escape(each.sentence)} [dim]({each.rule})[/dim]"
        for model in answer.models
        for each in model.objections
    ]
    lines = [f"[{colour}]{escape(answer.explanation)}[/{colour}]", *found]
    Console(soft_wrap=True).print("\n".join(lines), highlight=False)
