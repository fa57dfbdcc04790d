"""AWS clients of the application: one of each in a process, made on first use from one session."""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.session import Session, get_session

from application import endpoint_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

# What is known of the live version may be missing from an answer, and must never cost one: few seconds, no retry.
_FACTS = Config(connect_timeout=0.5, read_timeout=1.0, retries={"mode": "standard", "total_max_attempts": 1})


@cache
def _session() -> Session:
    return get_session()


def _client(service: str, config: Config) -> Any:
    return _session().create_client(service, config=config)


def runtime(timeout_seconds: float) -> "SageMakerRuntimeClient":
    """Make the client that asks the endpoint; the caller keeps it, for its retry quota is the circuit breaker."""
    return cast("SageMakerRuntimeClient", _client("sagemaker-runtime", endpoint_client.config(timeout_seconds)))


@cache
def dynamodb() -> "DynamoDBClient":
    """Client of the ledger."""
    return cast("DynamoDBClient", _client("dynamodb", _FACTS))


@cache
def s3() -> "S3Client":
    """Client of evaluations and baselines."""
    return cast("S3Client", _client("s3", _FACTS))


@cache
def ground_truth(timeout_seconds: float) -> "S3Client":
    """Client that writes ground truth: nothing else is done for such a request, so it has all the time there is."""
    return cast("S3Client", _client("s3", endpoint_client.config(timeout_seconds)))
