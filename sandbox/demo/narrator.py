"""Turns what AWS reports into lines a person can follow."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.demo.wiring import Wiring

_SUBJECTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "Object Created": lambda d: f"{d['object']['key']} ({d['object'].get('size', 0) / 1e6:.1f} MB)",
    "SageMaker Model Building Pipeline Execution Status Change": lambda d: (
        f"training pipeline: {d['currentPipelineExecutionStatus']}"
    ),
    "SageMaker Model Building Pipeline Execution Step Status Change": lambda d: (
        f"step {d['stepName']}: {d['currentStepStatus']}"
    ),
    "SageMaker Model Package State Change": lambda d: (
        f"model package version {d['ModelPackageVersion']}: {d['ModelApprovalStatus']}"
    ),
    "SageMaker Endpoint State Change": lambda d: f"endpoint {d['EndpointName']}: {d['EndpointStatus']}",
}


@dataclass
class Narrator:
    """Tells events as they arrive; remembers all of them for the record on disk.

    Attributes:
        wiring: What is deployed, to say which function an event starts.
        say: Where a line goes.
    """

    wiring: Wiring
    say: Callable[[str], None]
    events: list[dict[str, Any]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _told: set[str] = field(default_factory=set)

    def hear(self, event: dict[str, Any]) -> None:
        """Record an event; tell it when it moves the loop, once, however often AWS sends it."""
        self.events.append(event)
        subject = _SUBJECTS.get(event["detail-type"])
        if subject is None:
            return
        functions = self.wiring.functions_for(event)
        if event["detail-type"] == "Object Created" and not functions:
            return
        text = subject(event["detail"])
        if text in self._told:
            return
        self._told.add(text)
        started = f"  [green]→ {', '.join(_short(name) for name in functions)}[/green]" if functions else ""
        self.say(f"[dim]{time.monotonic() - self.began:6.1f} s[/dim]  {text}{started}")


def _short(function: str) -> str:
    """The construct's own part of a generated function name: `StartTraining` of `…-StartTrainingHandler1A2B3C4D-…`."""
    for part in function.split("-"):
        for suffix in ("Handler", "Function"):
            if suffix in part:
                return part.partition(suffix)[0]
    return function
