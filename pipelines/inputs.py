"""What a pipeline definition is made from: the sections of ``project.toml`` it depends on, and the contract's version.

Standard library only: the compiler needs it beside the SageMaker SDK, and the stacks need it without.
The complete schema of ``project.toml`` (bounds, unknown keys, environments) is the stacks' business; this module
reads its own few values and refuses what it cannot read.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from pipelines.steps import contract as contracts
from pipelines.steps.quality.limits import Limits

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = Path(__file__).resolve().parent / "projects"
NONE = "none"
"""Stands for an empty list, because SageMaker takes no empty parameter."""
LONGEST_ARGUMENT = 256
"""Characters of one argument of a processing job (API reference, AppSpecification, ContainerArguments)."""
GUARD_KEYS = ("metric", "max_worsening")
SLICE_KEYS = ("column", "min_rows", "max_worsening")
"""Keys of ``[[gate.guards]]`` and ``[[gate.slices]]``, in the order in which the Evaluate step reads them."""
_T = TypeVar("_T")
_NAME = re.compile(r"[a-z][a-z0-9]{1,23}")
_RECORDABLE = re.compile(r"[\w .:/=+\-@]{1,256}")


class DefinitionInputError(ValueError):
    """A value that the pipeline definition needs is missing or has the wrong type."""


@dataclass(frozen=True)
class GateInputs:
    """The ``[gate]`` settings, as texts where the pipeline carries texts.

    Attributes:
        metric: primary metric.
        direction: ``minimize`` or ``maximize``.
        margin: share that the lower bound of the improvement over the champion must exceed.
        alpha: one-sided error probability of that bound.
        min_improvement_over_naive: share by which a first model must beat the naive predictor.
        cluster: ``hour``, ``day`` or ``week``: rows of one are judged together.
        min_clusters: fewest clusters that are compared on.
        guards: ``metric:max_worsening``, comma-separated, or ``none``.
        slices: ``column:min_rows:max_worsening``, comma-separated, or ``none``.
    """

    metric: str
    direction: str
    margin: float
    alpha: float
    min_improvement_over_naive: float
    cluster: str
    min_clusters: int
    guards: str
    slices: str

    def parameter_defaults(self) -> dict[str, str | int]:
        """Return the defaults of the gate's pipeline parameters."""
        return {
            "GateMetric": self.metric,
            "GateDirection": self.direction,
            "GateMargin": str(self.margin),
            "GateAlpha": str(self.alpha),
            "GateMinImprovementOverNaive": str(self.min_improvement_over_naive),
            "GateCluster": self.cluster,
            "GateMinClusters": str(self.min_clusters),
            "GateGuards": self.guards,
            "GateSlices": self.slices,
        }


@dataclass(frozen=True)
class DefinitionInputs:
    """Every setting that shapes a training pipeline's definition.

    Attributes:
        project: folder name below ``pipelines/projects``.
        description: what it predicts, in words; may be empty.
        task: ``regression`` or ``binary_classification``.
        target: column to predict.
        time_column: column that orders the rows.
        data_limits: how far data may stray, see :class:`~pipelines.steps.quality.limits.Limits`, as one text.
        holdout_days: newest days that are judged on and never trained on.
        seed: seed of everything random.
        hyperparameters: handed to the project's train code; values as text, the way SageMaker hands them on.
        training_instance_type: instance of the training job; the processing jobs use it too.
        max_runtime_seconds: hard limit of each job.
        gate: when a challenger replaces the champion.
        contract_version: version of the model's contract.
    """

    project: str
    description: str
    task: str
    target: str
    time_column: str
    data_limits: str
    holdout_days: int
    seed: int
    hyperparameters: tuple[tuple[str, str], ...]
    training_instance_type: str
    max_runtime_seconds: int
    gate: GateInputs
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
            "DataLimits": self.data_limits,
            "HoldoutDays": str(self.holdout_days),
            "Seed": str(self.seed),
        }
        defaults |= self.gate.parameter_defaults()
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
        project=required(sections, "project", "name", str),
        description=str(_section(sections, "project").get("description", "")),
        task=required(sections, "project", "task", str),
        target=required(sections, "project", "target", str),
        time_column=required(sections, "project", "time_column", str),
        data_limits=_data_limits(sections),
        holdout_days=required(sections, "data", "holdout_days", int),
        seed=required(sections, "training", "seed", int),
        hyperparameters=tuple(sorted(_hyperparameter(key, value) for key, value in hyperparameters.items())),
        training_instance_type=required(sections, "training", "instance_type", str),
        max_runtime_seconds=60 * required(sections, "training", "max_runtime_minutes", int),
        gate=_gate(sections),
        contract_version=contract_version,
    )


def read(project: str, *, projects: Path = PROJECTS) -> DefinitionInputs:
    """Read the inputs of one project from its folder.

    Raises:
        DefinitionInputError: when the folder, a file or a value is missing.
    """
    return parse(read_sections(project, projects=projects), contract_version=contract_version(projects / project))


