"""Every AWS call of the application goes wrong once, in every way, in the middle of its requests.

Whoever asks gets an answer whose effect is there, or a problem that docs/application.md and the OpenAPI document tell
of; or no answer at all, when the process ended. Asked again a minute later, everything is as if nothing had happened.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from http_api_call import Reply

from application import outcomes
from application.live_version import LiveVersion
from application.outcomes import Outcomes
from tests.faults.support.application import (
    DATA,
    FAR,
    RECORD,
    Application,
    Entry,
    documented,
    entered,
    without_ids,
)
from tests.faults.support.faults import Fault, OneFault, possible
from tests.faults.support.invocation import Invocation

CALLS = {
    "live": {"InvokeEndpoint", "GetItem", "GetObject", "PutObject"},
    "rollout": {"InvokeEndpoint", "GetItem", "GetObject", "PutObject"},
    "no model": {"InvokeEndpoint", "GetItem"},
    "endpoint lost": {"InvokeEndpoint", "GetItem", "GetObject"},
}
"""What is called, by situation: a version is live, another one answers, there is none yet, the endpoint is gone."""
SITUATIONS: dict[str, dict[str, int | None]] = {
    "live": {"live": 1, "answering": 1},
    "rollout": {"live": 1, "answering": 2},
    "no model": {"live": None, "answering": None},
    "endpoint lost": {"live": 1, "answering": None},
}
OUTCOMES = (611.5, 95.0)


@dataclass
class Census:
    """Lets everything pass and counts."""

    made: list[str] = field(default_factory=list)

    def of(self, invocation: Invocation, operation: str) -> None:
        del invocation
        self.made.append(operation)


Replies = dict[str, Reply | None]
"""By request; ``None`` when there was no answer."""


@dataclass
class Caller:
    """Sends the requests of a program that uses the application, and sends again what is not answered as it should be.

    Attributes:
        application: that is asked.
        fair: what is answered in fair weather; nothing is sent again as long as that is not known.
        first: what was answered at first.
        last: what was answered in the end.
        without_effect: outcomes that were taken and are not there.
    """

    application: Application
    fair: Replies = field(default_factory=dict)
    first: Replies = field(default_factory=dict)
    last: Replies = field(default_factory=dict)
    without_effect: list[str] = field(default_factory=list)

    def go_through(self) -> "Caller":
        """Look at the model, ask for a prediction, and tell what became of it twice, record by record."""
        self._ask("GET", "/model")
        predicted = self._ask("POST", "/predictions", {"records": [FAR, RECORD]})
        if predicted is not None and predicted.is_good:
            for each, outcome in zip(predicted.body["predictions"], OUTCOMES, strict=True):
                told = {"outcomes": [{"inference_id": each["inference_id"], "outcome": outcome}]}
                for time in ("once", "twice"):
                    taken = self._ask("POST", "/outcomes", told, about=f" of {outcome} {time}")
                    if taken is not None and taken.is_good and outcome not in self._labels():
                        self.without_effect.append(f"{outcome} {time}")
        self._ask("GET", "/health")
        return self

    def _labels(self) -> set[float | None]:
        return {label for row in self.application.labels().of.values() for label in row}

    def _ask(self, method: str, path: str, body: object = None, *, about: str = "") -> Reply | None:
        name = f"{method} {path}{about}"
        reply = self.first[name] = self.application.ask(method, path, body)
        if name in self.fair and not _is_same(reply, self.fair[name]):
            self.application.wait()
            reply = self.application.ask(method, path, body)
        self.last[name] = reply
        return reply


@pytest.fixture(scope="module")
def entry() -> Iterator[Entry]:
    with entered() as module:
        yield module


@pytest.fixture(scope="module")
def promised(entry: Entry) -> Any:
    """The OpenAPI document."""
    application = Application(entry, **SITUATIONS["live"], faults=Census())
    reply = application.ask("GET", "/openapi.json")
    assert reply is not None
    return reply.body["paths"]


def fair_weather(entry: Entry, situation: str) -> tuple[list[str], Replies]:
    """Which calls are made in a situation, and what is answered, when nothing goes wrong."""
    census = Census()
    answered = Caller(Application(entry, **SITUATIONS[situation], faults=census)).go_through().first
    return census.made, answered


def problems(entry: Entry, promised: Any, situation: str) -> Iterator[str]:
    """Everything that does not hold, whichever call goes wrong and however."""
    made, fair = fair_weather(entry, situation)
    for index, operation in enumerate(made):
        for fault in possible(operation):
            one = OneFault("application", index, fault)
            application = Application(entry, **SITUATIONS[situation], faults=one)
            caller = Caller(application, fair)
            try:
                caller.go_through()
            except Exception as error:  # noqa: BLE001 - a defect
                yield f"{situation}: call {index}, {operation} {fault}: {type(error).__name__}: {error}"
                continue
            assert one.met == operation, f"call {index} is {one.met}, not {operation}"
            for said in (*_odd(caller, fair, promised), *_left(application, fair)):
                yield f"{situation}: call {index}, {operation} {fault}: {said}"


def _odd(caller: Caller, fair: Replies, promised: Any) -> Iterator[str]:
    """What is wrong with the answers: of the first ones, and of those when everything was asked again."""
    for told in caller.without_effect:
        yield f"the outcomes are taken without an effect: {told}"
    if caller.last.keys() != fair.keys():
        yield f"there are answers to {sorted(caller.last)}, not to {sorted(fair)}"
    for name, reply in caller.first.items():
        if reply is not None and name in fair:
            yield from _undocumented(name, reply, promised)
            if _kind(reply) == "no-model-yet" != _kind(fair[name]):
                yield f"{name} answers that there is no model yet"
            if reply.is_good and not _is_as_good(name, reply, fair[name]):
                yield f"{name} answers {reply.body}"
    for name, reply in caller.last.items():
        if not _is_same(reply, fair.get(name)):
            yield f"{name} answers in the end {reply}"


def _undocumented(name: str, reply: Reply, promised: Any) -> Iterator[str]:
    method, path, *_ = name.split()
    if str(reply.status) not in promised[path][method.lower()]["responses"]:
        yield f"{name} answers {reply.status}, of which the OpenAPI document does not tell"
    if not reply.is_good:
        kind = _kind(reply)
        if (reply.status, kind) not in documented():
            yield f"{name} answers {reply.status} {kind}, of which docs/application.md does not tell"
        if kind in {"busy", "no-model-yet", "store-unavailable"} and "Retry-After" not in reply.headers:
            yield f"{name} answers {kind} and does not say when to ask again"


def _kind(reply: Reply | None) -> str | None:
    """Type of the problem that an answer tells of."""
    return None if reply is None or reply.is_good else reply.body["type"].rpartition(":")[2]


def _is_as_good(name: str, reply: Reply, fair: Reply | None) -> bool:
    """Whether a good answer is the one of fair weather, or lacks only what the documents say that it may lack."""
    if _is_same(reply, fair) or name.startswith("POST /outcomes"):
        return True
    if fair is None or not fair.is_good:
        return False
    if name == "POST /predictions":
        unwarned = [{**each, "warnings": []} for each in without_ids(fair.body["predictions"])]
        return without_ids(reply.body["predictions"]) == unwarned
    return name == "GET /health" and reply.body == {**fair.body, "status": "degraded", "model_live": None}


def _is_same(reply: Reply | None, fair: Reply | None) -> bool:
    if reply is None or fair is None:
        return reply is fair
    return (reply.status, _comparable(reply.body)) == (fair.status, _comparable(fair.body))


def _comparable(body: Any) -> Any:
    if "predictions" in body:
        return {**body, "predictions": without_ids(body["predictions"])}
    return {key: value for key, value in body.items() if key != "instance"}


def _left(application: Application, fair: Replies) -> Iterator[str]:
    """What is wrong with what is left: an outcome of each record of the request that the caller went on with."""
    application.wait()
    labels = application.labels()
    if labels.problems or labels.conflicting:
        yield f"the monitor cannot use what was told: {labels.problems} {labels.conflicting}"
    told = [OUTCOMES] if any(name.startswith("POST /outcomes") for name in fair) else []
    if list(labels.of.values()) != told:
        yield f"the outcomes are {labels.of}"
    joined = sorted(application.joined().live.target)
    if joined != sorted(outcome for row in told for outcome in row):
        yield f"joined are {joined}"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_whichever_call_fails_there_is_an_effect_or_a_documented_problem_and_asking_again_helps(
    entry: Entry, promised: Any, situation: str
) -> None:
    assert set(fair_weather(entry, situation)[0]) == CALLS[situation]
    found = list(problems(entry, promised, situation))
    assert not found, "\n".join(found)


def test_a_correction_counts_although_what_it_corrects_is_written_later(entry: Entry) -> None:
    """The first telling timed out, and AWS carries it out when the second has long been answered."""
    application = Application(entry, **SITUATIONS["live"], faults=OneFault("application", 0, Fault.TIMED_OUT))
    wrong, right = {"outcome": OUTCOMES[0]}, {"outcome": OUTCOMES[1]}
    request = {"inference_id": "request-0.0"}
    told = application.ask("POST", "/outcomes", {"outcomes": [request | wrong]})
    assert told is not None
    assert (told.status, application.labels().of) == (503, {})

    corrected = application.ask("POST", "/outcomes", {"outcomes": [request | right]})
    assert corrected is not None
    assert corrected.status == 202
    application.wait()

    assert len(application.buckets.current(DATA)) == 2
    assert application.labels().of == {"request-0": (OUTCOMES[1],)}


def swallowed(patch: pytest.MonkeyPatch) -> None:
    tell = Outcomes.tell

    def pretend(self: Outcomes, told: Any) -> int:
        try:
            return tell(self, told)
        except Exception:  # noqa: BLE001 - the weakening
            return len(told)

    patch.setattr(Outcomes, "tell", pretend)


def one_file_for_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outcomes, "clock", SimpleNamespace(now=lambda: datetime(2013, 3, 1, 10, tzinfo=UTC)))
    patch.setattr(outcomes, "hashlib", SimpleNamespace(sha256=lambda _: SimpleNamespace(hexdigest=lambda: "0" * 64)))


def a_warning_costs_the_prediction(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LiveVersion, "trained_range", lambda self, version, *, left: self._find(version, left=left))


def what_cannot_be_read_is_not_asked_for_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("application.live_version.KEPT_SECONDS", 10_000.0)


def no_model_although_one_is_live(patch: pytest.MonkeyPatch) -> None:
    live = LiveVersion.live

    def nothing(self: LiveVersion) -> Any:
        try:
            return live(self)
        except (ClientError, BotoCoreError):
            return None

    patch.setattr(LiveVersion, "live", nothing)


@pytest.mark.parametrize(
    ("weaken", "situation", "words"),
    [
        (swallowed, "live", "the outcomes are"),
        (one_file_for_all, "live", "the outcomes are"),
        (a_warning_costs_the_prediction, "live", "DefectError"),
        (what_cannot_be_read_is_not_asked_for_again, "live", "/predictions answers in the end"),
        (no_model_although_one_is_live, "endpoint lost", "that there is no model yet"),
    ],
)
def test_a_promise_of_the_application_that_is_broken_is_noticed(
    entry: Entry,
    promised: Any,
    monkeypatch: pytest.MonkeyPatch,
    weaken: Callable[[pytest.MonkeyPatch], None],
    situation: str,
    words: str,
) -> None:
    weaken(monkeypatch)
    assert any(words in each for each in problems(entry, promised, situation))
