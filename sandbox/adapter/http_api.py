"""What API Gateway does around a call of an HTTP API: limits, permissions, metrics and the access log.

AWS pages: "Throttle requests to your HTTP APIs", "Quotas for configuring and running an HTTP API", "Monitor CloudWatch
metrics for HTTP APIs" and "Customize HTTP API access logs".
"""

import contextlib
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from uuid import uuid4

from sandbox.adapter import internals
from sandbox.adapter.lambda_calls import from_the_loop
from sandbox.adapter.platform import EmbeddedPlatform
from sandbox.background import Repeated
from sandbox.cloudwatch.gathering import Gatherer, Series, dimensions

Answer = tuple[int, dict[str, str], bytes]

_NAMESPACE = "AWS/ApiGateway"
_MAX_BODY = 10 * 1024 * 1024
_CLIENT, _SERVER = 4, 5
_CONTEXT = re.compile(r"\$context\.([A-Za-z.]+)")
_ACCOUNT_PART, _QUALIFIED_PARTS = 4, 8


@dataclass
class Call:
    """What is known of one call when it is over."""

    request_id: str = field(default_factory=lambda: str(uuid4()))
    integration_seconds: float | None = None
    integration_error: str | None = None
    route: str = "-"


_call: ContextVar[Call | None] = ContextVar("call", default=None)


