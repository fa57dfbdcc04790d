"""What a project brings along: one module that can train a model and load one again."""

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.steps.failure import StepError

FloatArray = npt.NDArray[np.float64]


class Model(Protocol):
    """A trained model."""

    def predict(self, rows: pa.Table) -> FloatArray:
        """Predict one number per row of contract inputs: the value, or the probability of the positive class."""

    def save(self, folder: Path) -> None:
        """Write the model's files; the same model gives the same bytes."""


class Project(Protocol):
    """The module ``pipelines/projects/<name>/model.py``.

    Attributes:
        LIBRARIES: modules that wrote the model's files. A model is only loaded by the versions that trained it:
            a model of xgboost 3.2.0 loads in 3.0.5 without an error and shifts every prediction.
    """

    LIBRARIES: tuple[str, ...]

    def train(self, rows: pa.Table, target: FloatArray, *, hyperparameters: Mapping[str, str], seed: int) -> Model:
        """Fit a model on rows in total order; the same rows and seed give the same model on any number of threads.

        Raises:
            StepError: when a hyperparameter is unknown or out of range.
        """

    def load(self, folder: Path) -> Model:
        """Read a model that :meth:`Model.save` wrote."""


def load_project(name: str) -> Project:
    """Import a project's module.

    Raises:
        StepError: when the code bundle holds no such project.
    """
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) is None:
        raise StepError(f"{name!r} is no project name: use lower-case letters, digits and _")
    module = f"pipelines.projects.{name}.model"
    try:
        return cast("Project", importlib.import_module(module))
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise StepError(f"the code bundle holds no project {name!r}: {error.name} is missing") from error


def library_versions(project: Project) -> dict[str, str]:
    """Return the versions of everything a model's bytes and predictions depend on."""
    modules = [importlib.import_module(name) for name in ("numpy", "pyarrow", *project.LIBRARIES)]
    return {module.__name__: str(module.__version__) for module in modules}
