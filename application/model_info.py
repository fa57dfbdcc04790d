"""What is live, and whether the application can work."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from application.contract import Contract
from application.live_version import LiveVersion
from application.problems import NO_MODEL_YET, UNREADABLE, ProblemError
from lambdas.shared import clock
from lambdas.shared.telemetry import logger


def contract_in_use(contract: Contract) -> dict[str, str]:
    """Return which contract the application speaks."""
    return {"name": contract.name, "version": contract.version}


def model(live: LiveVersion, contract: Contract) -> dict[str, Any]:
    """Return the body of ``GET /model``.

    Raises:
        ProblemError: nothing is live yet, or what is on record cannot be read.
    """
    try:
        facts = live.facts()
    except (ClientError, BotoCoreError) as error:
        logger.warning("facts of the live version", error=type(error).__name__)
        raise ProblemError(
            UNREADABLE, "The record of the live model cannot be read at the moment.", headers={"Retry-After": "5"}
        ) from error
    if facts is None:
        raise ProblemError(
            NO_MODEL_YET,
            "No model is live yet: the first approved model will be.",
            headers={"Retry-After": "60"},
        )
    run = facts.run
    return {
        "version": facts.live.version,
        "since": clock.iso(facts.live.since),
        "by": facts.live.by,
        "reason": facts.deployment.reason if facts.deployment else None,
        "run_id": facts.live.run_id,
        "snapshot_id": run.snapshot_id if run else None,
        "commit": run.parameters.get("CodeVersion") if run else None,
        "metrics": facts.evaluation.metrics,
        "contract": contract_in_use(contract),
    }


def health(live: LiveVersion, contract: Contract, *, code_version: str) -> dict[str, Any]:
    """Return the body of ``GET /health``; a ledger that cannot be read stops no prediction, so it is no failure."""
    try:
        model_live = live.live() is not None
    except (ClientError, BotoCoreError) as error:
        logger.warning("health", error=type(error).__name__)
        model_live = None
    return {
        "status": "degraded" if model_live is None else "ok",
        "code_version": code_version,
        "contract": contract_in_use(contract),
        "model_live": model_live,
    }
