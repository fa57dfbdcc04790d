"""Runs schedules: one seed says everything, from the settings to the last fault."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from lambdas.shared import clients as handler_clients
from lambdas.shared import clock as handler_clock
from lambdas.shared import telemetry
from lambdas.start_training import core
from tests.faults.support.clients import clients
from tests.faults.support.faults import Faults, Weather
from tests.faults.support.invariants import Final
from tests.faults.support.people import People
from tests.faults.support.world import BrokenError, Settings, World

_SHOWN = 400


@dataclass(frozen=True)
class Played:
    """One schedule that came to its end."""

    seed: int
    world: World
    people: People
    problems: tuple[str, ...]

    @property
    def story(self) -> str:
        """What happened, for people."""
        lines = self.world.trace if os.environ.get("TANDEM_FAULT_SEED") else self.world.trace[-_SHOWN:]
        return "\n".join([*lines, "", f"seed {self.seed}, {self.world.settings}", *self.problems, replay(self.seed)])


def replay(seed: int) -> str:
    """How to see a schedule again."""
    return f"replay it: make faults SEED={seed}"


def settings_of(seed: int) -> Settings:
    """Draw the settings of a schedule: from fair weather, in which only the order is unusual, to storm."""
    random = Random(f"settings {seed}")  # noqa: S311 - a seed has to say everything
    return Settings(
        faults=random.choice([0, 0.01, 0.03, 0.08]),
        duplicates=random.choice([0, 0.1, 0.4]),
        lateness=random.choice([(2,), (2, 2, 60), (1, 1, 30, 300, 3000), (1,) * 30 + (20_000,)]),
        mixing=random.choice([0, 0.2, 0.8]),
        approval=random.choice(["Approved", "Approved", "Approved", "PendingManualApproval"]),
        new_data=random.choice(["always", "always", "first"]),
        cooldown_seconds=random.choice([0, 0, 1200]),
        max_runs_per_day=random.choice([100] * 9 + [3]),
        settle_seconds=random.choice([0, 60]),
        ill_executions=random.choice([0, 0, 0, 0, 0, 0.3]),
        undelivered=random.choice([0, 0, 0, 0, 0.05]),
    )


def play(
    seed: int, *, settings: Settings | None = None, faults: Faults | None = None, actions: int | None = None
) -> Played:
    """Let one schedule happen and look at what it leaves."""
    world = World(f"schedule {seed}", settings or settings_of(seed), faults=faults)
    core._snapshot_versions.cache_clear()  # of another world, whose names are the same
    with _entered(world):
        people = People(world)
        people.plan(world.random.randint(2, 10) if actions is None else actions)
        if isinstance(world.faults, Weather):
            world.later(5 * 3600, lambda: _clear_up(world))
        try:
            world.run()
            problems = tuple(Final(world, people).problems())
        except BrokenError as broken:
            problems = (str(broken),)
        finally:
            world.stop()
    return Played(seed, world, people, problems)


def _clear_up(world: World) -> None:
    world.say("no more faults")
    world.faults = Weather(world.random, 0)


@contextmanager
def _entered(world: World) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handler_clock, "now", world.clock.now)
        patch.setattr(handler_clients, "_client", clients().__getitem__)
        # On Lambda every invocation has a process to itself; here they share one, and their counters would mix.
        patch.setattr(telemetry.metrics.provider, "flush_metrics", _nothing)
        patch.setattr(telemetry.metrics, "add_metric", _nothing)
        for name, value in world.variables().items():
            patch.setenv(name, value)
        yield


def _nothing(*_: Any, **__: Any) -> None:
    """Count nothing."""
