"""`python -m ops`: answers about models, from an AWS account or from the sandbox."""

import typer

from ops.commands.drift import drift
from ops.commands.history import history
from ops.commands.lineage import lineage
from ops.commands.reproduce import reproduce
from ops.commands.status import status

app = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
for command in (status, drift, history, lineage, reproduce):
    app.command()(command)


if __name__ == "__main__":
    app()
