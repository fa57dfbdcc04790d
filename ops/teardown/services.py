"""The AWS clients of a teardown: patient ones, because it makes thousands of calls."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from ops.target import CONCURRENCY, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

    Answer = TypeVar("Answer")

# SageMaker and CloudWatch Logs allow a few calls a second; "adaptive" waits instead of giving up.
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "adaptive", "total_max_attempts": 10},
    max_pool_connections=CONCURRENCY,
)
# How the services say that something does not exist; SageMaker has no code of its own for endpoints and groups.
_ABSENT = frozenset(
    {
        "404",
        "NoSuchBucket",
        "NotFoundException",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "ValidationException",
    }
)


@dataclass(frozen=True)
class Services:
    """Clients of one target, made on first use."""

    target: Target

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """Alarms."""
        return self.target.session.client("cloudwatch", endpoint_url=self.target.endpoint_url, config=_CONFIG)

    @cached_property
    def events(self) -> "EventBridgeClient":
        """Rules."""
        return self.target.session.client("events", endpoint_url=self.target.endpoint_url, config=_CONFIG)

    @cached_property
    def functions(self) -> "LambdaClient":
        """What feeds the functions."""
        return self.target.session.client("lambda", endpoint_url=self.target.endpoint_url, config=_CONFIG)

    @cached_property
    def s3(self) -> "S3Client":
        """Buckets."""
        return self.target.session.client("s3", endpoint_url=self.target.endpoint_url, config=_CONFIG)

    @cached_property
    def sagemaker(self) -> "SageMakerClient":
        """Executions, endpoint, models and packages."""
        return self.target.session.client("sagemaker", endpoint_url=self.target.endpoint_url, config=_CONFIG)

    @cached_property
    def kms(self) -> Any:
        """The key."""
        return self._untyped("kms")

    @cached_property
    def logs(self) -> Any:
        """Log groups and streams."""
        return self._untyped("logs")

    @cached_property
    def scheduler(self) -> Any:
        """Schedules."""
        return self._untyped("scheduler")

    def _untyped(self, service: str) -> Any:
        create: Any = self.target.session.client
        return create(service, endpoint_url=self.target.endpoint_url, config=_CONFIG)


def unless_absent(call: "Callable[[], Answer]") -> "Answer | None":
    """What a call answers; None when what it is about does not exist."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise


def every(pages: "Iterable[Any]", member: str) -> list[Any]:
    """All that pages of an answer list."""
    return [each for page in pages for each in page.get(member, [])]
