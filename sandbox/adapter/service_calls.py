"""What AWS's services do with a role of their user and the emulator does by itself: asked for, and refused as on AWS.

AWS pages: "Configuring permissions for an Amazon SQS event source mapping" (Lambda polls with the function's role),
"Sending Lambda function logs to CloudWatch Logs" (so it writes logs), and "How to use SageMaker AI execution roles"
(images are pulled with the role of the job or of the model).
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.adapter import internals
from sandbox.adapter.call_record import CallRecord, Demand
from sandbox.adapter.settings import ACCOUNT, REGION

_log = logging.getLogger(__name__)
_LAMBDA = "lambda.amazonaws.com"
_SAGEMAKER = "sagemaker.amazonaws.com"
_POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_PULLING = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


class RefusedError(Exception):
    """A role lacks a permission that a service needs of it; the message names role, action and resource."""


def _trusting_services(evaluate: Callable[..., bool]) -> Callable[..., bool]:
    """The evaluation of trust policies, for services that act as the account does here.

    For which source a service takes on a role is in no request of this account: EventBridge Scheduler looks at it by
    itself, and the emulator's other services act for the resource that names the role.
    """

    def evaluate_trust_policy(trust_doc: Any, caller_arn: str, ctx: Any = None) -> bool:
        document = json.loads(trust_doc) if isinstance(trust_doc, str) else trust_doc
        if caller_arn.endswith(":root") and isinstance(document, Mapping):
            statements = document.get("Statement", [])
            many = statements if isinstance(statements, list) else [statements]
            document = {**document, "Statement": [_without_source(statement) for statement in many]}
        return evaluate(document, caller_arn, ctx)

    return evaluate_trust_policy


def _without_source(statement: Mapping[str, Any]) -> dict[str, Any]:
    is_service = isinstance(statement.get("Principal"), Mapping) and "Service" in statement["Principal"]
    return {key: value for key, value in statement.items() if not (is_service and key == "Condition")}


class ServiceCalls:
    """Asks for what services need of a role before they act for it."""

    def __init__(self, record: CallRecord) -> None:
        self._record = record

    def install(self) -> None:
        """Let Lambda poll queues and write logs with the rights of the function's role only."""
        internals.EVALUATE_TRUST.replace(_trusting_services(internals.EVALUATE_TRUST.get()))
        concurrency, emit = internals.MAPPING_CONCURRENCY.get(), internals.EMIT_LOGS.get()

        def concurrency_of_a_permitted_mapping(
            esm: Mapping[str, Any], func_rec: Any, config: Mapping[str, Any], queue: Any = None
        ) -> int:
            demands = [Demand(action, esm["EventSourceArn"], {}, _LAMBDA) for action in _POLLING]
            return 0 if self._refused(config["Role"], *demands) else int(concurrency(esm, func_rec, config, queue))

        def emit_lambda_logs(
            func: Mapping[str, Any],
            request_id: str,
            log_text: str,
            error: bool,  # noqa: FBT001 - the emulator's own signature
            duration_ms: int,
            **options: Any,
        ) -> None:
            config = func.get("config") or func
            group = config.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
            arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
            demands = (
                # CloudWatch Logs names a group as all of its streams when it asks who may create one.
                Demand("logs:CreateLogStream", f"{arn}:log-stream:", {}, _LAMBDA),
                Demand("logs:PutLogEvents", f"{arn}:log-stream:{config.get('Version', '$LATEST')}", {}, _LAMBDA),
            )
            if not self._refused(config["Role"], *demands):
                emit(func, request_id, log_text, error, duration_ms, **options)

        internals.MAPPING_CONCURRENCY.replace(concurrency_of_a_permitted_mapping)
        internals.EMIT_LOGS.replace(emit_lambda_logs)

    def pull(self, role_arn: str, image: str) -> None:
        """Pull an image of a registry with the rights of a role.

        Raises:
            RefusedError: when the role may not.
        """
        registry, _, name = image.partition("/")
        account, region = registry.split(".")[0], registry.split(".")[3]
        repository = f"arn:aws:ecr:{region}:{account}:repository/{name.partition(':')[0].partition('@')[0]}"
        demands = [Demand("ecr:GetAuthorizationToken", "*", {}, _SAGEMAKER)]
        demands += [Demand(action, repository, {}, _SAGEMAKER) for action in _PULLING]
        if refused := self._refused(role_arn, *demands):
            raise RefusedError(f"the role {role_arn} may not {refused.action} on {refused.resource}")

    def _refused(self, role_arn: str, *demands: Demand) -> Demand | None:
        """The first demand that the role does not meet; None when it meets all."""
        for demand in demands:
            if self._record.refusal(role_arn, demand) is not None:
                _log.warning("%s may not %s on %s", role_arn, demand.action, demand.resource)
                return demand
        return None
