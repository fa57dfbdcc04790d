"""Watches every AWS call of a handler and lets one of them fail: before it reaches AWS, or after AWS has done it."""

from dataclasses import dataclass, field
from typing import Any


class Crash(Exception):  # noqa: N818 - it is no error of the code under test
    """Stands for anything that ends an invocation at one call: a time-out, a lost connection, a killed process."""


@dataclass(frozen=True)
class Call:
    """One call that was made."""

    service: str
    operation: str
    parameters: dict[str, Any]


@dataclass
class Gate:
    """Records the calls; ``crash_at`` counts from 0."""

    calls: list[Call] = field(default_factory=list)
    crash_at: int | None = None
    crash_on: str | None = None
    moment: str = "before"
    crashed: bool = False

    def arm(self, index: int, moment: str) -> None:
        """Let the call with this index fail; ``moment`` is "before" or "after"."""
        self.calls.clear()
        self.crash_at, self.moment, self.crashed = index, moment, False

    def arm_operation(self, operation: str) -> None:
        """Let the first call of this operation fail before it reaches AWS."""
        self.calls.clear()
        self.crash_on, self.moment, self.crashed = operation, "before", False

    def disarm(self) -> None:
        """Let every further call pass."""
        self.crash_at = self.crash_on = None

    def watch(self, client: Any) -> None:
        """Attach to a client, in front of whatever answers its calls."""
        service = client.meta.service_model.service_name
        client.meta.events.register("provide-client-params", self._provide, unique_id=f"gate-provide-{service}")
        client.meta.events.register_first("before-call", self._before, unique_id=f"gate-before-{service}")
        client.meta.events.register_last("after-call", self._after, unique_id=f"gate-after-{service}")

    def made(self, operation: str) -> list[dict[str, Any]]:
        """Return the parameters of every call of one operation."""
        return [call.parameters for call in self.calls if call.operation == operation]

    def names(self) -> list[str]:
        """Return the operations in the order of the calls."""
        return [call.operation for call in self.calls]

    def _provide(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        self.calls.append(Call(service, model.name, params))

    def _before(self, **_: Any) -> None:
        self._crash("before")

    def _after(self, parsed: dict[str, Any], **_: Any) -> None:
        try:
            self._crash("after")
        except Crash:
            if "Body" in parsed:
                parsed["Body"].close()  # a process that ends closes its connections
            raise

    def _crash(self, moment: str) -> None:
        meant = self.crash_at == len(self.calls) - 1 or self.crash_on == self.calls[-1].operation
        if meant and not self.crashed and self.moment == moment:
            self.crashed = True
            raise Crash(f"{moment} call {self.crash_at}: {self.calls[-1].operation}")
