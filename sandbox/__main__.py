"""`python -m sandbox`: an AWS on this machine that Tandem is deployed to and runs in."""

import typer

from sandbox.commands.clock import clock
from sandbox.commands.demo import demo
from sandbox.commands.deployments import deliver, deploy, destroy
from sandbox.commands.life import reset, status, stop, up
from sandbox.commands.logs import logs

app = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
for command in (up, deploy, destroy, deliver, status, stop, reset, clock, demo, logs):
    app.command()(command)


if __name__ == "__main__":
    app()
