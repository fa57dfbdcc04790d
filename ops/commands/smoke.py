"""`python -m ops smoke`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ops import smoke as trying
from ops.commands.common import JsonOption
from ops.commands.text import escape
from ops.errors import ExitCode
from ops.smoke import Smoke
from ops.stage import Stage

RecordOption = Annotated[
    Path | None,
    typer.Option("--record", dir_okay=False, help="JSON of one record to ask about; the project's example.json."),
]
SecretOption = Annotated[
    str | None,
    typer.Option(
        "--credentials-secret",
        metavar="NAME",
        help="For an API that asks for a token: the secret in AWS Secrets Manager with OAuth 2.0 client credentials.",
    ),
]
CommitOption = Annotated[str | None, typer.Option(min=1, help="The commit whose code has to answer.")]


def smoke(
    stage: Stage,
    *,
    record: RecordOption = None,
    commit: CommitOption = None,
    credentials_secret: SecretOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try the deployed application: call its API as a client would, with signed requests or a token.

    The token is the one in TANDEM_TOKEN, or one that --credentials-secret gets from the issuer.

    Exit codes: 0 it answers as it should, 1 could not ask, 2 wrong usage, 12 it does not; each call is named.
    """
    answer = trying.smoke(
        stage, trying.example(stage.project, file=record), commit=commit, credentials_secret=credentials_secret
    )
    if as_json:
        typer.echo(json.dumps(answer.as_json(), indent=2))
    else:
        _print(answer)
    raise typer.Exit(ExitCode.OK if answer.works else ExitCode.NOT_WORKING)


def _print(answer: Smoke) -> None:
    console = Console(soft_wrap=True)
    console.print(f"[bold]{escape(answer.url)}[/]", highlight=False)
    for call in answer.calls:
        mark = "[green]ok[/]" if call.problem is None else "[red]no[/]"
        console.print(f"  {mark} {call.what:<20} {call.status}  {escape(call.problem or '')}".rstrip(), highlight=False)
    if answer.note:
        console.print(f"  {escape(answer.note)}", highlight=False)
