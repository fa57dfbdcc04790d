"""What a pipeline definition is made from: the sections of ``project.toml`` it depends on, and the contract's version.

Standard library only: the compiler needs it beside the SageMaker SDK, and the stacks need it without.
The complete schema of ``project.toml`` (bounds, unknown keys, environments) is the stacks' business; this module
reads its own few values and refuses what it cannot read.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = Path(__file__).resolve().parent / "projects"
_T = TypeVar("_T")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class DefinitionInputError(ValueError):
    """A value that the pipeline definition needs is missing or has the wrong type."""


@dataclass(frozen=True)
class DefinitionInputs:
    """Every setting that shapes a training pipeline's definition.

    Attributes:
        project: folder name below ``pipelines/projects``.
        task: ``regression`` or ``binary_classification``.
        target: column to predict.
        time_column: column that orders the rows.
        holdout_days: newest days that are judged on and never trained on.
        seed: seed of everything random.
        hyperparameters: handed to the project's train code; values as text, the way SageMaker hands them on.
        training_instance_type: instance of the training job; the processing jobs use it too.
        max_runtime_seconds: hard limit of each job.
        metric: primary metric of the gate.
        direction: ``minimize`` or ``maximize``.
        min_improvement_over_naive: share by which a first model must beat the naive predictor.
        contract_version: version of the model's contract.
    """

    project: str
    task: str
    target: str
    time_column: str
    holdout_days: int
    seed: int
    hyperparameters: tuple[tuple[str, str], ...]
    training_instance_type: str
    max_runtime_seconds: int
    metric: str
    direction: str
    min_improvement_over_naive: float
    contract_version: str

    def parameter_defaults(self) -> dict[str, str | int]:
        """Return the defaults of the pipeline parameters that come from the settings.

        The compiler writes them into the definition; a stack whose environment overrides a section of
        ``project.toml`` writes its own over them. So one compiled file serves every environment.
        """
        defaults: dict[str, str | int] = {
            "ContractVersion": self.contract_version,
            "ProcessingInstanceType": self.training_instance_type,
            "TrainingInstanceType": self.training_instance_type,
            "MaxRuntimeSeconds": self.max_runtime_seconds,
            "HoldoutDays": str(self.holdout_days),
            "Seed": str(self.seed),
            "GateMetric": self.metric,
            "GateDirection": self.direction,
            "GateMinImprovementOverNaive": str(self.min_improvement_over_naive),
        }
        return defaults | {hyperparameter_name(name): value for name, value in self.hyperparameters}


def hyperparameter_name(key: str) -> str:
    """Return the name of the pipeline parameter that carries a hyperparameter (dots are not allowed there)."""
    return f"Hyperparameter_{key}"


def parse(sections: Mapping[str, object], *, contract_version: str) -> DefinitionInputs:
    """Pick the values a definition needs from the sections of a ``project.toml`` (or of resolved settings).

    Raises:
        DefinitionInputError: when one is missing or has the wrong type; names the key.
    """
    training = _section(sections, "training")
    hyperparameters = _section(training, "hyperparameters", parent="training.")
    return DefinitionInputs(
        project=_value(sections, "project", "name", str),
        task=_value(sections, "project", "task", str),
        target=_value(sections, "project", "target", str),
        time_column=_value(sections, "project", "time_column", str),
        holdout_days=_value(sections, "data", "holdout_days", int),
        seed=_value(sections, "training", "seed", int),
        hyperparameters=tuple(sorted((key, as_text(value)) for key, value in hyperparameters.items())),
        training_instance_type=_value(sections, "training", "instance_type", str),
        max_runtime_seconds=60 * _value(sections, "training", "max_runtime_minutes", int),
        metric=_value(sections, "gate", "metric", str),
        direction=_value(sections, "gate", "direction", str),
        min_improvement_over_naive=_value(sections, "gate", "min_improvement_over_naive", float),
        contract_version=contract_version,
    )


def read(project: str, *, projects: Path = PROJECTS) -> DefinitionInputs:
    """Read the inputs of one project from its folder.

    Raises:
        DefinitionInputError: when the folder, a file or a value is missing.
    """
    if not _NAME.fullmatch(project):
        raise DefinitionInputError(f"project {project!r} is no project name: use lower-case letters, digits and _")
    settings = projects / project / "project.toml"
    if not settings.is_file():
        raise DefinitionInputError(f"project {project!r} has no settings: {settings} does not exist")
    return parse(tomllib.loads(settings.read_text("utf-8")), contract_version=contract_version(projects / project))


def contract_version(folder: Path) -> str:
    """Return the version in a project's ``contract.json``.

    Raises:
        DefinitionInputError: when the file or its version is missing.
    """
    path = folder / "contract.json"
    if not path.is_file():
        raise DefinitionInputError(f"{path} does not exist: every project needs a contract")
    version = json.loads(path.read_text("utf-8")).get("version")
    if not isinstance(version, str):
        raise DefinitionInputError(f'{path}: version is {version!r}, it must be a text such as "1"')
    return version


def as_text(value: object) -> str:
    """Write a setting the way SageMaker carries it: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _section(mapping: Mapping[str, object], key: str, *, parent: str = "") -> Mapping[str, object]:
    found = mapping.get(key)
    if not isinstance(found, Mapping):
        raise DefinitionInputError(f"project.toml: section [{parent}{key}] is missing")
    return found


def _value(sections: Mapping[str, object], section: str, key: str, kind: type[_T]) -> _T:
    value = _section(sections, section).get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DefinitionInputError(f"project.toml: {section}.{key} is {value!r}, expected {kind.__name__}")
    return value
