"""Asks the endpoint, once for a request, within the time that the function has.

Retries are those of botocore's standard mode (page "Retries", AWS SDK for Python): throttling, 5xx and broken
connections are tried once more after a random wait of at most a second. The same mode keeps a retry quota per client,
and there is one client per process: every retry costs a part of it that only answers bring back. So an endpoint that
stays away is soon asked once per request instead of twice, and one that recovers gets its retries back. That is the
circuit breaker: it cuts the extra load, and never the requests that would find out that the endpoint is well again.

AWS page "InvokeEndpoint" (Amazon SageMaker Runtime API Reference) has the errors.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from application.problems import BUSY, MODEL_FAILED, NO_MODEL_YET, TOO_SLOW, ProblemError
from lambdas.shared.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

ATTEMPTS: Final = 2
LONGEST_WAIT: Final = 1.0
"""Seconds before the second attempt, at most."""
RESERVE: Final = 1.0
"""Seconds of the function's own limit that are kept for reading the request and writing the answer."""
CONNECTIONS: Final = 1
"""A Lambda function answers one request at a time."""
_LONGEST_CONNECT: Final = 1.0
_USER_AGENT: Final = "tandem-application"
_JSON: Final = "application/json"
_RETRY_SOON: Final = {"Retry-After": "5"}
_RETRY_LATER: Final = {"Retry-After": "60"}
_SERVER_ERROR: Final = 500
_GATEWAY_TIMEOUT: Final = 504


@dataclass(frozen=True)
class Answer:
    """What the model said.

    Attributes:
        predictions: one number for each record.
        model_version: version that answered, if it tells it.
    """

    predictions: Sequence[float]
    model_version: str | None


def config(timeout_seconds: float) -> Config:
    """Return time-outs and retries whose sum stays below a function's limit."""
    attempt = (timeout_seconds - RESERVE - (ATTEMPTS - 1) * LONGEST_WAIT) / ATTEMPTS
    connect = min(_LONGEST_CONNECT, attempt / 4)
    return Config(
        connect_timeout=connect,
        read_timeout=attempt - connect,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=CONNECTIONS,
        # An idle connection is closed on the way without a word; keep-alive finds out before a request does.
        tcp_keepalive=True,
        # botocore puts its own together anew for each request, which is a sixth of what the whole call costs.
        user_agent=_USER_AGENT,
    )


class Endpoint:
    """The endpoint of one environment."""

    def __init__(self, client: "SageMakerRuntimeClient", *, name: str) -> None:
        self._client = client
        self._name = name

    def predict(self, records: Sequence[dict[str, Any]], *, inference_id: str) -> Answer:
        """Ask for predictions of records that keep the contract.

        Raises:
            ProblemError: there is no answer, or none that can be used.
        """
        try:
            response = self._client.invoke_endpoint(
                EndpointName=self._name,
                ContentType=_JSON,
                Accept=_JSON,
                InferenceId=inference_id,
                Body=json.dumps({"instances": records}, separators=(",", ":"), allow_nan=False),
            )
            content = response["Body"].read()
        except ClientError as error:
            raise _problem(error) from error
        except (ConnectTimeoutError, ReadTimeoutError) as error:
            raise ProblemError(TOO_SLOW, "The model did not answer in time.", headers=_RETRY_SOON) from error
        except BotoCoreError as error:
            logger.warning("endpoint", code=type(error).__name__)
            raise ProblemError(BUSY, "The endpoint cannot be reached.", headers=_RETRY_SOON) from error
        return _read(content, records=len(records))


def _problem(error: ClientError) -> ProblemError:
    response: Any = error.response
    code, message = response["Error"]["Code"], response["Error"].get("Message", "")
    if code == "ModelError":
        return _model_error(response)
    if code == "ValidationError" and "not found" in message.lower():
        return ProblemError(
            NO_MODEL_YET,
            "No model is live yet: the first approved model creates the endpoint.",
            headers=_RETRY_LATER,
        )
    # The text may quote what was sent.
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    logger.warning("endpoint", code=code, http_status=status)
    return ProblemError(BUSY, "The endpoint takes no request at the moment.", headers=_RETRY_SOON)


def _model_error(response: Any) -> ProblemError:
    status = response.get("OriginalStatusCode", _SERVER_ERROR)
    logger.warning("model", original_status=status, log_stream=response.get("LogStreamArn"))
    if status == _GATEWAY_TIMEOUT:
        return ProblemError(TOO_SLOW, "The model did not answer in time.", headers=_RETRY_SOON)
    if status < _SERVER_ERROR:
        return ProblemError(
            MODEL_FAILED, "The model refuses what the contract allows: the application and the model do not match."
        )
    return ProblemError(MODEL_FAILED, f"The model failed with status {status}; its log tells why.")


def _read(content: bytes, *, records: int) -> Answer:
    try:
        document = json.loads(content)
        predictions, version = document["predictions"], document.get("model_version")
        usable = (
            isinstance(predictions, list)
            and len(predictions) == records
            and all(_is_number(each) for each in predictions)
            and (version is None or isinstance(version, str))
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        usable = False  # the last: a whole number that no float can hold
    if not usable:
        raise ProblemError(MODEL_FAILED, "The model's answer is not one finite number for each record.")
    return Answer(predictions, version)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
