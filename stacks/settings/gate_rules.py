"""Rules between the gate's keys, and between them, the data and the contract."""

from collections.abc import Callable, Iterator
from typing import Final

from pipelines import inputs
from stacks.settings.contract import contract_inputs
from stacks.settings.messages import Problem, as_toml, did_you_mean
from stacks.settings.model import Gate
from stacks.settings.resolved import Settings
from stacks.settings.types import METRICS

_CLUSTERS_PER_DAY: Final = {"hour": 24.0, "day": 1.0, "week": 1 / 7}
_SLICED_BY: Final = ("string", "boolean", "integer")


def broken(settings: Settings, *, key: Callable[[str], str]) -> Iterator[Problem]:
    """Problems of the gate; ``key`` tells where in the file a value of the section stands."""
    yield from _window(settings, key)
    yield from _guards(settings, key)
    yield from _slices(settings, key)
    yield from _lengths(settings.gate, key)


def _window(settings: Settings, key: Callable[[str], str]) -> Iterator[Problem]:
    gate, days = settings.gate, settings.data.holdout_days
    most = int(days * _CLUSTERS_PER_DAY[gate.cluster])
    if gate.min_clusters > most:
        yield Problem(
            key("min_clusters"),
            as_toml(gate.min_clusters),
            f"at most {most}, the {gate.cluster}s that data.holdout_days ({days}) holds; hold out more days or allow "
            "fewer clusters",
        )


def _guards(settings: Settings, key: Callable[[str], str]) -> Iterator[Problem]:
    gate = settings.gate
    fitting = [name for name, rule in METRICS.items() if rule.task == settings.project.task and name != gate.metric]
    for number, guard in enumerate(gate.guards):
        named = [other.metric for other in gate.guards[:number]]
        if guard.metric not in fitting or guard.metric in named:
            yield Problem(
                f"{key('guards')}.{number}.metric",
                as_toml(guard.metric),
                f"once each, a metric of the task beside gate.metric: {', '.join(as_toml(name) for name in fitting)}",
            )


def _slices(settings: Settings, key: Callable[[str], str]) -> Iterator[Problem]:
    columns = _sliceable(settings)
    for number, one in enumerate(settings.gate.slices):
        where = f"{key('slices')}.{number}.column"
        if one.column in [other.column for other in settings.gate.slices[:number]]:
            yield Problem(where, as_toml(one.column), "every column once")
        elif columns is not None and one.column not in columns:
            yield Problem(
                where,
                as_toml(one.column),
                "a text, a boolean or a whole number among the inputs of contract.json: " + ", ".join(columns),
                hint=did_you_mean(one.column, columns),
            )


def _sliceable(settings: Settings) -> list[str] | None:
    """Columns of the contract with few values; ``None`` without a contract."""
    types = contract_inputs(settings)
    return None if types is None else [name for name, kind in types.items() if kind in _SLICED_BY]


def _lengths(gate: Gate, key: Callable[[str], str]) -> Iterator[Problem]:
    """Each list travels to the job as one argument, whose length SageMaker limits."""
    for name, entries, keys in (("guards", gate.guards, inputs.GUARD_KEYS), ("slices", gate.slices, inputs.SLICE_KEYS)):
        try:
            inputs.joined(name, [entry.model_dump() for entry in entries], keys=keys)
        except inputs.DefinitionInputError as error:
            yield Problem(key(name), f"{len(entries)} entries", f"fewer entries or shorter names ({error})")
