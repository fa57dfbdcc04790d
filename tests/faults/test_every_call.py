"""Every AWS call of every function goes wrong once, in every way, in the middle of a loop that goes on around it.

In fair weather two schedules make nearly every kind of call: each of their calls is tried. Two longer ones make the
rest: of those, the first call of each further kind.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import pytest

from tests.faults.support.faults import Fault, OneFault, possible
from tests.faults.support.invocation import Invocation
from tests.faults.support.schedules import Played, play
from tests.faults.support.world import Settings

FUNCTIONS = ("start_training", "close_training", "deploy_model", "confirm_deployment")
SCENARIOS = ((39, 3), (7, 3))
"""Seed, and how many things people do."""
LONGER = ((13, 7), (37, 7))
WATCHED = ((2, 0), (0, 0))
"""In the first the execution hangs and does not even stop, in the second nobody hears of its end."""
WRITES = {
    "CreateEndpoint",
    "CreateEndpointConfig",
    "CreateModel",
    "DeleteEndpoint",
    "DeleteEndpointConfig",
    "DeleteModel",
    "Publish",
    "PutItem",
    "PutObject",
    "SendMessage",
    "StartPipelineExecution",
    "StopPipelineExecution",
    "TransactWriteItems",
    "UpdateEndpoint",
    "UpdateModelPackage",
}


@dataclass(frozen=True)
class Call:
    """A call of a schedule: the ``index``-th that the function makes."""

    seed: int
    actions: int
    function: str
    index: int
    operation: str
    ill: float

    def gone_wrong(self, fault: Fault) -> tuple[OneFault, Played]:
        """Play the schedule with this call failing."""
        one = OneFault(self.function, self.index, fault)
        return one, play(self.seed, settings=Settings(ill_executions=self.ill), faults=one, actions=self.actions)


@dataclass
class Census:
    """Lets everything pass and counts."""

    made: dict[str, list[str]] = field(default_factory=lambda: {function: [] for function in FUNCTIONS})

    def of(self, invocation: Invocation, operation: str) -> None:
        self.made[invocation.function].append(operation)


@cache
def calls(seed: int, actions: int, *, ill: float = 0) -> tuple[Call, ...]:
    census = Census()
    played = play(seed, settings=Settings(ill_executions=ill), faults=census, actions=actions)
    assert not played.problems, played.story
    return tuple(
        Call(seed, actions, function, index, operation, ill)
        for function, operations in census.made.items()
        for index, operation in enumerate(operations)
    )


def further() -> Iterator[Call]:
    """The first call of each kind that only the longer schedules make."""
    known = {(each.function, each.operation) for scenario in SCENARIOS for each in calls(*scenario)}
    for scenario in LONGER:
        for call in calls(*scenario):
            if (call.function, call.operation) not in known:
                known.add((call.function, call.operation))
                yield call


def assert_converges(call: Call) -> None:
    for fault in possible(call.operation):
        one, played = call.gone_wrong(fault)
        assert one.met == call.operation
        assert not played.problems, f"{played.story}\n{call}: {fault}"


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_whichever_call_fails_and_however_the_loop_converges(scenario: tuple[int, int], function: str) -> None:
    of_function = [each for each in calls(*scenario) if each.function == function]
    assert of_function, f"{scenario} does not need {function}: choose another schedule"
    for call in of_function:
        assert_converges(call)


def test_the_same_holds_for_calls_that_are_rarely_made() -> None:
    for call in further():
        assert_converges(call)


def test_the_same_holds_for_the_calls_of_the_watch() -> None:
    watched = [each for scenario in WATCHED for each in calls(*scenario, ill=1) if each.function == "close_training"]
    assert {"StopPipelineExecution", "Publish", "PutItem", "TransactWriteItems"} <= {each.operation for each in watched}
    for call in watched:
        assert_converges(call)


def test_the_schedules_make_every_call_that_changes_something() -> None:
    made = {each.operation for scenario in (*SCENARIOS, *LONGER) for each in calls(*scenario)}
    made |= {each.operation for scenario in WATCHED for each in calls(*scenario, ill=1)}
    assert made >= WRITES, f"choose other schedules, nobody calls {WRITES - made}"