def read_sections(project: str, *, projects: Path = PROJECTS) -> Mapping[str, object]:
    """Read the ``project.toml`` of one project.

    Raises:
        DefinitionInputError: when the name is none, there is no such file, or it is no TOML.
    """
    if not _NAME.fullmatch(project):
        raise DefinitionInputError(
            f"project {project!r} is no project name: use 2 to 24 lower-case letters and digits, a letter first"
        )
    settings = projects / project / "project.toml"
    if not settings.is_file():
        raise DefinitionInputError(f"project {project!r} has no settings: {settings} does not exist")
    try:
        return tomllib.loads(settings.read_text("utf-8"))
    except ValueError as error:  # no TOML, no text, or a number of more digits than Python reads
        raise DefinitionInputError(f"{settings}: {error}") from None


def contract_version(folder: Path) -> str:
    """Return the version in a project's ``contract.json``.

    Raises:
        DefinitionInputError: when the file is missing or is no contract.
    """
    path = folder / "contract.json"
    if not path.is_file():
        raise DefinitionInputError(f"{path} does not exist: every project needs a contract")
    try:
        return contracts.parse(path.read_text("utf-8")).version
    except (UnicodeDecodeError, contracts.ContractError) as error:
        raise DefinitionInputError(f"{path}: {error}") from None


def as_text(value: object) -> str:
    """Write a setting the way SageMaker carries it: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def joined(key: str, entries: Iterable[Mapping[str, object]], *, keys: Sequence[str]) -> str:
    """Write the guards or slices of a gate as one text, ``none`` when there are none.

    Raises:
        DefinitionInputError: when a key of an entry is missing, or the text is longer than a job's argument may be.
    """
    texts = []
    for entry in entries:
        missing = [name for name in keys if name not in entry]
        if missing:
            raise DefinitionInputError(f"project.toml: an entry of gate.{key} has no {missing[0]}")
        texts.append(":".join(as_text(entry[name]) for name in keys))
    text = ",".join(texts) or NONE
    if len(text) > LONGEST_ARGUMENT:
        raise DefinitionInputError(
            f"project.toml: gate.{key} is {len(text)} characters long when written as {text[:40]}..., and SageMaker "
            f"takes {LONGEST_ARGUMENT}: name fewer {key}"
        )
    return text


def _data_limits(sections: Mapping[str, object]) -> str:
    """Read the limits of the validation; what is not written has its default."""
    given = _section(sections, "data")
    values = {}
    for name, default in asdict(Limits()).items():
        value = given.get(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise DefinitionInputError(f"project.toml: data.{name} is {value!r}, expected a number")
        values[name] = type(default)(value)
    return Limits(**values).as_text()


def _gate(sections: Mapping[str, object]) -> GateInputs:
    """Read the gate; what is not written has the default of the schema (``stacks.settings.model``)."""
    gate = _section(sections, "gate")
    return GateInputs(
        metric=required(sections, "gate", "metric", str),
        direction=required(sections, "gate", "direction", str),
        margin=_share(sections, "margin", 0.01),
        alpha=_share(sections, "alpha", 0.01),
        min_improvement_over_naive=_share(sections, "min_improvement_over_naive", 0.10),
        cluster=required(sections, "gate", "cluster", str) if "cluster" in gate else "day",
        min_clusters=required(sections, "gate", "min_clusters", int) if "min_clusters" in gate else 7,
        guards=joined("guards", _tables(gate, "guards"), keys=GUARD_KEYS),
        slices=joined("slices", _tables(gate, "slices"), keys=SLICE_KEYS),
    )


def _share(sections: Mapping[str, object], key: str, default: float) -> float:
    value = _section(sections, "gate").get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise DefinitionInputError(f"project.toml: gate.{key} is {value!r}, expected a number")
    return float(value)


def _tables(gate: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    entries = gate.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise DefinitionInputError(f"project.toml: gate.{key} is {entries!r}, expected [[gate.{key}]] tables")
    return entries


def _hyperparameter(key: str, value: object) -> tuple[str, str]:
    text = as_text(value)
    if not _RECORDABLE.fullmatch(text):
        raise DefinitionInputError(
            f"project.toml: training.hyperparameters.{key} is {text!r}: every model version carries it in its record, "
            "which takes 1 to 256 letters, digits, spaces and _ . : / = + - @ (CustomerMetadataProperties)"
        )
    return key, text


def _section(mapping: Mapping[str, object], key: str, *, parent: str = "") -> Mapping[str, object]:
    found = mapping.get(key)
    if not isinstance(found, Mapping):
        raise DefinitionInputError(f"project.toml: section [{parent}{key}] is missing")
    return found


def required(sections: Mapping[str, object], section: str, key: str, kind: type[_T]) -> _T:
    """Return one value of a section.

    Raises:
        DefinitionInputError: it is missing or has the wrong type; names the key.
    """
    found = _section(sections, section).get(key)
    if not isinstance(found, kind) or isinstance(found, bool):
        raise DefinitionInputError(f"project.toml: {section}.{key} is {found!r}, expected {kind.__name__}")
    return found
