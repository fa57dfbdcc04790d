"""AWS clients: typed, made on first use, kept for the life of the process.

Made with botocore, not boto3: the same clients, but ``import boto3`` also loads the S3 transfer manager and the
resource layer, which no handler uses (measured: about a fifth of the cold start).
"""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.session import get_session

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

# Bounded so that a hanging call ends well before the function's own time limit and the message is delivered again.
_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})


@cache
def _client(service: str) -> Any:
    session = get_session()
    if service == "s3":
        # A listing of 100,000 objects carries as many dates, which nobody reads: parsing them is a third of its time.
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    return session.create_client(service, config=_CONFIG)


def cloudwatch() -> "CloudWatchClient":
    """Client of the alarms that watch a deployment."""
    return cast("CloudWatchClient", _client("cloudwatch"))


def dynamodb() -> "DynamoDBClient":
    """Client of the ledger."""
    return cast("DynamoDBClient", _client("dynamodb"))


def s3() -> "S3Client":
    """Client of the data and artifacts buckets."""
    return cast("S3Client", _client("s3"))


def sagemaker() -> "SageMakerClient":
    """Client of pipelines, the model registry and endpoints."""
    return cast("SageMakerClient", _client("sagemaker"))


def sns() -> "SNSClient":
    """Client of the notification topic."""
    return cast("SNSClient", _client("sns"))


def sqs() -> "SQSClient":
    """Client of the queues that handlers write to."""
    return cast("SQSClient", _client("sqs"))
