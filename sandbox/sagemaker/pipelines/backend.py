"""What running steps need of the rest of the service."""

from collections.abc import Mapping
from typing import Any, Protocol


class Backend(Protocol):
    """The service as a pipeline step uses it."""

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation of SageMaker on the service's own account, without any role."""
        ...

    def call_as(self, role_arn: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation of SageMaker with the rights of a role.

        Raises:
            AwsError: what a client would be told.
        """
        ...

    def wait(self, kind: str, name: str) -> None:
        """Return when the job is over; `kind` is Processing or Training."""
        ...

    def read(self, uri: str, *, role_arn: str) -> bytes:
        """Read an S3 object with the rights of a role."""
        ...
