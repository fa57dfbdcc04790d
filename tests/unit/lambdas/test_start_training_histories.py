"""Histories of drops, alarms, ends and wake-ups in any order, with repeated and late messages: what always holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.shared.records import RunStatus
from lambdas.start_training.events import KINDS, AlarmChange, Request
from tests.unit.lambdas.support.quick_stage import DAY, QuickStage

NINE = datetime(2013, 3, 1, 9, tzinfo=UTC)
FEW_KINDS = st.sampled_from(["drift", "quality"])
STEPS = st.lists(
    st.one_of(
        st.just(("drop",)),
        st.tuples(st.just("alarm"), FEW_KINDS, st.integers(0, 20), st.booleans()),
        st.tuples(st.just("end"), st.sampled_from(["Succeeded", "Succeeded", "Failed"])),
        st.just(("wake",)),
        st.tuples(st.just("again"), st.integers(0, 50)),
        st.tuples(st.just("pass"), st.sampled_from([1, 20, 90])),
    ),
    min_size=4,
    max_size=16,
)


@dataclass(frozen=True)
class World:
    """The settings of one history."""

    new_data: str
    cooldown_minutes: int
    max_runs: int
    live: bool


WORLDS = st.builds(
    World,
    new_data=st.sampled_from(["always", "first"]),
    cooldown_minutes=st.sampled_from([0, 60]),
    max_runs=st.sampled_from([2, 100]),
    live=st.booleans(),
)


class History:
    """Plays the steps, and knows which alarms are on by an account of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, world: World) -> None:
        self.stage = QuickStage(
            monkeypatch,
            NEW_DATA=world.new_data,
            COOLDOWN_SECONDS=str(world.cooldown_minutes * 60),
            MAX_RUNS_PER_DAY=str(world.max_runs),
        )
        self.world = world
        self.sent: list[Request | AlarmChange] = []
        self.newest: dict[str, tuple[datetime, bool]] = {}
        if world.live:
            self.stage.go_live()

    @property
    def on(self) -> set[str]:
        """Alarms that are on according to their newest event."""
        return {kind for kind, (_, on) in self.newest.items() if on}

    def play(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("drop",):
                self._send(self.stage.drop())
            case ("alarm", kind, minute, on):
                self._send(self.stage.alarm(kind, NINE + timedelta(minutes=minute), on=on))
            case ("again", index) if self.sent:
                self._deliver(self.sent[index % len(self.sent)])
            case ("end", status):
                self.stage.end_run(status)
            case ("wake",):
                self._deliver(*self.stage.wake_ups())
            case ("pass", minutes):
                self.stage.clock.advance(minutes=minutes)

    def _send(self, message: Request | AlarmChange) -> None:
        self.sent.append(message)
        self._deliver(message)

    def _deliver(self, *messages: Request | AlarmChange) -> None:
        self.stage.clock.advance(seconds=1)
        for each in messages:
            if isinstance(each, AlarmChange):
                self.newest[each.kind] = max(self.newest.get(each.kind, (each.at, each.on)), (each.at, each.on))
        before = len(self.stage.runs)
        self.stage.deliver(*messages)
        for run in self.stage.runs[before:]:
            assert run.trigger in (self.on or {"data"})
            if self.world.live and self.world.new_data == "first":
                assert run.trigger in KINDS


@pytest.fixture(name="patch")
def _patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def assert_consistent(history: History) -> None:
    stage, world = history.stage, history.world
    runs, state = stage.runs, stage.state
    assert [run.run_id for run in runs if run.status.is_open] == ([state.run_id] if state.run_id else [])
    assert {kind: (alarm.at, alarm.on) for kind, alarm in state.alarms.items()} == history.newest
    starts = [run.started_at for run in runs]
    for earlier, later in pairwise(starts):
        assert later - earlier >= timedelta(minutes=world.cooldown_minutes)
    for first, last in zip(starts, starts[world.max_runs :], strict=False):
        assert last - first >= DAY
    done = [run.snapshot_id for run in runs if run.status is not RunStatus.FAILED]
    assert len(done) == len(set(done)), "no money is spent twice on the same data"


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=WORLDS, steps=STEPS)
def test_no_history_of_events_trains_twice_forgets_a_wish_or_leaves_a_wrong_alarm(
    patch: pytest.MonkeyPatch, world: World, steps: list[tuple[Any, ...]]
) -> None:
    history = History(patch, world)
    for step in steps:
        history.play(step)
        assert_consistent(history)
    stage = history.stage
    stage.drain()
    assert_consistent(history)
    assert not stage.state.waits
    onsets = {each.at for each in history.sent if isinstance(each, AlarmChange) and each.on}
    assert stage.told("but no new data") <= len(onsets)
    data_may_wait = world.live and world.new_data == "first" and not history.on
    if stage.objects and not data_may_wait:
        newest = stage.runs[-1]
        manifest = stage.manifests[f"snapshots/{newest.snapshot_id}.json"]
        assert stage.objects[-1].key.encode() in manifest, "the newest data has got its run"
