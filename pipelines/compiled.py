"""Committed pipeline definitions: read them, refuse stale ones, fill in what the deployment knows.

Standard library only: the stacks import this at synth, where the SageMaker SDK must not be imported.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pipelines import inputs, libraries, monitoring_inputs

Kind = Literal["training", "monitoring"]
KINDS: tuple[Kind, ...] = ("training", "monitoring")

_EVERYWHERE = frozenset(
    {
        "__ARTIFACTS_BUCKET__",
        "__CODE_BUCKET__",
        "__CODE_KEY__",
        "__IMAGE_URI__",
        "__KMS_KEY__",
        "arn:aws:iam::000000000000:role/__PIPELINE_ROLE__",
    }
)
PLACEHOLDERS: Mapping[Kind, frozenset[str]] = {
    "training": _EVERYWHERE | {"__MODEL_PACKAGE_GROUP__"},
    "monitoring": _EVERYWHERE
    | {"__DATA_BUCKET__", "__ENDPOINT_NAME__", "__ENVIRONMENT__"}
    | {"__SPARK_IMAGE_URI__", "__WHEEL_BUCKET__", "__WHEEL_KEY__"},
}
"""What may stand in a definition. Only engine ``spark`` has an image and a wheel of its own."""

DEFINITION_HASH = "__DEFINITION_HASH__"
"""Replaced by :meth:`CompiledDefinition.render` itself: the record of a model version names the definition."""

_SHARED_SOURCES = ("pipelines/jobs.py", "pipelines/libraries.py", "pipelines/compile.py", "pipelines/inputs.py")
_SOURCES: Mapping[Kind, tuple[str, ...]] = {
    "training": ("pipelines/training.py", "pipelines/parameters.py", "pipelines/manifest.py", *_SHARED_SOURCES),
    "monitoring": (
        "pipelines/monitoring.py",
        "pipelines/monitoring_inputs.py",
        "pipelines/steps/drift/limits.py",
        *_SHARED_SOURCES,
    ),
}


class StaleDefinitionError(RuntimeError):
    """A committed definition is missing or no longer matches its sources."""


class PlaceholderError(ValueError):
    """A definition was rendered with a replacement too few or too many."""


@dataclass(frozen=True)
class CompiledDefinition:
    """One committed, verified pipeline definition.

    Attributes:
        project: the project it belongs to.
        kind: which of its pipelines.
        text: the committed JSON with its placeholders.
    """

    project: str
    kind: Kind
    text: str

    @property
    def hash(self) -> str:
        """SHA-256 of the committed file."""
        return _sha256(self.text.encode())

    @property
    def placeholders(self) -> frozenset[str]:
        """What :meth:`render` wants replaced."""
        return frozenset(placeholder for placeholder in PLACEHOLDERS[self.kind] if placeholder in self.text)

    def render(
        self, replacements: Mapping[str, str], *, parameter_defaults: Mapping[str, str | int] | None = None
    ) -> dict[str, Any]:
        """Return the definition with its placeholders replaced, ready for ``CfnPipeline``.

        Args:
            replacements: placeholder to text (a CDK token is text too); every one that the definition holds.
            parameter_defaults: defaults of an environment that overrides its project's settings, see
                :meth:`pipelines.inputs.DefinitionInputs.parameter_defaults`.

        Raises:
            PlaceholderError: when a placeholder has no replacement, a replacement no placeholder, or a default no
                parameter.
        """
        missing, unknown = self.placeholders - set(replacements), set(replacements) - PLACEHOLDERS[self.kind]
        if missing or unknown:
            raise PlaceholderError(
                f"{self.kind} pipeline of {self.project}: missing replacements {sorted(missing)}, "
                f"unknown {sorted(unknown)}"
            )
        filled = {**replacements, DEFINITION_HASH: self.hash}
        definition: dict[str, Any] = _replace(json.loads(self.text), filled)
        parameters = {parameter["Name"]: parameter for parameter in definition["Parameters"]}
        for name, value in (parameter_defaults or {}).items():
            if name not in parameters:
                raise PlaceholderError(
                    f"{self.kind} pipeline of {self.project} has no parameter {name!r}; it has {sorted(parameters)}. "
                    "An environment may change the value of a hyperparameter, and add or remove none"
                )
            parameters[name]["DefaultValue"] = value
        return definition


def projects(*, folder: Path = inputs.PROJECTS) -> list[str]:
    """Return the names of all projects, sorted: the folders that hold a ``project.toml``."""
    return sorted(path.parent.name for path in folder.glob("*/project.toml"))


def definition_path(project: str, kind: Kind = "training", *, projects: Path = inputs.PROJECTS) -> Path:
    """Where a definition of a project is committed."""
    return projects / project / f"{kind}.pipeline.json"


def lock_path(project: str, kind: Kind = "training", *, projects: Path = inputs.PROJECTS) -> Path:
    """Where the hashes of a definition's sources are committed."""
    return projects / project / f"{kind}.pipeline.lock.json"


def load(project: str, kind: Kind = "training", *, projects: Path = inputs.PROJECTS) -> CompiledDefinition:
    """Read a committed definition of a project, after checking that it matches its sources.

    Raises:
        StaleDefinitionError: when it is missing, edited by hand, or older than its sources; names the command to run.
        pipelines.inputs.DefinitionInputError: when the project's settings cannot be read.
    """
    path, lock = definition_path(project, kind, projects=projects), lock_path(project, kind, projects=projects)
    command = f"run `make compile` (python -m pipelines.compile {project}) and review the diff"
    if not (path.is_file() and lock.is_file()):
        raise StaleDefinitionError(f"{path} is missing or has no lock beside it: {command}")
    text = path.read_text("utf-8")
    recorded = json.loads(lock.read_text("utf-8"))
    current = json.loads(make_lock(project, kind, definition=text, projects=projects))
    if recorded != current:
        changed = sorted(key for key in current.keys() | recorded.keys() if current.get(key) != recorded.get(key))
        raise StaleDefinitionError(f"{path} is stale, changed since it was compiled: {', '.join(changed)}; {command}")
    return CompiledDefinition(project=project, kind=kind, text=text)


def make_lock(project: str, kind: Kind = "training", *, definition: str, projects: Path = inputs.PROJECTS) -> str:
    """Return the lock of a definition: one hash per source, so that a stale file can say what changed."""
    sources = {source: _sha256((inputs.ROOT / source).read_bytes()) for source in _SOURCES[kind]}
    read = inputs.read if kind == "training" else monitoring_inputs.read
    values = asdict(read(project, projects=projects))
    lock = sources | {
        "project.toml": _sha256(json.dumps(values, sort_keys=True).encode()),
        "sagemaker": libraries.pinned("sagemaker"),
        "libraries": _sha256(json.dumps(libraries.recorded(), sort_keys=True).encode()),
        f"{kind}.pipeline.json": _sha256(definition.encode()),
    }
    return json.dumps(lock, indent=2, sort_keys=True) + "\n"


def _replace(value: Any, replacements: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replace(item, replacements) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace(item, replacements) for item in value]
    if isinstance(value, str):
        for placeholder, replacement in replacements.items():
            value = value.replace(placeholder, replacement)
    return value


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
