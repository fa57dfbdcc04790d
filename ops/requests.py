"""Requests that people send to the handlers' queues: the messages that docs/operating.md describes."""

import json
from collections.abc import Mapping

from ops.stage import Stage

REASON_LIMIT = 1000
"""Characters of a reason that the handlers take."""


def ask_for_training(stage: Stage, *, reason: str, by: str, requires_new_data: bool) -> str:
    """Ask for a training run; return the id of the message."""
    detail = {"reason": reason, "requested_by": by, "requires_new_data": requires_new_data}
    return _send(stage, stage.retrain_queue_url, "Retrain Requested", detail)


def ask_for_deployment(stage: Stage, *, package_arn: str, reason: str, by: str) -> str:
    """Ask for one version by name; return the id of the message."""
    detail = {"package_arn": package_arn, "reason": reason, "requested_by": by}
    return _send(stage, stage.deployment_queue_url, "Deployment Requested", detail)


def _send(stage: Stage, url: str, kind: str, detail: Mapping[str, object]) -> str:
    body = json.dumps({"source": "tandem", "detail-type": kind, "detail": detail})
    return stage.target.sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"]
