"""The runtime API: InvokeEndpoint.

Headers and errors: AWS's page "InvokeEndpoint".
"""

import asyncio
import re
import time
from collections.abc import Mapping
from urllib.parse import unquote

import aiohttp

from sandbox.sagemaker.endpoints.capture import Capture, Exchange
from sandbox.sagemaker.endpoints.endpoints import Endpoints
from sandbox.sagemaker.endpoints.metrics import Metrics
from sandbox.sagemaker.endpoints.model_server import ModelServer, Reply, ServerGoneError, ServerTimeoutError
from sandbox.sagemaker.endpoints.records import Endpoint
from sandbox.sagemaker.endpoints.traffic import UnknownVariantError
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.dispatch import HttpResponse, error_response
from sandbox.sagemaker.protocol.errors import AwsError
from sandbox.sagemaker.protocol.shapes import problems, service_model

_PATH = re.compile(r"/endpoints/([^/]+)/invocations/?")
_FIRST_ERROR = 400
_SERVER_ERROR = 500
_CLOSING_TAKES = 5.0
_PREFIX = "x-amzn-sagemaker-"
_INPUT = service_model("sagemaker-runtime").operation_model("InvokeEndpoint").input_shape
_MEMBERS = {
    "ContentType": "content-type",
    "Accept": "accept",
    "CustomAttributes": f"{_PREFIX}custom-attributes",
    "TargetVariant": f"{_PREFIX}target-variant",
    "InferenceId": f"{_PREFIX}inference-id",
}
_UNSUPPORTED = tuple(
    f"{_PREFIX}{name}"
    for name in ("target-model", "target-container-hostname", "inference-component", "enable-explanations")
)
_FORWARDED = ("content-type", "accept", f"{_PREFIX}custom-attributes", f"{_PREFIX}inference-id")


def endpoint_of(path: str) -> str | None:
    """The endpoint's name in the path of an invocation; None for every other path."""
    match = _PATH.fullmatch(path)
    return unquote(match.group(1)) if match else None


class Invocations:
    """Takes requests to the models and their answers back."""

    def __init__(
        self, platform: Platform, *, endpoints: Endpoints, capture: Capture, metrics: Metrics, timeout: float
    ) -> None:
        self._platform = platform
        self._endpoints = endpoints
        self._capture = capture
        self._metrics = metrics
        self._timeout = timeout
        self._connections: tuple[aiohttp.ClientSession, asyncio.AbstractEventLoop] | None = None

    def close(self) -> None:
        """Close the connections to the models; called from another thread than the loop's."""
        if self._connections is not None:
            session, loop = self._connections
            asyncio.run_coroutine_threadsafe(session.close(), loop).result(_CLOSING_TAKES)

    async def invoke(self, name: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Answer `POST /endpoints/{name}/invocations`; header names in lower case."""
        started = time.perf_counter()
        try:
            return await self._invoke(name, headers, body, started=started)
        except AwsError as error:
            return error_response(error)

    async def _invoke(self, name: str, headers: Mapping[str, str], body: bytes, *, started: float) -> HttpResponse:
        missing = _runtime_error(f"Endpoint {name} of account {self._platform.account} not found.")
        _check(name, headers, body)
        found = self._endpoints.find(name)
        if found is None:
            raise missing
        endpoint, traffic = found
        try:
            with traffic.server(headers.get(f"{_PREFIX}target-variant")) as server:
                if server is None:
                    raise missing
                reply = await self._ask(server, headers, body)
        except UnknownVariantError as error:
            raise _runtime_error(f"Variant {error} was not found for endpoint {name}.") from error
        self._metrics.record(
            server.place,
            status=reply.status,
            model_seconds=reply.latency,
            total_seconds=time.perf_counter() - started,
        )
        if reply.status >= _FIRST_ERROR:
            raise self._model_error(endpoint, reply)
        self._record(server, headers=headers, body=body, reply=reply)
        answer = {
            "Content-Type": _content_type(reply),
            "x-Amzn-Invoked-Production-Variant": server.place.variant,
        }
        attributes = _header(reply, f"{_PREFIX}custom-attributes")
        if attributes is not None:
            answer["X-Amzn-SageMaker-Custom-Attributes"] = attributes
        return 200, answer, reply.body

    def _session(self) -> aiohttp.ClientSession:
        """The connections to the models, which belong to the loop that answers."""
        if self._connections is None:
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Content-Type", "User-Agent"),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=self._timeout),
            )
            self._connections = session, asyncio.get_running_loop()
        return self._connections[0]

    async def _ask(self, server: ModelServer, headers: Mapping[str, str], body: bytes) -> Reply:
        forwarded = {name: headers[name] for name in _FORWARDED if headers.get(name)}
        begun = time.perf_counter()
        try:
            return await server.invoke(self._session(), body, headers=forwarded)
        except ServerTimeoutError:
            message = "Your invocation timed out while waiting for a response from container primary."
        except ServerGoneError:
            await asyncio.to_thread(server.revive)
            message = "The container closed the connection."
        return Reply(status=504, headers={}, body=message.encode(), latency=time.perf_counter() - begun)

    def _record(self, server: ModelServer, *, headers: Mapping[str, str], body: bytes, reply: Reply) -> None:
        exchange = Exchange(
            request=body,
            request_type=headers.get("content-type", "application/json"),
            response=reply.body,
            response_type=_content_type(reply),
            inference_id=headers.get(f"{_PREFIX}inference-id"),
            custom_attributes=headers.get(f"{_PREFIX}custom-attributes"),
            moment=self._platform.clock.now(),
        )
        self._capture.record(server.config.capture, server=server, exchange=exchange)

    def _model_error(self, endpoint: Endpoint, reply: Reply) -> AwsError:
        kind = "server" if reply.status >= _SERVER_ERROR else "client"
        text = reply.body.decode(errors="replace")
        group = f"/aws/sagemaker/Endpoints/{endpoint.name}"
        region, account = self._platform.region, self._platform.account
        return AwsError(
            "ModelError",
            f'Received {kind} error ({reply.status}) from primary with message "{text}". See '
            f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} in "
            f"account {account} for more information.",
            status=424,
            members={
                "OriginalStatusCode": reply.status,
                "OriginalMessage": text,
                "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{group}",
            },
        )


def _check(name: str, headers: Mapping[str, str], body: bytes) -> None:
    given = {member: headers[header] for member, header in _MEMBERS.items() if header in headers}
    wrong = problems({"EndpointName": name, "Body": body, **given}, _INPUT)
    if wrong:
        raise _runtime_error(wrong)
    unsupported = [header for header in _UNSUPPORTED if header in headers]
    if unsupported:
        raise _runtime_error(f"The sandbox does not support {', '.join(unsupported)}.")


def _runtime_error(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def _header(reply: Reply, name: str) -> str | None:
    return next((value for key, value in reply.headers.items() if key.lower() == name), None)


def _content_type(reply: Reply) -> str:
    return _header(reply, "content-type") or "application/octet-stream"