class Bucket:
    """The token bucket of a stage: so many requests a second, and a burst of so many."""

    def __init__(self, rate: float, burst: float, *, now: float) -> None:
        self.limits = (rate, burst)
        self._tokens, self._filled = burst, now

    def take(self, *, now: float) -> bool:
        """Whether one more request is let through."""
        rate, burst = self.limits
        self._tokens = min(burst, self._tokens + (now - self._filled) * rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def may_invoke(policy: Mapping[str, Any], *, function_arn: str, source_arn: str) -> bool:
    """Whether a function's policy lets API Gateway invoke it, or this alias of it, for a route."""
    return any(_allows(statement, function_arn, source_arn) for statement in policy.get("Statement", ()))


def _allows(statement: Mapping[str, Any], function_arn: str, source_arn: str) -> bool:
    principal = statement.get("Principal")
    named = principal == "*" or (isinstance(principal, Mapping) and principal.get("Service") == _PRINCIPAL)
    pattern = (statement.get("Condition") or {}).get("ArnLike", {}).get("AWS:SourceArn", "*")
    return (
        statement.get("Effect") == "Allow"
        and named
        and statement.get("Action") in {"lambda:InvokeFunction", "lambda:*"}
        and statement.get("Resource") == function_arn
        and fnmatchcase(source_arn, str(pattern))
    )


_PRINCIPAL = "apigateway.amazonaws.com"


class AccessLogs:
    """Writes the lines of access logs, many in one call."""

    def __init__(self, platform: EmbeddedPlatform, *, interval: float) -> None:
        self._platform = platform
        self._lock = threading.Lock()
        self._lines: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._repeated = Repeated("access logs", self.flush, interval=interval)

    def add(self, group: str, line: str) -> None:
        """Take a line for a log group."""
        with self._lock:
            self._lines[group].append({"timestamp": int(time.time() * 1000), "message": line})

    def flush(self) -> None:
        """Write what was taken."""
        with self._lock:
            taken, self._lines = self._lines, defaultdict(list)
        client = self._platform.client("logs")
        for group, lines in taken.items():
            place = {"logGroupName": group, "logStreamName": _STREAM}
            try:
                client.put_log_events(**place, logEvents=lines)
            except client.exceptions.ResourceNotFoundException:
                # Nobody has called before; or its stack has been deleted, of which AWS says nothing either.
                with contextlib.suppress(client.exceptions.ResourceNotFoundException):
                    client.create_log_stream(**place)
                    client.put_log_events(**place, logEvents=lines)

    def stop(self) -> None:
        """Write the rest and end."""
        self._repeated.stop()


_STREAM = "access"


class HttpApis:
    """Stands before the emulator's HTTP APIs."""

    def __init__(self, metrics: Gatherer, logs: AccessLogs) -> None:
        self._metrics = metrics
        self._logs = logs
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._execute = internals.EXECUTE_API.get()
        self._in_thread = internals.API_THREAD.get()

    def install(self) -> None:
        """Put it in place."""
        internals.EXECUTE_API.replace(self.execute)
        internals.API_THREAD.replace(self.invoke)

    async def execute(
        self,
        api_id: str,
        stage: str,
        path: str,
        method: str,
        headers: Mapping[str, str],
        body: bytes,
        query_params: Mapping[str, Any],
        raw_query_string: str | None = None,
    ) -> Answer:
        """Answer a call."""
        started, call = time.perf_counter(), Call()
        scope = internals.API_SCOPE.get()(api_id)
        if scope is not None:
            internals.SET_ACCOUNT.get()(scope[0])
            internals.SET_REGION.get()(scope[1])
        settings = internals.API_STAGES.get().get(api_id, {}).get(stage) or {}
        route = internals.MATCH_ROUTE.get()(api_id, method, path) if settings else None
        call.route = route["routeKey"] if route else "-"
        refusal = self._refusal(api_id, stage, settings, body)
        if refusal is None:
            token = _call.set(call)
            try:
                answer: Answer = await self._execute(
                    api_id, stage, path, method, headers, body, query_params, raw_query_string=raw_query_string
                )
            finally:
                _call.reset(token)
        else:
            answer = refusal
        answer[1]["apigw-requestid"] = call.request_id
        seconds = time.perf_counter() - started
        if settings:
            self._count(api_id, stage, call, status=answer[0], seconds=seconds)
            self._log(settings, call, headers=headers, answer=answer, seconds=seconds)
        return answer

    async def invoke(self, execute: Any, record: dict[str, Any], event: Any, **options: Any) -> Any:
        """Call the function of an integration; what it fails with is not for the caller's eyes."""
        call = _call.get() or Call()
        context = event.get("requestContext", {})
        context["requestId"] = call.request_id
        if not _is_permitted(record, context):
            call.integration_error = "API Gateway does not have permission to invoke the function."
            return {"body": _FAILED}
        started = time.perf_counter()
        answer = await from_the_loop(record, event)
        if answer is None:
            answer = await self._in_thread(execute, record, event, **options)
        call.integration_seconds = time.perf_counter() - started
        if answer.get("error"):
            call.integration_error = str((answer.get("body") or {}).get("errorMessage"))
            return {**answer, "error": False, "body": _FAILED}
        return answer

    def _refusal(self, api_id: str, stage: str, settings: Mapping[str, Any], body: bytes) -> Answer | None:
        if len(body) > _MAX_BODY:
            return _message(413, "Request Entity Too Large")
        limits = settings.get("defaultRouteSettings") or {}
        rate, burst = limits.get("ThrottlingRateLimit"), limits.get("ThrottlingBurstLimit")
        if rate is None or burst is None:
            return None
        now, wanted = time.monotonic(), (float(rate), float(burst))
        bucket = self._buckets.get((api_id, stage))
        if bucket is None or bucket.limits != wanted:
            bucket = self._buckets[api_id, stage] = Bucket(*wanted, now=now)
        return None if bucket.take(now=now) else _message(429, "Too Many Requests")

    def _count(self, api_id: str, stage: str, call: Call, *, status: int, seconds: float) -> None:
        values = [
            ("Count", "Count", 1.0),
            ("4xx", "Count", float(status // 100 == _CLIENT)),
            ("5xx", "Count", float(status // 100 == _SERVER)),
            ("Latency", "Milliseconds", float(round(seconds * 1000))),
        ]
        if call.integration_seconds is not None:
            values.append(("IntegrationLatency", "Milliseconds", float(round(call.integration_seconds * 1000))))
        places = (dimensions(ApiId=api_id), dimensions(ApiId=api_id, Stage=stage))
        self._metrics.add(
            [(Series(_NAMESPACE, name, unit, place), value) for place in places for name, unit, value in values]
        )

    def _log(
        self, settings: Mapping[str, Any], call: Call, *, headers: Mapping[str, str], answer: Answer, seconds: float
    ) -> None:
        logged = settings.get("accessLogSettings") or {}
        group = str(logged.get("destinationArn", "")).partition(":log-group:")[2].removesuffix(":*")
        if not group:
            return
        status, _, body = answer
        integration = call.integration_seconds
        values = {
            "requestId": call.request_id,
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
            "identity.sourceIp": "127.0.0.1",
            "identity.userAgent": headers.get("user-agent"),
            "routeKey": call.route,
            "status": status,
            "responseLatency": round(seconds * 1000),
            "integrationLatency": None if integration is None else round(integration * 1000),
            "responseLength": len(body),
            "integrationErrorMessage": call.integration_error,
        }
        self._logs.add(group, access_line(str(logged.get("format", "")), values))


def access_line(pattern: str, values: Mapping[str, Any]) -> str:
    """A line of an access log: each `$context.` variable by its value, `-` for one that has none."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1])
        return "-" if found is None else json.dumps(str(found))[1:-1]

    return _CONTEXT.sub(value, pattern)


def _is_permitted(record: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    config = record["config"]
    arn = str(config["FunctionArn"])
    _, region, account = arn.split(":")[2:5]
    function = internals.FUNCTIONS.get().get(config["FunctionName"])
    http, stage = context.get("http", {}), context.get("stage")
    route = str(context.get("routeKey", "")).partition(" ")[2] or http.get("path", "")
    source = f"arn:aws:execute-api:{region}:{account}:{context.get('apiId')}/{stage}/{http.get('method')}{route}"
    return function is not None and may_invoke(function["policy"], function_arn=arn, source_arn=source)


def _message(status: int, text: str) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": text}).encode()


_FAILED = {
    "statusCode": 500,
    "headers": {"Content-Type": "application/json"},
    "body": json.dumps({"message": "Internal Server Error"}),
}
