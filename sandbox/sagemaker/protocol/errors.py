"""AWS's errors as exceptions of the operations."""

from collections.abc import Mapping


class AwsError(Exception):
    """An error that the client sees, with AWS's code and message."""

    def __init__(
        self, code: str, message: str, *, status: int = 400, members: Mapping[str, str | int] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = dict(members or {})


def validation(message: str) -> AwsError:
    """The request is wrong, or names something that does not exist (SageMaker says the same for both)."""
    return AwsError("ValidationException", message)


def not_found(message: str) -> AwsError:
    """A resource of the newer operations (pipelines, jobs to stop) does not exist."""
    return AwsError("ResourceNotFound", message)


def in_use(message: str) -> AwsError:
    """The name of a job is taken."""
    return AwsError("ResourceInUse", message)


def conflict(message: str) -> AwsError:
    """The resource is in a state that does not allow the change."""
    return AwsError("ConflictException", message)
