"""The routes: from an event of an HTTP API to its answer.

There are five, all known by their exact path, so a mapping finds them. Powertools' event handler would find them too;
its validation and its OpenAPI part cost a third of a second more at every cold start and read a body otherwise than
docs/application.md promises (not-a-number, keys that come twice, deep nesting).
"""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from application import bodies, model_info, openapi
from application.bodies import JSON
from application.contract import Contract
from application.endpoint_client import Endpoint
from application.live_version import LiveVersion
from application.models import Requests
from application.outcomes import Outcomes
from application.predictions import Predictor
from application.problems import BUSY, NO_MODEL_YET, PROBLEM_JSON, UNKNOWN_PATH, WRONG_METHOD, Explainer, ProblemError
from lambdas.shared.telemetry import count, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

PREDICTIONS: Final = "/predictions"
_IDS: Final = {"inference_id": "an inference id of a prediction, such as JKJaXmPLvHcESHA=.0"}


class DefectError(Exception):
    """The application failed; the message says where, and nothing of the request."""


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        method: in capital letters.
        path: without the query.
        request_id: that API Gateway gave it.
        event: as it came.
        left: tells how many seconds the function may still run.
    """

    method: str
    path: str
    request_id: str
    event: Mapping[str, Any]
    left: Callable[[], float]

    @classmethod
    def of(cls, event: object, context: "LambdaContext") -> "Call":
        """Read an event of payload format 2.0; what is missing in any other one stays empty, and no route is found."""
        whole = event if isinstance(event, Mapping) else {}
        request = _section(whole, "requestContext")
        http = _section(request, "http")
        request_id = request.get("requestId")
        return cls(
            method=str(http.get("method", "")).upper(),
            path=str(whole.get("rawPath", "")),
            request_id=request_id if isinstance(request_id, str) else str(context.aws_request_id),
            event=whole,
            left=lambda: context.get_remaining_time_in_millis() / 1000,
        )


@dataclass(frozen=True)
class Answer:
    """What a route answers."""

    status: int
    document: Mapping[str, Any]


@dataclass(frozen=True)
class _Reply:
    """What goes out; ``failed`` says whether the application is to blame."""

    status: int
    document: Mapping[str, Any]
    headers: Mapping[str, str]
    failed: bool

    def as_lambda_answers(self) -> dict[str, Any]:
        """Return it as payload format 2.0 wants it."""
        body = json.dumps(self.document, separators=(",", ":"), allow_nan=False)
        return {"statusCode": self.status, "headers": dict(self.headers), "body": body, "isBase64Encoded": False}


class Api:
    """The application, put together once per process."""

    def __init__(
        self,
        contract: Contract,
        *,
        endpoint: Endpoint,
        live: LiveVersion,
        outcomes: Outcomes,
        max_records: int,
        code_version: str,
    ) -> None:
        self._contract = contract
        self._live = live
        self._outcomes = outcomes
        self._predictor = Predictor(endpoint, live, contract.output)
        self._most = max_records
        self._code_version = code_version
        self._requests = Requests.of(contract, max_records=max_records)
        spoken = f"{contract.name} {contract.version}"
        self._records = Explainer("records", {each.name: each for each in contract.inputs}, spoken)
        self._told = Explainer("outcomes", {"outcome": contract.output}, spoken, also=_IDS)
        self._routes: Mapping[str, Mapping[str, Callable[[Call], Answer]]] = {
            PREDICTIONS: {"POST": self._predict},
            "/outcomes": {"POST": self._tell},
            "/model": {"GET": self._model},
            "/health": {"GET": self._health},
            "/openapi.json": {"GET": self._openapi},
        }

    def answer(self, event: object, context: "LambdaContext") -> dict[str, Any]:
        """Answer any event.

        Raises:
            DefectError: the application has a defect; API Gateway answers 500, and the alarm on errors goes on.
        """
        begun = perf_counter()
        call = Call.of(event, context)
        reply = _Reply(500, {}, {}, failed=True)
        try:
            reply = self._reply(call)
        except Exception as error:  # noqa: BLE001  # whatever it is: its text may quote the request, and is not passed on
            raise DefectError(_where(error)) from None
        finally:
            count("Requests")
            if call.path == PREDICTIONS:
                count("PredictionErrors", int(reply.failed))
            duration = round((perf_counter() - begun) * 1000, 1)
            route = call.path if call.path in self._routes else "unknown"
            logger.info("request", route=route, status=reply.status, duration_ms=duration, request_id=call.request_id)
        return reply.as_lambda_answers()

    def _reply(self, call: Call) -> "_Reply":
        try:
            answer = self._route(call)(call)
        except ProblemError as problem:
            return _Reply(
                problem.kind.status,
                problem.document(instance=f"urn:request:{call.request_id}"),
                {"content-type": PROBLEM_JSON, **problem.headers},
                # Before the first model nothing can be answered, by no version of the application.
                failed=problem.is_ours and problem.kind is not NO_MODEL_YET,
            )
        return _Reply(answer.status, answer.document, {"content-type": JSON}, failed=False)

    def _route(self, call: Call) -> Callable[[Call], Answer]:
        methods = self._routes.get(call.path)
        if methods is None:
            raise ProblemError(UNKNOWN_PATH, f"There are {', '.join(self._routes)}.")
        if call.method not in methods:
            allowed = ", ".join(methods)
            raise ProblemError(WRONG_METHOD, f"{call.path} takes {allowed}.", headers={"Allow": allowed})
        return methods[call.method]

    def _predict(self, call: Call) -> Answer:
        records = bodies.check(bodies.read(call.event), self._requests.predictions, self._records, most=self._most)
        try:
            document = self._predictor.answer(records, request_id=call.request_id, left=call.left)
        except ProblemError as problem:
            if problem.kind is NO_MODEL_YET and self._should_serve():
                raise ProblemError(
                    BUSY, "The endpoint is gone, although a model is live.", headers={"Retry-After": "5"}
                ) from problem
            raise
        return Answer(200, document)

    def _should_serve(self) -> bool:
        """Whether the endpoint is missing although a model was live; a ledger that cannot be read says so too."""
        try:
            return self._live.live() is not None
        except (ClientError, BotoCoreError) as error:
            logger.warning("ledger", error=type(error).__name__)
            return True

    def _tell(self, call: Call) -> Answer:
        outcomes = bodies.check(bodies.read(call.event), self._requests.outcomes, self._told, most=self._most)
        return Answer(202, {"accepted": self._outcomes.tell(outcomes)})

    def _model(self, _call: Call) -> Answer:
        return Answer(200, model_info.model(self._live, self._contract))

    def _health(self, _call: Call) -> Answer:
        return Answer(200, model_info.health(self._live, self._contract, code_version=self._code_version))

    def _openapi(self, _call: Call) -> Answer:
        return Answer(200, self.document)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The OpenAPI document, made when it is first asked for."""
        return openapi.document(self._contract, self._requests, code_version=self._code_version)


def _section(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = whole.get(name)
    return found if isinstance(found, Mapping) else {}


def _where(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {frame.filename}:{frame.lineno} in {frame.name}"
