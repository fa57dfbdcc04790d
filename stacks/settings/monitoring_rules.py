"""Rules between the monitor's keys, and between them, the contract and CloudWatch's limits."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from pipelines import inputs, monitoring_inputs
from stacks.settings.contract import contract_inputs
from stacks.settings.messages import Problem, as_toml, did_you_mean
from stacks.settings.model import Monitoring
from stacks.settings.resolved import Settings
from stacks.settings.schedule import longest_pause
from stacks.settings.types import Window

CAPTURE_DAYS: Final = 90
"""How long captured requests are kept; the monitor can only read what is still there."""
GROUND_TRUTH: Final = "ground-truth/"
"""Where labels arrive in the data bucket."""

WINDOW_LENGTH: Final[dict[Window, timedelta]] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_LOOKS_BACK: Final = timedelta(days=7)
"""A CloudWatch alarm with periods of an hour or more (API reference, PutMetricAlarm, Period)."""


def broken(settings: Settings, *, key: Callable[[str], str]) -> Iterator[Problem]:
    """Problems of the monitor; ``key`` tells where in the file a value of the section stands."""
    yield from _alarms(settings.monitoring, key)
    yield from _reach(settings.monitoring, key)
    yield from _pause(settings, key)
    yield from _ignored(settings, key)
    yield from _labels(settings)
    if settings.monitoring.instance_count > 1 and settings.monitoring.engine != "spark":
        yield Problem(
            key("instance_count"),
            as_toml(settings.monitoring.instance_count),
            '1, because only monitoring.engine "spark" shares the work between instances',
        )


def periods_without_a_run(monitoring: Monitoring) -> int | None:
    """Return how many windows without a judged one mean that the monitor has stopped.

    At its oldest, just before the next one comes, the newest judged window has ended a pause of the schedule, the
    grace, a window and a run ago. ``None`` when CloudWatch cannot look back that far.
    """
    window = WINDOW_LENGTH[monitoring.window]
    periods = -(-(longest_pause(monitoring.schedule) + _delay(monitoring)) // window)
    return periods if periods * window <= _LOOKS_BACK else None


def _delay(monitoring: Monitoring) -> timedelta:
    late = timedelta(minutes=monitoring.grace_minutes + monitoring.max_runtime_minutes)
    return WINDOW_LENGTH[monitoring.window] + late


def _alarms(monitoring: Monitoring, key: Callable[[str], str]) -> Iterator[Problem]:
    most = _LOOKS_BACK // WINDOW_LENGTH[monitoring.window]
    if monitoring.alarm_of > most:
        yield Problem(
            key("alarm_of"),
            as_toml(monitoring.alarm_of),
            f"at most {most}, because a CloudWatch alarm looks back 7 days and monitoring.window is "
            f'"{monitoring.window}"',
        )
    if monitoring.alarm_windows > monitoring.alarm_of:
        yield Problem(
            key("alarm_windows"),
            as_toml(monitoring.alarm_windows),
            f"at most monitoring.alarm_of ({monitoring.alarm_of}), the windows among which they are counted",
        )


def _reach(monitoring: Monitoring, key: Callable[[str], str]) -> Iterator[Problem]:
    most = timedelta(days=CAPTURE_DAYS) // WINDOW_LENGTH[monitoring.window] - monitoring.span
    if monitoring.label_windows > most:
        yield Problem(
            key("label_windows"),
            as_toml(monitoring.label_windows),
            f"at most {most}, because captured requests are kept for {CAPTURE_DAYS} days and monitoring.span is "
            f"{monitoring.span}",
        )


def _pause(settings: Settings, key: Callable[[str], str]) -> Iterator[Problem]:
    """Where state is kept, somebody relies on the monitor: it may not stop without an alarm."""
    monitoring = settings.monitoring
    if settings.deployment.retain and periods_without_a_run(monitoring) is None:
        most = (_LOOKS_BACK - _delay(monitoring)) // timedelta(hours=1)
        yield Problem(
            key("schedule"),
            as_toml(monitoring.schedule),
            f"a run every {most} hours at least where retain is true, because a CloudWatch alarm looks back 7 days and "
            "nobody would hear that the monitor has stopped",
        )


def _ignored(settings: Settings, key: Callable[[str], str]) -> Iterator[Problem]:
    ignored, types = settings.monitoring.ignore, contract_inputs(settings)
    known = None if types is None else list(types)
    for number, name in enumerate(ignored):
        if name in ignored[:number]:
            yield Problem(f"{key('ignore')}.{number}", as_toml(name), "every input once")
        elif known is not None and name not in known:
            yield Problem(
                f"{key('ignore')}.{number}",
                as_toml(name),
                "inputs of contract.json: " + ", ".join(known),
                hint=did_you_mean(name, known),
            )
    try:
        monitoring_inputs.parse(settings.model_dump(include={"project", "gate", "monitoring"}))
    except inputs.DefinitionInputError as error:
        yield Problem(key("ignore"), f"{len(ignored)} entries", f"fewer entries or shorter names ({error})")


def _labels(settings: Settings) -> Iterator[Problem]:
    prefix = settings.data.prefix
    if prefix.startswith(GROUND_TRUTH):
        yield Problem(
            "data.prefix",
            as_toml(prefix),
            f'a prefix other than "{GROUND_TRUTH}", where the labels of live traffic arrive',
        )
