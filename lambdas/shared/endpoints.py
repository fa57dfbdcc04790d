"""The endpoint as SageMaker shows it, reduced to what decisions need.

AWS page: "DescribeEndpoint" (Amazon SageMaker API Reference). The API writes statuses as ``InService``; events write
them as ``IN_SERVICE``. Decisions use the API only.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lambdas.shared.clock import iso

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

ABSENT = "absent"
IN_SERVICE = "InService"
FAILED = "Failed"
IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})


@dataclass(frozen=True)
class Endpoint:
    """One look at the endpoint.

    ``serving`` is the configuration that answers requests (while ``Creating``: the one that is going to),
    ``pending`` the one that an update is moving to, ``modified_at`` its ``LastModifiedTime`` or "absent".
    """

    name: str
    status: str = ABSENT
    serving: str | None = None
    pending: str | None = None
    modified_at: str = ABSENT
    failure: str | None = None

    @property
    def is_in_progress(self) -> bool:
        """Whether SageMaker is working on it, so that nothing may be changed and nothing is decided."""
        return self.status in IN_PROGRESS

    def is_on(self, config: str) -> bool:
        """Whether it serves this configuration or is moving to it."""
        return config in {self.serving, self.pending}


def look_at(sagemaker: "SageMakerClient", name: str) -> Endpoint:
    """Describe the endpoint; one that does not exist is a valid answer."""
    try:
        found = sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if is_validation_error(error, "Could not find"):
            return Endpoint(name)
        raise
    return Endpoint(
        name=name,
        status=found["EndpointStatus"],
        serving=found.get("EndpointConfigName"),
        pending=found.get("PendingDeploymentSummary", {}).get("EndpointConfigName"),
        modified_at=iso(found["LastModifiedTime"]),
        failure=found.get("FailureReason"),
    )


def is_validation_error(error: ClientError, text: str) -> bool:
    """Whether SageMaker refused a call for a reason it only tells in words; it has no error code for these cases."""
    detail = error.response["Error"]
    return detail["Code"] == "ValidationException" and text.lower() in detail["Message"].lower()
