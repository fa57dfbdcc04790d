"""A new project's folder, from templates."""

import json
import keyword
import tempfile
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from ops.errors import UsageError
from ops.scaffold.fields import Field, invented, of_parquet
from ops.scaffold.task import Task
from stacks.settings.types import Allowed, ColumnName, ProjectName

_OF_THE_TASK: Final = {
    "regression": {"metric": "rmse", "direction": "minimize", "objective": "reg:squarederror"},
    "binary_classification": {"metric": "auc", "direction": "maximize", "objective": "binary:logistic"},
}
_EXAMPLES: Final = {"timestamp": "2013-03-01T12:00:00+00:00", "boolean": True, "string": "text"}


def create(
    name: str, *, projects: Path, task: Task, target: str, time_column: str, example: Path | None = None
) -> list[Path]:
    """Write the folder of a project below ``projects``, with compiled pipelines; returns its files.

    All of it appears at once: an interrupted run leaves no project.

    Raises:
        UsageError: a name cannot be used, the folder is there already, or ``example``, a Parquet file, does not fit.
    """
    _check("the name", name, ProjectName)
    if keyword.iskeyword(name):
        raise UsageError(f"the name {name!r} cannot be used: it is a word of Python's, and the project is a package")
    _check("--target", target, ColumnName)
    _check("--time-column", time_column, ColumnName)
    if target == time_column:
        raise UsageError(f"--target and --time-column are both {target!r}: use two columns")
    if not (projects / "__init__.py").is_file():
        raise UsageError(f"{projects} holds no projects: run this where app.py is, in the root of the repository")
    folder = projects / name
    if folder.exists():
        raise UsageError(f"{folder} exists: choose another name, or delete it")
    inputs, output = (
        invented(task, target=target, time_column=time_column)
        if example is None
        else of_parquet(example, task, target=target, time_column=time_column)
    )
    for field in inputs:
        _check("column", field["name"], ColumnName)
    from pipelines import compile as compiler  # noqa: PLC0415  # the SageMaker SDK, which no other command needs

    with tempfile.TemporaryDirectory(dir=projects.parent, prefix=".new-") as temporary:
        draft = Path(temporary) / name
        draft.mkdir()
        _write(draft, task=task, time_column=time_column, inputs=inputs, output=output)
        compiler.write(name, projects=Path(temporary))
        draft.rename(folder)
    return sorted(folder.iterdir())


def _check(what: str, value: str, kind: Any) -> None:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        (allowed,) = (each.text for each in kind.__metadata__ if isinstance(each, Allowed))
        raise UsageError(f"{what} {value!r} cannot be used. Allowed: {allowed}.") from None


def _write(folder: Path, *, task: Task, time_column: str, inputs: list[Field], output: Field) -> None:
    numbers = [each["name"] for each in inputs if each["type"] in ("integer", "number", "boolean")]
    categories = {each["name"]: each["categories"] for each in inputs if "categories" in each}
    if not numbers and not categories:
        raise UsageError(
            "no column but target and time can be learned from: add a number, a boolean, or a text of few values"
        )
    name = folder.name
    description = f"{output['name']} of {name}"
    values = {
        "name": name,
        "task": task,
        "target": output["name"],
        "time_column": time_column,
        "description": description,
        "numbers": _tuple(numbers, indent=""),
        "categories": _mapping(categories),
        **_OF_THE_TASK[task],
    }
    for template in resources.files("ops.scaffold").joinpath("templates").iterdir():
        if template.name.endswith(".tmpl"):
            text = Template(template.read_text("utf-8")).substitute(values)
            (folder / template.name.removesuffix(".tmpl")).write_text(text, "utf-8")
    contract = {"name": name, "version": "1", "description": description, "inputs": inputs, "output": output}
    for file, document in (("contract.json", contract), ("example.json", _record(inputs))):
        (folder / file).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _record(inputs: list[Field]) -> Field:
    return {each["name"]: _value(each) for each in inputs}


def _value(field: Field) -> Any:
    if field["type"] in ("integer", "number"):
        middle = (field.get("minimum", 0) + field.get("maximum", 0)) / 2
        return int(middle) if field["type"] == "integer" else middle
    return field["categories"][0] if "categories" in field else _EXAMPLES[field["type"]]


def _tuple(texts: list[str], *, indent: str) -> str:
    if not texts:
        return "()"
    return "\n".join(["(", *(f"{indent}    {_quoted(text)}," for text in texts), f"{indent})"])


def _mapping(categories: dict[str, list[str]]) -> str:
    if not categories:
        return "{}"
    entries = (f"    {_quoted(name)}: {_tuple(known, indent='    ')}," for name, known in categories.items())
    return "\n".join(["{", *entries, "}"])


def _quoted(text: str) -> str:
    """As the formatter wants it: in double quotes, if the text has none."""
    return repr(text) if '"' in text else json.dumps(text, ensure_ascii=False)
