"""A new project's folder, from templates."""

import json
import re
from importlib import resources
from pathlib import Path
from string import Template
from typing import Literal

from ops.errors import UsageError

Task = Literal["regression", "binary_classification"]

_NAME = re.compile(r"[a-z][a-z0-9]{1,23}")
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TAKEN = ("kind", "amount")
_OF_THE_TASK = {
    "regression": {
        "metric": "rmse",
        "direction": "minimize",
        "objective": "reg:squarederror",
        "output_type": "number",
        "label": "signal.tolist()",
    },
    "binary_classification": {
        "metric": "auc",
        "direction": "maximize",
        "objective": "binary:logistic",
        "output_type": "boolean",
        "label": "(signal > 0).tolist()",
    },
}


def scaffold(name: str, *, projects: Path, task: Task, target: str, time_column: str) -> list[Path]:
    """Write the folder of a project below ``projects``; returns its files.

    Raises:
        UsageError: the name or a column cannot be used, or the folder is there already.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no project name: use 2 to 24 lower-case letters and digits, a letter first")
    for option, column in (("--target", target), ("--time-column", time_column)):
        if not _COLUMN.fullmatch(column) or column in _TAKEN:
            raise UsageError(
                f"{option} {column!r}: use lower-case letters, digits and _, and not {' or '.join(_TAKEN)}"
            )
    if target == time_column:
        raise UsageError(f"--target and --time-column are both {target!r}: use two columns")
    folder = projects / name
    if folder.exists():
        raise UsageError(f"{folder} exists: choose another name, or delete it")
    values = {"name": name, "task": task, "target": target, "time_column": time_column, **_OF_THE_TASK[task]}
    values["description"] = f"{target} of {name}"
    folder.mkdir(parents=True)
    files = []
    for template in sorted(resources.files("ops.scaffold").joinpath("templates").iterdir(), key=lambda each: each.name):
        path = folder / template.name.removesuffix(".tmpl")
        text = Template(template.read_text("utf-8")).substitute(values)
        path.write_text(json.dumps(json.loads(text), indent=2) + "\n" if path.suffix == ".json" else text, "utf-8")
        files.append(path)
    return files
