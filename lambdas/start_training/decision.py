"""What to do with a wish for training: a pure function of the ledger's state, the data and the rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdas.shared import clock
from lambdas.shared.records import Deployment, LiveModel, TrainedSnapshot, TrainingState
from lambdas.shared.snapshot import Snapshot, SnapshotObject
from lambdas.start_training.window import LAYOUT, MOST_VERSIONS, CutOff, Listing, Window
from lambdas.start_training.wishes import Wish

_DAY = timedelta(days=1)
_DEPLOYMENT_LOOK = timedelta(seconds=15)
"""How often a waiting wish looks whether the deployment has ended."""
_DEPLOYMENT_PATIENCE = timedelta(hours=2)
"""A deployment that is open for longer is stuck, and its alarms say so; training goes on against what is live."""


@dataclass(frozen=True)
class Rules:
    """How often a run may start, and whether new data is reason enough (else it waits for an alarm)."""

    cooldown: timedelta
    max_runs_per_day: int
    data_is_a_reason: bool = True


@dataclass(frozen=True)
class Facts:
    """What is known when the decision is taken, with no run in flight.

    Attributes:
        listing: what lies in the window.
        window: where that is.
        trained: the earlier run on the same snapshot, unless it failed.
        fresh: what no run that ended with a verdict has read; None when that is not known or nobody asked for it.
        deploying: the deployment whose outcome is still unknown: until it is known, nobody can say which champion the
            next challenger has to beat.
        live: what serves.
    """

    listing: Listing
    window: Window
    trained: TrainedSnapshot | None = None
    fresh: Sequence[SnapshotObject] | None = None
    deploying: Deployment | None = None
    live: LiveModel | None = None


@dataclass(frozen=True)
class Start:
    """Start a run."""


@dataclass(frozen=True)
class NothingNew:
    """The data is what the last run was trained on."""

    reason: str


@dataclass(frozen=True)
class NoNewData:
    """The same, and alarms ask for a run: people have to know that nothing can be done about them."""

    reason: str


@dataclass(frozen=True)
class Waits:
    """There is new data up to ``period``, and no reason yet to train on it."""

    reason: str
    period: str


@dataclass(frozen=True)
class Refuse:
    """The data cannot be trained on as it lies there."""

    reason: str
    action: str


@dataclass(frozen=True)
class Defer:
    """Allowed, but not before ``until``. ``cause`` stays the same as long as it is the same waiting."""

    until: datetime
    reason: str
    cause: str
    over_budget: bool = False


Decision = Start | NothingNew | NoNewData | Waits | Refuse | Defer


def decide(state: TrainingState, wish: Wish, facts: Facts, rules: Rules) -> Decision:
    """Decide, with no run in flight, what becomes of a wish."""
    return (
        _by_listing(facts)
        or _by_novelty(wish, facts)
        or _by_reason(wish, facts, rules)
        or _by_deployment(wish, facts)
        or _by_rate(state, wish, rules)
        or Start()
    )


def _by_listing(facts: Facts) -> Refuse | None:
    listing, window = facts.listing, facts.window
    where = f"s3://{window.bucket}/{window.prefix}"
    if listing.cut_off is not None:
        return _too_many(listing.cut_off, listing.snapshot, window=window, where=where)
    if not listing.snapshot.objects:
        return Refuse(
            f"there is no data: no object {where}{LAYOUT} exists",
            "upload the first period of data; its event starts the training.",
        )
    return None


def _by_novelty(wish: Wish, facts: Facts) -> NothingNew | NoNewData | None:
    if not wish.requires_new_data:
        return None
    if facts.trained is not None:
        known = f"run {facts.trained.run_id} was already trained on snapshot {facts.trained.snapshot_id[:12]}"
    elif wish.asked is None and facts.fresh is not None and not facts.fresh:
        known = "the last run that was judged has read everything that lies there"
    else:
        return None
    if any(alarm.asks for alarm in wish.alarms):
        return NoNewData(f"{wish.reason}; no new data up to {facts.listing.snapshot.periods[-1]}: {known}")
    return NothingNew(f"{known} (asked: {wish.reason})")


def _by_reason(wish: Wish, facts: Facts, rules: Rules) -> Waits | None:
    if rules.data_is_a_reason or facts.live is None or not wish.is_only_data:
        return None
    waits = f"version {facts.live.version} is live and no alarm is on: new data waits for one (asked: {wish.reason})"
    return Waits(waits, facts.listing.snapshot.periods[-1])


def _by_deployment(wish: Wish, facts: Facts) -> Defer | None:
    deploying = facts.deploying
    if deploying is None or clock.now() >= deploying.requested_at + _DEPLOYMENT_PATIENCE:
        return None
    version = f"version {deploying.version} is being deployed"
    return Defer(
        clock.now() + _DEPLOYMENT_LOOK,
        f"{version} and may be the next champion (asked: {wish.reason})",
        cause=f"{version}, requested at {clock.iso(deploying.requested_at)}",
    )


def _by_rate(state: TrainingState, wish: Wish, rules: Rules) -> Defer | None:
    now = clock.now()
    recent = recent_starts(state)
    if len(recent) >= rules.max_runs_per_day:
        until = recent[-rules.max_runs_per_day] + _DAY
        spent = f"max_runs_per_day={rules.max_runs_per_day} is used up until {clock.iso(until)}"
        return Defer(until, f"{spent} (asked: {wish.reason})", cause=spent, over_budget=True)
    if state.last_started_at is not None and state.last_started_at + rules.cooldown > now:
        until = state.last_started_at + rules.cooldown
        cooling = f"cooldown after the run of {clock.iso(state.last_started_at)} ends at {clock.iso(until)}"
        return Defer(until, f"{cooling} (asked: {wish.reason})", cause=cooling)
    return None


def _too_many(cut_off: CutOff, counted: Snapshot, *, window: Window, where: str) -> Refuse:
    newest = f"the newest {window.periods} periods under {where}"
    if cut_off is CutOff.VERSIONS:
        return Refuse(
            f"{newest} hold more than {MOST_VERSIONS} object versions, former ones included "
            f"({len(counted.objects)} current objects were among them)",
            "delete former versions that no model on record was trained on (python -m ops lineage VERSION), write "
            "fewer, larger Parquet objects per period, or shorten [data] window_periods in project.toml and deploy.",
        )
    first, last = counted.periods[0], counted.periods[-1]
    return Refuse(
        f"{newest} hold more than max_objects={window.max_objects} objects "
        f"(counting stopped between {first} and {last})",
        "write fewer, larger Parquet objects per period, shorten [data] window_periods, or raise [data] "
        "max_objects in project.toml (at most 100000) and deploy.",
    )


def recent_starts(state: TrainingState) -> tuple[datetime, ...]:
    """Return the starts of the last 24 hours, oldest first."""
    since = clock.now() - _DAY
    return tuple(start for start in state.recent_starts if start > since)
