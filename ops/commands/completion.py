"""`python -m ops --install-completion` and `--show-completion`."""

from pathlib import Path
from typing import Annotated

import typer

from ops import completion
from ops.commands.common import answering


def _show(value: bool) -> None:  # noqa: FBT001 - as Typer calls it
    if not value:
        return
    with answering():
        typer.echo(completion.script(completion.detect()), nl=False)
    raise typer.Exit


def _install(value: bool) -> None:  # noqa: FBT001 - as Typer calls it
    if not value:
        return
    with answering():
        path = completion.install(completion.detect(), home=Path.home())
    typer.echo(f"completion of `python -m ops` is in {path}; a new shell has it")
    raise typer.Exit


InstallOption = Annotated[
    bool,
    typer.Option(
        "--install-completion", callback=_install, is_eager=True, help="Let this shell complete `python -m ops`."
    ),
]
ShowOption = Annotated[
    bool,
    typer.Option("--show-completion", callback=_show, is_eager=True, help="Print what --install-completion installs."),
]


def options(*, install_completion: InstallOption = False, show_completion: ShowOption = False) -> None:
    """Take the options before the command."""
