"""`python -m ops new`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.common import JsonOption, answering
from ops.scaffold import Task, scaffold


def new(
    name: Annotated[str, typer.Argument(help="2 to 24 lower-case letters and digits, a letter first.")],
    *,
    task: Annotated[Task, typer.Option(help="What the model answers.")] = "regression",
    target: Annotated[str, typer.Option(help="The column to predict.")] = "target",
    time_column: Annotated[str, typer.Option(help="The column that says when a row happened.")] = "happened_at",
    as_json: JsonOption = False,
) -> None:
    """Write the folder of a new project, with compiled pipelines, that trains as it is on invented data.

    Exit codes: 0 written, 2 the name or a column cannot be used, or the folder exists.
    """
    with answering():
        projects = Path("pipelines/projects").resolve()
        files = scaffold(name, projects=projects, task=task, target=target, time_column=time_column)
        from pipelines import compile as compiler  # noqa: PLC0415  # the SageMaker SDK, which no other command needs

        files += compiler.write(name, projects=projects)
    if as_json:
        typer.echo(json.dumps({"project": name, "files": [str(path) for path in files]}, indent=2))
        return
    typer.echo("\n".join(str(path) for path in files))
    typer.echo("next: edit contract.json, features.py and project.toml, then python -m pipelines.compile")
