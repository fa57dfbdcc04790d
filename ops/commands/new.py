"""`python -m ops new`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.common import JsonOption, answering, progress
from ops.scaffold.task import Task

FromParquetOption = Annotated[
    Path | None,
    typer.Option(
        "--from-parquet",
        exists=True,
        dir_okay=False,
        help="A file with typical rows: its columns become the contract's fields.",
    ),
]


def new(
    name: Annotated[str, typer.Argument(help="2 to 24 lower-case letters and digits, a letter first.")],
    *,
    task: Annotated[Task, typer.Option(help="What the model answers.")] = "regression",
    target: Annotated[str, typer.Option(help="The column to predict.")] = "target",
    time_column: Annotated[str, typer.Option(help="The column that says when a row happened.")] = "happened_at",
    from_parquet: FromParquetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the folder of a new project, with compiled pipelines, that trains as it is on invented data.

    Exit codes: 0 written, 2 a name or the file cannot be used, the folder exists, or this is not the repository.
    """
    with answering():
        from ops.scaffold import folder as scaffold  # noqa: PLC0415  # Arrow and the settings, which no other command needs

        projects = Path("pipelines", "projects").resolve()
        progress("compiling the pipelines takes half a minute")
        files = scaffold.create(
            name, projects=projects, task=task, target=target, time_column=time_column, example=from_parquet
        )
    folder = Path("pipelines", "projects", name)
    steps = [
        f"read {folder}/contract.json: what is a field, what may it be? Then project.toml, features.py and model.py",
        f"python -m pipelines.compile {name}",
        f"python -m sandbox up --detach, then python -m sandbox deploy --project {name}",
        f"python -m pipelines.projects.{name}.feed --months 1,2 --to drops, for data until there is real one",
    ]
    if as_json:
        typer.echo(json.dumps({"project": name, "files": [path.name for path in files], "next": steps}, indent=2))
        return
    typer.echo("\n".join(str(folder / path.name) for path in files))
    typer.echo("next:\n" + "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, start=1)))
