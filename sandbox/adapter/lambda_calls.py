"""What an invocation of a Lambda leaves behind in CloudWatch, and how an API of API Gateway calls a warm function.

AWS pages: "Types of metrics for Lambda functions" and "Metrics dimensions"; "Specification: Embedded metric format".
"""

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sandbox.adapter import internals
from sandbox.adapter.lambda_writing import Written, after_each_invocation
from sandbox.cloudwatch.gathering import Gatherer, Series, dimensions

_NAMESPACE = "AWS/Lambda"
_QUALIFIED_PARTS = 8
_LATEST = "$LATEST"


def publish_metrics(metrics: Gatherer) -> None:
    """Count every invocation, whoever asked for it, and take the metrics out of what the functions write.

    The emulator counts the calls of its own Invoke operation only, and none of an alias.
    """

    def count(written: Written) -> None:
        metrics.add_log(written.text)
        metrics.add(list(_counted(written)))

    def emit_lambda_metrics(function_name: str, duration_ms: float, **told: bool) -> None:
        del duration_ms
        if told.get("throttle"):
            metrics.add([(Series(_NAMESPACE, "Throttles", "Count", dimensions(FunctionName=function_name)), 1.0)])

    after_each_invocation(count)
    internals.EMIT_LAMBDA_METRICS.replace(emit_lambda_metrics)


def _counted(written: Written) -> list[tuple[Series, float]]:
    function = written.name
    places = [dimensions(FunctionName=function)]
    parts = str(written.function.get("FunctionArn", "")).split(":")
    if len(parts) == _QUALIFIED_PARTS and parts[-1] != _LATEST:
        places.append(dimensions(FunctionName=function, Resource=f"{function}:{parts[-1]}"))
    values = (("Invocations", "Count", 1.0), ("Errors", "Count", float(written.failed)), ("Throttles", "Count", 0.0))
    return [
        (Series(_NAMESPACE, name, unit, place), value)
        for place in places
        for name, unit, value in (*values, ("Duration", "Milliseconds", float(written.milliseconds)))
    ]


async def from_the_loop(record: dict[str, Any], event: Any) -> dict[str, Any] | None:
    """Ask a warm process; the emulator would start three threads for a request.

    Returns:
        What the function answers; None when no process is warm or the request is not for this way.
    """
    config, code = record["config"], record.get("code_zip")
    if not code or not str(config.get("Runtime", "")).startswith("python"):
        return None
    slot, _ = internals.ACQUIRE_SLOT.get()(record, config)
    if slot is None:
        return None
    worker = None
    try:
        version = config.get("Version", _LATEST)
        worker, _ = internals.ACQUIRE_WORKER.get()(config["FunctionName"], config, code, qualifier=version)
        if worker is None or not worker.can_be_awaited():
            return None
        started, request_id = time.perf_counter(), str(uuid4())
        found = await worker.invoke_here(
            event,
            request_id,
            trace_id=internals.TRACE_ID.get()(config),
            invoked_function_arn=config.get("FunctionArn", ""),
        )
        if found is None:
            return None
        result = _result(found)
        milliseconds = int((time.perf_counter() - started) * 1000)
        internals.EMIT_LOGS.get()(record, request_id, result["log"], bool(result.get("error")), milliseconds)
        return result
    finally:
        internals.RELEASE_WORKER.get()(worker)
        internals.RELEASE_SLOT.get()(slot)


def _result(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer of the process as the emulator's executors give it."""
    if answer["status"] == "ok":
        return {"body": answer.get("result"), "log": answer["log"]}
    kind = "Sandbox.Timedout" if str(answer.get("error", "")).startswith("Task timed out") else "Runtime.HandlerError"
    body = {"errorMessage": answer.get("error", "Unknown error"), "errorType": kind}
    log = "\n".join(filter(None, [answer["log"], answer.get("trace", answer.get("error"))]))
    return {"body": body, "error": True, "log": log}
