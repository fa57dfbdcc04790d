"""`python -m ops`: answers about models and changes to what serves, in an AWS account or in the sandbox."""

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]  # not re-exported by name

from ops.commands import completion
from ops.commands.approval import approve, reject
from ops.commands.common import about_a_stage
from ops.commands.contract import contract
from ops.commands.drift import drift
from ops.commands.history import history
from ops.commands.lineage import lineage
from ops.commands.new import new
from ops.commands.redrive import redrive
from ops.commands.report import report
from ops.commands.reproduce import reproduce
from ops.commands.retrain import retrain
from ops.commands.rollback import rollback
from ops.commands.smoke import smoke
from ops.commands.status import status
from ops.commands.teardown import teardown
from ops.completion import VARIABLE

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
app.callback(help=__doc__)(completion.options)
for command in (
    status,
    drift,
    history,
    lineage,
    report,
    retrain,
    rollback,
    approve,
    reject,
    reproduce,
    smoke,
    redrive,
    teardown,
):
    app.command()(about_a_stage(command))
app.command()(new)
app.add_typer(contract, name="contract")


if __name__ == "__main__":
    completion_init()  # the shells that Typer can answer; its own options for it are replaced
    app(complete_var=VARIABLE)
