"""Everything that waits for training, as one wish: what drops and people ask for, and the alarms that are on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lambdas.shared.records import Alarm, TrainingState
from lambdas.shared.snapshot import SnapshotObject
from lambdas.start_training import alarms
from lambdas.start_training.events import DATA, Request

_REASON_LIMIT = 800
"""Characters kept of a merged reason: enough to read, far below the size limit of a ledger item."""


@dataclass(frozen=True)
class Asked:
    """What drops and people want, merged."""

    reason: str
    trigger: str
    requires_new_data: bool

    @property
    def is_only_data(self) -> bool:
        """Whether nothing but stored objects asks."""
        return self.trigger == DATA and self.requires_new_data


@dataclass(frozen=True)
class Wish:
    """Why a run is wanted: somebody asked, or alarms that are on ask, or both.

    Attributes:
        asked: what drops and people want; None when only alarms ask.
        alarms: those that are on, the strongest first.
        found: in words, the new data that alarms found waiting; a drop that asks names its own.
    """

    asked: Asked | None
    alarms: tuple[Alarm, ...] = ()
    found: str | None = None

    @property
    def trigger(self) -> str:
        """Who or what starts the run; a drop while an alarm is on only gives the alarm what it waited for."""
        if self.alarms and (self.asked is None or self.asked.is_only_data):
            return self.alarms[0].kind
        return self.asked.trigger if self.asked else DATA

    @property
    def requires_new_data(self) -> bool:
        """Whether unchanged data is of no use to anybody who asks."""
        return self.asked is None or self.asked.requires_new_data

    @property
    def is_only_data(self) -> bool:
        """Whether nothing asks but stored objects, and no alarm is on."""
        return self.asked is not None and self.asked.is_only_data and not self.alarms

    @property
    def reason(self) -> str:
        """Everything that asks, in words."""
        asked = [self.asked.reason] if self.asked else []
        on = alarms.words(self.alarms)
        people_first = self.asked is not None and not self.asked.is_only_data
        found = [self.found] if self.found else []
        return _summary([*asked, *on] if people_first else [*on, *asked, *found])

    def with_data(self, found: Sequence[SnapshotObject]) -> "Wish":
        """Return the wish of alarms that names the data they found."""
        if self.asked is not None or not found:
            return self
        first = min(found)
        return replace(self, found=f"new data: {first.key}{_and_more(len(found))}")


def combine(state: TrainingState, requests: Sequence[Request]) -> Wish | None:
    """Merge what waits in the ledger with new requests; ``None`` when nobody wants anything."""
    asked = _asked(state, requests)
    if asked is None and not any(alarm.asks for alarm in state.alarms.values()):
        return None
    return Wish(asked, alarms.on(state.alarms))


def remember(state: TrainingState, asked: Asked | None) -> TrainingState:
    """Return the state in which this waits for its turn."""
    if asked is None:
        return state
    return state.model_copy(
        update={
            "dirty": True,
            "dirty_reason": asked.reason,
            "dirty_trigger": asked.trigger,
            "dirty_requires_new_data": asked.requires_new_data,
        }
    )


def settled(state: TrainingState) -> TrainingState:
    """Return the state in which everybody has got an answer; alarms that are on go on waiting for new data."""
    return state.model_copy(
        update={
            "dirty": False,
            "dirty_reason": None,
            "dirty_trigger": None,
            "dirty_requires_new_data": True,
            "wake_up_at": None,
            "alarms": alarms.answered(state.alarms),
        }
    )


def _asked(state: TrainingState, requests: Sequence[Request]) -> Asked | None:
    new = [request for request in requests if not request.wake_up]
    if not new and not state.dirty:
        return None
    waiting = [state.dirty_reason] if state.dirty and state.dirty_reason else []
    strict = [request for request in new if not request.requires_new_data]
    triggers = [state.dirty_trigger] if state.dirty and state.dirty_trigger else []
    triggers += [request.trigger for request in (strict or new)]
    # A drop is the weakest of all reasons: whoever else asks says why.
    first = next((trigger for trigger in triggers if trigger != DATA), DATA)
    return Asked(
        reason=_summary([*waiting, *_reasons(new)]),
        trigger=triggers[-1] if strict else first,
        requires_new_data=not strict and (state.dirty_requires_new_data or not state.dirty),
    )


def _reasons(requests: Sequence[Request]) -> list[str]:
    data = [request for request in requests if request.object_version is not None]
    others = list(dict.fromkeys(f"{each.trigger}: {each.reason}" for each in requests if not each.object_version))
    return [f"{data[0].reason}{_and_more(len(data))}", *others] if data else others


def _and_more(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""


def _summary(reasons: Sequence[str]) -> str:
    text = "; ".join(dict.fromkeys(reasons)) or "not stated"
    return text if len(text) <= _REASON_LIMIT else text[: _REASON_LIMIT - 3] + "..."
