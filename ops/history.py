"""What happened, newest first: runs, deployments and requests that were not served, each with reason and outcome."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lambdas.shared.records import Decision, Deployment, Run
from ops.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the history.

    Attributes:
        at: when it was asked for or started.
        kind: ``run``, ``deployment`` or ``decision``.
        name: run id, endpoint configuration, or what a decision is about (else the handler that decided).
        version: the model version it is about.
        trigger: who or what asked: ``data``, the kind of an alarm (``drift``, ``quality``, ...), a person, an approval;
            None when an earlier release did not record it.
        reason: why, in words.
        outcome: what became of it; ``running`` while it is open.
        detail: a sentence on the outcome, or where to read on.
        ended_at: when the outcome was known.
        figures: metrics of a run.
    """

    at: datetime
    kind: str
    name: str
    version: int | None
    trigger: str | None
    reason: str
    outcome: str
    detail: str | None
    ended_at: datetime | None
    figures: dict[str, float]
    report_uri: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The same for machines; times in ISO 8601."""
        ended = self.ended_at.isoformat() if self.ended_at else None
        return {**asdict(self), "at": self.at.isoformat(), "ended_at": ended}


def read_history(stage: Stage, *, limit: int) -> list[Event]:
    """Return the newest events, newest first."""
    ledger = stage.ledger
    events = [
        *(_run(run) for run in ledger.runs(limit=limit)),
        *(_decision(decision) for decision in ledger.decisions(limit=limit)),
        *(_deployment(deployment) for deployment in ledger.deployments()),
    ]
    return list(_newest(events, limit))


def _newest(events: list[Event], limit: int) -> Iterator[Event]:
    yield from sorted(events, key=lambda event: event.at, reverse=True)[:limit]


def _run(run: Run) -> Event:
    return Event(
        at=run.started_at,
        kind="run",
        name=run.run_id,
        version=run.version,
        trigger=run.trigger,
        reason=run.reason,
        outcome=run.status.value,
        detail=run.failure or run.gate_reason,
        ended_at=run.ended_at,
        figures=run.metrics,
        report_uri=run.report_uri,
    )


def _decision(decision: Decision) -> Event:
    return Event(
        at=decision.at,
        kind="decision",
        name=decision.subject or decision.handler,
        version=None,
        trigger=decision.trigger,
        reason=decision.reason,
        outcome=decision.outcome,
        detail=None,
        ended_at=decision.at,
        figures={},
    )


def _deployment(deployment: Deployment) -> Event:
    return Event(
        at=deployment.requested_at,
        kind="deployment",
        name=deployment.endpoint_config,
        version=deployment.version,
        trigger=deployment.requested_by,
        reason=deployment.reason,
        outcome=deployment.status.value,
        detail=deployment.detail,
        ended_at=deployment.confirmed_at,
        figures={},
    )
