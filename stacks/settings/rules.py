"""Rules between keys, checked per environment after its differences have been applied."""

from collections.abc import Iterator

from stacks.regions import region_table
from stacks.settings import application_rules, gate_rules, monitoring_rules, rollout_rules
from stacks.settings.messages import Problem, as_toml, did_you_mean
from stacks.settings.model import ProjectFile
from stacks.settings.resolved import Settings
from stacks.settings.types import METRICS


def broken_rules(settings: Settings, *, written: ProjectFile) -> Iterator[Problem]:
    """Problems of one environment; ``written`` tells where in the file a value came from."""
    yield from _project_rules(settings)
    yield from _gate_rules(settings, written)
    yield from gate_rules.broken(settings, key=lambda name: _key(settings, written, "gate", name))
    yield from monitoring_rules.broken(settings, key=lambda name: _key(settings, written, "monitoring", name))
    yield from rollout_rules.broken(settings, key=lambda name: _key(settings, written, "rollout", name))
    yield from application_rules.broken(settings, key=lambda name: _key(settings, written, "application", name))
    yield from _data_rules(settings, written)
    yield from _hyperparameter_rules(settings, written)
    yield from _place_rules(settings)


def _key(settings: Settings, written: ProjectFile, section: str, key: str) -> str:
    """The dotted key where the effective value stands in the file."""
    override = getattr(written.environments[settings.deployment.environment], section)
    if override is not None and key in override.model_fields_set:
        return f"environments.{settings.deployment.environment}.{section}.{key}"
    return f"{section}.{key}"


def _project_rules(settings: Settings) -> Iterator[Problem]:
    project = settings.project
    if project.name != settings.folder.name:
        yield Problem("project.name", as_toml(project.name), f'the name of its folder, "{settings.folder.name}"')
    if project.target == project.time_column:
        yield Problem(
            "project.target", as_toml(project.target), "a column other than project.time_column, which splits the data"
        )


def _gate_rules(settings: Settings, written: ProjectFile) -> Iterator[Problem]:
    task, gate = settings.project.task, settings.gate
    rule = METRICS[gate.metric]
    if rule.task != task:
        fitting = ", ".join(as_toml(name) for name, other in METRICS.items() if other.task == task)
        yield Problem(
            _key(settings, written, "gate", "metric"),
            as_toml(gate.metric),
            f'a metric of the task "{task}": {fitting}',
        )
    elif rule.direction != gate.direction:
        yield Problem(
            _key(settings, written, "gate", "direction"),
            as_toml(gate.direction),
            f'"{rule.direction}", the better way of the metric "{gate.metric}"',
        )


def _data_rules(settings: Settings, written: ProjectFile) -> Iterator[Problem]:
    data = settings.data
    if data.max_objects < data.window_periods:
        yield Problem(
            _key(settings, written, "data", "max_objects"),
            as_toml(data.max_objects),
            f"at least data.window_periods ({data.window_periods}), because every period has an object",
        )


def _hyperparameter_rules(settings: Settings, written: ProjectFile) -> Iterator[Problem]:
    """One compiled pipeline serves every environment, so all of them have the same hyperparameters."""
    known = list(written.training.hyperparameters)
    for name, value in settings.training.hyperparameters.items():
        if name not in known:
            yield Problem(
                f"environments.{settings.deployment.environment}.training.hyperparameters.{name}",
                as_toml(value),
                ", ".join(known) or "none, because [training.hyperparameters] has none",
                kind="unknown key",
                hint=did_you_mean(name, known),
            )


def _place_rules(settings: Settings) -> Iterator[Problem]:
    place = settings.deployment
    table = f"environments.{place.environment}"
    if place.account is not None and place.region is None:
        yield Problem(f"{table}.region", None, "a region, because account is set", kind="missing")
    if place.region is not None and place.account is None:
        yield Problem(f"{table}.account", None, "an account id, because region is set", kind="missing")
    if place.region is not None and place.region not in region_table():
        known = sorted(region_table())
        yield Problem(
            f"{table}.region",
            as_toml(place.region),
            "a region with the XGBoost image and every resource type of the stacks: " + ", ".join(known),
            hint=did_you_mean(place.region, known),
        )
    for key in place.tags:
        if key.startswith("aws:"):
            yield Problem(f'{table}.tags."{key}"', as_toml(key), 'a tag key that does not start with "aws:"')
