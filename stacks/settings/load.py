"""Finding, reading and selecting projects."""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from stacks.errors import SettingsError
from stacks.settings import contract, delivery_rules
from stacks.settings.messages import Problem, did_you_mean, problems_of
from stacks.settings.model import Environment, ProjectFile, Section
from stacks.settings.resolved import Deployment, ProjectSettings, Settings
from stacks.settings.rules import broken_rules

PROJECTS_FOLDER: Final = Path("pipelines", "projects")

S = TypeVar("S", bound=Section)


def load_projects(root: Path) -> tuple[ProjectSettings, ...]:
    """Read every ``pipelines/projects/*/project.toml`` below ``root``.

    Raises:
        SettingsError: there is no project, or one of the files cannot be used.
    """
    files = sorted((root / PROJECTS_FOLDER).glob("*/project.toml"))
    if not files:
        raise SettingsError(
            f"{PROJECTS_FOLDER.as_posix()}: no project found. Allowed: at least one folder with a project.toml."
        )
    return tuple(load_project(file, root=root) for file in files)


def load_project(file: Path, *, root: Path) -> ProjectSettings:
    """Read and check one ``project.toml``; ``root`` only shortens the path in messages.

    Raises:
        SettingsError: with one line per problem, each naming file, key, value and what is allowed; or for a contract
            beside it that is none.
    """
    shown = file.relative_to(root).as_posix()
    document = _read(file, shown=shown)
    try:
        written = ProjectFile.model_validate(document)
    except ValidationError as error:
        raise _refusal(shown, problems_of(error, document=document)) from None
    contract.check(file.parent, root=root)
    environments = tuple(
        _resolve(written, name=name, environment=environment, folder=file.parent)
        for name, environment in written.environments.items()
    )
    found = (problem for settings in environments for problem in broken_rules(settings, written=written))
    problems = {problem.key: problem for problem in (*found, *delivery_rules.broken(written))}
    if problems:
        raise _refusal(shown, problems.values())
    return ProjectSettings(name=written.project.name, environments=environments, delivery=written.delivery)


def select(
    projects: Sequence[ProjectSettings], *, project: str | None, environment: str | None
) -> tuple[Settings, ...]:
    """The stages to synthesize: all of them, or those that ``-c project=`` and ``-c environment=`` name.

    Raises:
        SettingsError: a name that no ``project.toml`` defines.
    """
    chosen = [candidate for candidate in projects if project in (None, candidate.name)]
    if not chosen:
        raise _unknown("project", str(project), [candidate.name for candidate in projects])
    settings = [one for candidate in chosen for one in candidate.environments]
    selected = tuple(one for one in settings if environment in (None, one.deployment.environment))
    if not selected:
        raise _unknown("environment", str(environment), list(dict.fromkeys(s.deployment.environment for s in settings)))
    return selected


def _read(file: Path, *, shown: str) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{shown}: TOML syntax error: {error}. Allowed: TOML 1.0.") from None
    except RecursionError:
        raise SettingsError(f"{shown}: nested too deeply. Allowed: the tables of docs/schema.") from None
    except UnicodeDecodeError as error:
        byte = f"0x{error.object[error.start]:02x} at offset {error.start}"
        raise SettingsError(f"{shown}: not a text file (given: byte {byte}). Allowed: TOML 1.0 in UTF-8.") from None
    except ValueError as error:  # a whole number of more digits than Python reads
        raise SettingsError(f"{shown}: a value cannot be read: {error}. Allowed: TOML 1.0.") from None


def _refusal(shown: str, problems: Iterable[Problem]) -> SettingsError:
    return SettingsError("\n".join(f"{shown}: {problem}" for problem in problems))


def _unknown(kind: str, given: str, known: list[str]) -> SettingsError:
    hint = did_you_mean(given, known)
    return SettingsError(f"-c {kind}={given}: unknown {kind}. Allowed: {', '.join(known)}. {hint}".rstrip())


def _resolve(written: ProjectFile, *, name: str, environment: Environment, folder: Path) -> Settings:
    delivery = written.delivery
    return Settings(
        folder=folder,
        project=written.project,
        data=_merged(written.data, environment.data),
        training=_merged(written.training, environment.training),
        gate=_merged(written.gate, environment.gate),
        retraining=_merged(written.retraining, environment.retraining),
        serving=_merged(written.serving, environment.serving),
        rollout=_merged(written.rollout, environment.rollout),
        monitoring=_merged(written.monitoring, environment.monitoring),
        application=_merged(written.application, environment.application),
        deployment=Deployment(
            environment=name,
            retain=environment.retain,
            notify=tuple(environment.notify),
            account=environment.account,
            region=environment.region,
            permissions_boundary=environment.permissions_boundary,
            network=environment.network,
            is_delivered=delivery is not None and name in (delivery.staging, delivery.production),
            delivery_account=None if delivery is None else delivery.account,
            tags=environment.tags,
        ),
    )


def _merged(base: S, override: Section | None) -> S:
    written = set() if override is None else override.model_fields_set
    differences = {key: getattr(override, key) for key in written}
    for key, value in differences.items():
        if isinstance(value, dict):
            differences[key] = getattr(base, key) | value
    return base.model_copy(update=differences)
