"""Rules between the keys of a rollout, the endpoint's fleet and what SageMaker's deployment guardrails accept.

AWS pages: "Use canary traffic shifting", "Use linear traffic shifting" (a step is at most half of the fleet) and
"BlueGreenUpdatePolicy" (the longest execution time has to cover all waiting).
"""

from collections.abc import Callable, Iterator
from typing import Final

from stacks.settings.messages import Problem, as_toml
from stacks.settings.model import Rollout
from stacks.settings.resolved import Settings

ALARM_MINUTES: Final = 3
"""Minutes that a rollback alarm looks at."""
_START_SECONDS: Final = 600
"""What instances and containers of the new fleet may take to start."""
_WHOLE: Final = 100


def broken(settings: Settings, *, key: Callable[[str], str]) -> Iterator[Problem]:
    """Problems of the rollout; ``key`` tells where in the file a value of the section stands."""
    yield from _steps(settings, key)
    yield from _baking(settings, key)
    yield from _time(settings.rollout, key)


def waiting_seconds(rollout: Rollout) -> int:
    """How long an update without any problem waits in all."""
    steps = {"canary": 2, "linear": -(-_WHOLE // rollout.step_percent), "all_at_once": 1}[rollout.strategy]
    return steps * rollout.bake_seconds + rollout.termination_wait_seconds


def _steps(settings: Settings, key: Callable[[str], str]) -> Iterator[Problem]:
    rollout, instances = settings.rollout, settings.serving.instance_count
    if rollout.strategy == "all_at_once" or rollout.step_percent * instances >= _WHOLE:
        return
    if instances == 1:
        yield Problem(
            key("strategy"),
            as_toml(rollout.strategy),
            '"all_at_once", because serving.instance_count is 1 and a step of a canary is at most half of the fleet; '
            "or serving.instance_count = 2",
        )
    else:
        yield Problem(
            key("step_percent"),
            as_toml(rollout.step_percent),
            f"at least {-(-_WHOLE // instances)}, one of the {instances} instances of serving.instance_count",
        )


def _baking(settings: Settings, key: Callable[[str], str]) -> Iterator[Problem]:
    least = ALARM_MINUTES * 60
    if settings.deployment.retain and settings.rollout.bake_seconds < least:
        yield Problem(
            key("bake_seconds"),
            as_toml(settings.rollout.bake_seconds),
            f"at least {least} where retain is true: the rollback alarms look at {ALARM_MINUTES} minutes",
        )


def _time(rollout: Rollout, key: Callable[[str], str]) -> Iterator[Problem]:
    least = -(-(waiting_seconds(rollout) + _START_SECONDS) // 60)
    if rollout.max_minutes < least:
        yield Problem(
            key("max_minutes"),
            as_toml(rollout.max_minutes),
            f"at least {least}: {waiting_seconds(rollout)} seconds of baking and waiting, and "
            f"{_START_SECONDS // 60} minutes for the new fleet to start",
        )
