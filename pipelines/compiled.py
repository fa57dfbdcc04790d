"""Committed pipeline definitions: read them, refuse stale ones, fill in what the deployment knows.

Standard library only: the stacks import this at synth, where the SageMaker SDK must not be imported.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines import inputs, libraries

PLACEHOLDERS = frozenset(
    {
        "__ARTIFACTS_BUCKET__",
        "__CODE_BUCKET__",
        "__CODE_KEY__",
        "__IMAGE_URI__",
        "__KMS_KEY__",
        "__MODEL_PACKAGE_GROUP__",
        "arn:aws:iam::000000000000:role/__PIPELINE_ROLE__",
    }
)
"""What :meth:`CompiledDefinition.render` wants replaced."""

DEFINITION_HASH = "__DEFINITION_HASH__"
"""Replaced by :meth:`CompiledDefinition.render` itself: the record of a model version names the definition."""

_SOURCES = (
    "pipelines/training.py",
    "pipelines/parameters.py",
    "pipelines/manifest.py",
    "pipelines/libraries.py",
    "pipelines/compile.py",
    "pipelines/inputs.py",
)


class StaleDefinitionError(RuntimeError):
    """A committed definition is missing or no longer matches its sources."""


class PlaceholderError(ValueError):
    """A definition was rendered with a replacement too few or too many."""


@dataclass(frozen=True)
class CompiledDefinition:
    """One committed, verified pipeline definition.

    Attributes:
        project: the project it belongs to.
        text: the committed JSON with its placeholders.
    """

    project: str
    text: str

    @property
    def hash(self) -> str:
        """SHA-256 of the committed file."""
        return _sha256(self.text.encode())

    def render(
        self, replacements: Mapping[str, str], *, parameter_defaults: Mapping[str, str | int] | None = None
    ) -> dict[str, Any]:
        """Return the definition with its placeholders replaced, ready for ``CfnPipeline``.

        Args:
            replacements: placeholder to text (a CDK token is text too); every one of :data:`PLACEHOLDERS`.
            parameter_defaults: defaults of an environment that overrides its project's settings, see
                :meth:`pipelines.inputs.DefinitionInputs.parameter_defaults`.

        Raises:
            PlaceholderError: when a placeholder has no replacement, a replacement no placeholder, or a default no
                parameter.
        """
        if set(replacements) != PLACEHOLDERS:
            missing, unknown = PLACEHOLDERS - set(replacements), set(replacements) - PLACEHOLDERS
            raise PlaceholderError(
                f"definition of {self.project}: missing replacements {sorted(missing)}, unknown {sorted(unknown)}"
            )
        filled = {**replacements, DEFINITION_HASH: self.hash}
        definition: dict[str, Any] = _replace(json.loads(self.text), filled)
        parameters = {parameter["Name"]: parameter for parameter in definition["Parameters"]}
        for name, value in (parameter_defaults or {}).items():
            if name not in parameters:
                raise PlaceholderError(
                    f"definition of {self.project} has no parameter {name!r}; it has {sorted(parameters)}. "
                    "An environment may change the value of a hyperparameter, and add or remove none"
                )
            parameters[name]["DefaultValue"] = value
        return definition


def projects(*, folder: Path = inputs.PROJECTS) -> list[str]:
    """Return the names of all projects, sorted: the folders that hold a ``project.toml``."""
    return sorted(path.parent.name for path in folder.glob("*/project.toml"))


def definition_path(project: str, *, projects: Path = inputs.PROJECTS) -> Path:
    """Where the definition of a project is committed."""
    return projects / project / "training.pipeline.json"


def lock_path(project: str, *, projects: Path = inputs.PROJECTS) -> Path:
    """Where the hashes of a definition's sources are committed."""
    return projects / project / "training.pipeline.lock.json"


def load(project: str, *, projects: Path = inputs.PROJECTS) -> CompiledDefinition:
    """Read the committed definition of a project, after checking that it matches its sources.

    Raises:
        StaleDefinitionError: when it is missing, edited by hand, or older than its sources; names the command to run.
        pipelines.inputs.DefinitionInputError: when the project's settings cannot be read.
    """
    path, lock = definition_path(project, projects=projects), lock_path(project, projects=projects)
    command = f"run `make compile` (python -m pipelines.compile {project}) and review the diff"
    if not (path.is_file() and lock.is_file()):
        raise StaleDefinitionError(f"{path} is missing or has no lock beside it: {command}")
    text = path.read_text("utf-8")
    recorded = json.loads(lock.read_text("utf-8"))
    current = json.loads(make_lock(project, definition=text, projects=projects))
    if recorded != current:
        changed = sorted(key for key in current.keys() | recorded.keys() if current.get(key) != recorded.get(key))
        raise StaleDefinitionError(f"{path} is stale, changed since it was compiled: {', '.join(changed)}; {command}")
    return CompiledDefinition(project=project, text=text)


def make_lock(project: str, *, definition: str, projects: Path = inputs.PROJECTS) -> str:
    """Return the lock of a definition: one hash per source, so that a stale file can say what changed."""
    sources = {source: _sha256((inputs.ROOT / source).read_bytes()) for source in _SOURCES}
    values = asdict(inputs.read(project, projects=projects))
    lock = sources | {
        "project.toml": _sha256(json.dumps(values, sort_keys=True).encode()),
        "sagemaker": libraries.pinned("sagemaker"),
        "libraries": _sha256(json.dumps(libraries.recorded(), sort_keys=True).encode()),
        "training.pipeline.json": _sha256(definition.encode()),
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
