"""What all commands share: their options, the stage they ask about, and how a failure looks."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from ops.commands.text import escape, plain
from ops.errors import ExitCode, OpsError, UsageError
from ops.requests import REASON_LIMIT
from ops.stage import Stage, environment_names, only_project, project_names
from ops.target import SANDBOX_DIRECTORY, Target


def _projects(incomplete: str) -> list[str]:
    return [name for name in project_names() if name.startswith(incomplete)]


def _environments(incomplete: str) -> list[str]:
    return [name for name in environment_names() if name.startswith(incomplete)]


def _nothing() -> list[str]:
    """Numbers are not completed: asking AWS at every key takes longer than typing one."""
    return []


def _reason(text: str | None) -> str | None:
    if text is None:
        return None
    words = " ".join(text.split())
    if not 1 <= len(words) <= REASON_LIMIT:
        raise typer.BadParameter(f"{len(words)} characters: a reason has 1 to {REASON_LIMIT}")
    return words


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
VersionArgument = Annotated[
    int, typer.Argument(min=1, help="The version of the model, as `ops status` names it.", autocompletion=_nothing)
]
OptionalVersionArgument = Annotated[
    int | None,
    typer.Argument(min=1, help="The version of the model; the live one by default.", autocompletion=_nothing),
]
RequiredReasonOption = Annotated[str, typer.Option("--reason", callback=_reason, help="Why; it is on record.")]
ReasonOption = Annotated[str | None, typer.Option(callback=_reason, help="Why; it is on record with your name.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
NoWaitOption = Annotated[bool, typer.Option("--no-wait", help="Ask for it, and do not wait for what becomes of it.")]


@contextmanager
def answering() -> Iterator[None]:
    """Turn a failure into one line on stderr and its exit code."""
    try:
        yield
    except (OpsError, ClientError, BotoCoreError) as error:
        Console(stderr=True, soft_wrap=True).print("[red]error:[/red]", escape(str(error)), highlight=False)
        raise typer.Exit(error.exit_code if isinstance(error, OpsError) else ExitCode.ERROR) from error


def about_a_stage(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, which is called with a ``stage``, the options that say which stage that is."""

    @wraps(command)
    def run(**given: Any) -> None:
        where = {name: given.pop(name) for name in _WHERE}
        with answering():
            command(_open(**where), **given)

    own = [each for name, each in signature(command).parameters.items() if name != "stage"]
    # Typer reads the options of a command from its signature.
    vars(run)["__signature__"] = Signature([*own, *_WHERE.values()])
    return run


def _open(
    *,
    project: Annotated[
        str | None,
        typer.Option(
            envvar="TANDEM_PROJECT",
            help="The project; not needed when only one is deployed.",
            autocompletion=_projects,
        ),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            envvar="TANDEM_ENVIRONMENT",
            help="The environment; `production`, or `sandbox` with --sandbox.",
            autocompletion=_environments,
        ),
    ] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Ask the sandbox on this machine instead of AWS.")] = False,
    state: Annotated[Path, typer.Option("--state", help="The directory of the sandbox's files.")] = SANDBOX_DIRECTORY,
    profile: Annotated[str | None, typer.Option(help="AWS profile, as in ~/.aws/config.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region; the profile's by default.")] = None,
    role: Annotated[
        str | None, typer.Option(envvar="TANDEM_ROLE_ARN", help="The ARN of a role to take on, in any account.")
    ] = None,
) -> Stage:
    """Return the stage that the options name.

    Raises:
        OpsError: They name none, or nothing that can be asked.
    """
    target = Target.sandbox(state) if sandbox else Target.aws(profile=profile, region=region, role=role)
    environment = environment or ("sandbox" if sandbox else "production")
    return Stage(target=target, project=project or only_project(target, environment), environment=environment)


_WHERE: Final[Mapping[str, Parameter]] = signature(_open).parameters


def progress(text: str) -> None:
    """Tell what is going on, beside the answer: on stderr."""
    Console(stderr=True, soft_wrap=True).print(plain(text), style="dim", highlight=False, markup=False)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is changed; answered with no, the command ends here.

    Raises:
        UsageError: There is nobody to ask.
    """
    if yes:
        return
    if not has_terminal():
        raise UsageError(f"{question} There is no terminal to ask on: pass --yes")
    if not typer.confirm(question, err=True):
        progress("nothing was changed")
        raise typer.Exit(ExitCode.ERROR)


def has_terminal() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty()
