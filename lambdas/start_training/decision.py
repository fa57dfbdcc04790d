"""What to do with a wish for training: a pure function of the ledger's state, the data and the rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdas.shared import clock
from lambdas.shared.records import Deployment, TrainedSnapshot, TrainingState
from lambdas.shared.snapshot import Snapshot
from lambdas.start_training.events import Request
from lambdas.start_training.window import LAYOUT, MOST_VERSIONS, CutOff, Listing, Window

_DAY = timedelta(days=1)
_DEPLOYMENT_LOOK = timedelta(seconds=15)
"""How often a waiting wish looks whether the deployment has ended."""
_DEPLOYMENT_PATIENCE = timedelta(hours=2)
"""A deployment that is open for longer is stuck, and its alarms say so; training goes on against what is live."""
_REASON_LIMIT = 800
"""Characters kept of a merged reason: enough to read, far below the size limit of a ledger item."""


@dataclass(frozen=True)
class Rules:
    """How often a run may start."""

    cooldown: timedelta
    max_runs_per_day: int


@dataclass(frozen=True)
class Wish:
    """All requests that wait, as one."""

    reason: str
    trigger: str
    requires_new_data: bool


@dataclass(frozen=True)
class Start:
    """Start a run."""


@dataclass(frozen=True)
class NothingNew:
    """The data is what the last run was trained on."""

    reason: str


@dataclass(frozen=True)
class Refuse:
    """The data cannot be trained on as it lies there."""

    reason: str
    action: str


@dataclass(frozen=True)
class Defer:
    """Allowed, but not before ``until``."""

    until: datetime
    reason: str
    over_budget: bool


Decision = Start | NothingNew | Refuse | Defer


def combine(state: TrainingState, requests: Sequence[Request]) -> Wish | None:
    """Merge what already waits in the ledger with new requests; ``None`` when nobody wants anything."""
    asked = [request for request in requests if not request.wake_up]
    if not asked and not state.dirty:
        return None
    waiting = [state.dirty_reason] if state.dirty and state.dirty_reason else []
    strict = [request for request in asked if not request.requires_new_data]
    triggers = [state.dirty_trigger] if state.dirty and state.dirty_trigger else []
    triggers += [request.trigger for request in (strict or asked)]
    return Wish(
        reason=_summary([*waiting, *_reasons(asked)]),
        trigger=triggers[-1] if strict else triggers[0],
        requires_new_data=not strict and (state.dirty_requires_new_data or not state.dirty),
    )


def decide(
    state: TrainingState,
    wish: Wish,
    *,
    listing: Listing,
    window: Window,
    rules: Rules,
    trained: TrainedSnapshot | None,
    deploying: Deployment | None,
) -> Decision:
    """Decide, with no run in flight, what becomes of a wish.

    ``trained`` is the earlier run on the same snapshot, ``deploying`` the deployment whose outcome is still unknown:
    until it is known, nobody can say which champion the next challenger has to beat.
    """
    where = f"s3://{window.bucket}/{window.prefix}"
    if listing.cut_off is not None:
        return _too_many(listing.cut_off, listing.snapshot, window=window, where=where)
    if not listing.snapshot.objects:
        return Refuse(
            f"there is no data: no object {where}{LAYOUT} exists",
            "upload the first period of data; its event starts the training.",
        )
    if wish.requires_new_data and trained is not None:
        known = f"run {trained.run_id} was already trained on snapshot {trained.snapshot_id[:12]}"
        return NothingNew(f"{known} (asked: {wish.reason})")
    if deploying is not None and clock.now() < deploying.requested_at + _DEPLOYMENT_PATIENCE:
        waits = f"version {deploying.version} is being deployed and may be the next champion (asked: {wish.reason})"
        return Defer(clock.now() + _DEPLOYMENT_LOOK, waits, over_budget=False)
    return _when(state, wish, rules)


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


def _when(state: TrainingState, wish: Wish, rules: Rules) -> Start | Defer:
    now = clock.now()
    recent = recent_starts(state)
    if len(recent) >= rules.max_runs_per_day:
        until = recent[-rules.max_runs_per_day] + _DAY
        spent = f"max_runs_per_day={rules.max_runs_per_day} is used up until {clock.iso(until)}"
        return Defer(until, f"{spent} (asked: {wish.reason})", over_budget=True)
    if state.last_started_at is not None and state.last_started_at + rules.cooldown > now:
        until = state.last_started_at + rules.cooldown
        cooling = f"cooldown after the run of {clock.iso(state.last_started_at)} ends at {clock.iso(until)}"
        return Defer(until, f"{cooling} (asked: {wish.reason})", over_budget=False)
    return Start()


def recent_starts(state: TrainingState) -> tuple[datetime, ...]:
    """Return the starts of the last 24 hours, oldest first."""
    since = clock.now() - _DAY
    return tuple(start for start in state.recent_starts if start > since)


def _reasons(requests: Sequence[Request]) -> list[str]:
    data = [request for request in requests if request.object_version is not None]
    others = list(dict.fromkeys(f"{each.trigger}: {each.reason}" for each in requests if not each.object_version))
    if not data:
        return others
    more = f" and {len(data) - 1} more" if len(data) > 1 else ""
    return [f"{data[0].reason}{more}", *others]


def _summary(reasons: Sequence[str]) -> str:
    text = "; ".join(dict.fromkeys(reasons)) or "not stated"
    return text if len(text) <= _REASON_LIMIT else text[: _REASON_LIMIT - 3] + "..."
