"""What the commands of the sandbox have in common."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sandbox.application import OUTPUT, curl
from sandbox.errors import SandboxError

FAILED = 1
NOT_RUNNING = 3

out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)

StateOption = Annotated[Path, typer.Option("--state", help="The directory of the sandbox's files.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@contextmanager
def explained() -> Iterator[None]:
    """Turn an error that a person can mend into its message and exit code 1."""
    try:
        yield
    except SandboxError as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(FAILED) from error


def print_calls(endpoint_url: str, stacks: Mapping[str, Mapping[str, str]]) -> None:
    """How each deployed API is called."""
    for stack, outputs in sorted(stacks.items()):
        if OUTPUT in outputs:
            out.print(f"  call    {stack}: {curl(endpoint_url, outputs)}", markup=False)
