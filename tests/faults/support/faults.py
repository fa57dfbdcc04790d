"""How one AWS call can go wrong, and which calls do."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol

from tests.faults.support.invocation import Invocation


class Fault(StrEnum):
    """What the function's side of one call sees, after the SDK has given up retrying."""

    FAILED_BEFORE = "failed before AWS did anything"
    FAILED_AFTER = "failed after AWS had done it"
    TIMED_OUT = "timed out; AWS does it later"
    THROTTLED = "throttled"
    SENT_TWICE = "answer lost, sent again by the SDK"
    KILLED_BEFORE = "process ended before AWS did anything"
    KILLED_AFTER = "process ended after AWS had done it"
    CONTENDED = "transaction in conflict with another one"

    @property
    def has_effect(self) -> bool:
        """Whether AWS carries the call out before the function learns of the fault."""
        return self in {Fault.FAILED_AFTER, Fault.SENT_TWICE, Fault.KILLED_AFTER}


class Faults(Protocol):
    """Says which calls go wrong."""

    def of(self, invocation: Invocation, operation: str) -> Fault | None:
        """What happens to the call that the invocation is about to make."""


def possible(operation: str) -> list[Fault]:
    """Faults that an operation can meet."""
    return [each for each in Fault if each is not Fault.CONTENDED or operation == "TransactWriteItems"]


@dataclass
class Weather:
    """Each call goes wrong with the same probability, until it clears up."""

    random: Random
    share: float

    def of(self, invocation: Invocation, operation: str) -> Fault | None:
        """Draw, whoever calls."""
        del invocation
        if self.share == 0 or self.random.random() >= self.share:
            return None
        return self.random.choice(possible(operation))


@dataclass
class OneFault:
    """One call of one function goes wrong: the ``index``-th that it makes, counted over all its invocations."""

    function: str
    index: int
    fault: Fault
    made: int = 0
    met: str | None = None
    """The operation that met the fault."""

    def of(self, invocation: Invocation, operation: str) -> Fault | None:
        """Count, and strike once."""
        if invocation.function != self.function:
            return None
        self.made += 1
        if self.made - 1 != self.index:
            return None
        self.met = operation
        return self.fault if self.fault in possible(operation) else None
