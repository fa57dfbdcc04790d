"""What a monitoring pipeline's definition is made from: sections of ``project.toml``. Standard library only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, cast

from pipelines import inputs
from pipelines.inputs import DefinitionInputError
from pipelines.steps.drift.limits import Limits

Engine = Literal["arrow", "spark"]
_ENGINES = ("arrow", "spark")


@dataclass(frozen=True)
class MonitoringInputs:
    """Every setting that shapes a monitoring pipeline's definition.

    Attributes:
        project: folder name below ``pipelines/projects``.
        engine: counts the windows; the one value that no environment may change, for it decides about steps.
        metric: the project's primary metric.
        limits: windows and limits, as one text.
        ignored: inputs that are counted and never judged, as one text.
        instance_type: of the jobs.
        instance_count: of the job that counts, with engine ``spark``.
        max_runtime_seconds: hard limit of each job.
    """

    project: str
    engine: Engine
    metric: str
    limits: str
    ignored: str
    instance_type: str
    instance_count: int
    max_runtime_seconds: int

    def parameter_defaults(self) -> dict[str, str | int]:
        """Return the defaults of the pipeline parameters that come from the settings."""
        defaults: dict[str, str | int] = {
            "Metric": self.metric,
            "MonitoringLimits": self.limits,
            "IgnoredInputs": self.ignored,
            "InstanceType": self.instance_type,
            "MaxRuntimeSeconds": self.max_runtime_seconds,
        }
        return defaults | ({"InstanceCount": self.instance_count} if self.engine == "spark" else {})


def parse(sections: Mapping[str, object]) -> MonitoringInputs:
    """Pick the values from the sections of a ``project.toml`` (or of resolved settings).

    Raises:
        DefinitionInputError: when one is missing or has the wrong type; names the key.
    """
    given = sections.get("monitoring", {})
    if not isinstance(given, Mapping):
        raise DefinitionInputError(f"project.toml: monitoring is {given!r}, expected a table")
    engine = given.get("engine", "arrow")
    if engine not in _ENGINES:
        raise DefinitionInputError(f"project.toml: monitoring.engine is {engine!r}, expected {' or '.join(_ENGINES)}")
    limits = _limits(given)
    return MonitoringInputs(
        project=inputs.required(sections, "project", "name", str),
        engine=cast("Engine", engine),
        metric=inputs.required(sections, "gate", "metric", str),
        limits=limits.as_text(),
        ignored=_short("monitoring.ignore", limits.ignored_as_text()),
        instance_type=str(given.get("instance_type", "ml.m5.xlarge")),
        instance_count=_number(given, "instance_count", 1),
        max_runtime_seconds=60 * _number(given, "max_runtime_minutes", 60),
    )


def read(project: str, *, projects: Path = inputs.PROJECTS) -> MonitoringInputs:
    """Read the inputs of one project from its folder.

    Raises:
        DefinitionInputError: when the folder, a file or a value is missing.
    """
    return parse(inputs.read_sections(project, projects=projects))


def _limits(given: Mapping[str, object]) -> Limits:
    """Read the limits; what is not written has its default."""
    values: dict[str, object] = {}
    for name, default in asdict(Limits()).items():
        value = given.get(name, list(default) if name == "ignore" else default)
        if name == "ignore":
            values[name] = tuple(cast("list[str]", value))
            continue
        fits = isinstance(value, str) if isinstance(default, str) else _is_number(value)
        if not fits:
            raise DefinitionInputError(
                f"project.toml: monitoring.{name} is {value!r}, expected something like {default!r}"
            )
        values[name] = type(default)(value)
    return Limits(**values)  # type: ignore[arg-type]  # each has the type of its default


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(given: Mapping[str, object], key: str, default: int) -> int:
    value = given.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DefinitionInputError(f"project.toml: monitoring.{key} is {value!r}, expected int")
    return value


def _short(key: str, text: str) -> str:
    if len(text) > inputs.LONGEST_ARGUMENT:
        raise DefinitionInputError(
            f"project.toml: {key} is {len(text)} characters long when written as {text[:40]}..., and SageMaker takes "
            f"{inputs.LONGEST_ARGUMENT}: name fewer inputs"
        )
    return text
