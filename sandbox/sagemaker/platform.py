"""What the embedded SageMaker needs from the machine that carries it.

The service never imports the server around it: everything it uses of the embedded AWS comes through `Platform`.
The methods are called from worker threads, never from the server's event loop, and must be thread-safe.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol


class UnknownImageError(LookupError):
    """The image of a job or a model is none that the sandbox can run; the message names it and lists the known ones."""


class ImageRefusedError(UnknownImageError):
    """The role of a job or a model may not pull its image; the message names role, action and repository."""


class Clock(Protocol):
    """The sandbox's time, which may run faster than the wall clock."""

    def now(self) -> datetime:
        """The current time, with the time zone UTC."""
        ...

    def real_seconds(self, seconds: float) -> float:
        """How many seconds of wall time a waiting time of `seconds` takes; work itself always runs in wall time."""
        ...


class Platform(Protocol):
    """The embedded AWS around the service."""

    @property
    def endpoint_url(self) -> str:
        """Where jobs and clients reach the embedded AWS, such as `http://127.0.0.1:4566`."""
        ...

    @property
    def account(self) -> str:
        """The twelve digits of the account."""
        ...

    @property
    def region(self) -> str:
        """The name of the region."""
        ...

    @property
    def work_dir(self) -> Path:
        """An existing private directory for the working trees of jobs and endpoints, emptied by its owner."""
        ...

    @property
    def log_dir(self) -> Path:
        """An existing directory where `jobs/<job>.log` and `endpoints/<name>.log` are kept for people."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock of every timestamp and waiting time."""
        ...

    def client(self, service: str, role_arn: str | None = None) -> Any:
        """A boto3 client of the embedded AWS with the credentials of the role, or of the account itself.

        Creating clients is slow: implementations cache them by service and role.
        """
        ...

    def credentials(self, role_arn: str) -> Mapping[str, str]:
        """The role's credentials as environment variables of a job (`AWS_ACCESS_KEY_ID` and its siblings)."""
        ...

    def emit(self, detail_type: str, *, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
        """Put an event of the source `aws.sagemaker` on the default bus; `detail` holds JSON values only."""
        ...

    def image(self, uri: str, *, role_arn: str) -> Sequence[Path]:
        """The directories that a container of the image has on its Python path, the standard library apart.

        It is pulled with the rights of the role.

        The programs that the image brings along stand in the `bin` of such a directory.

        Raises:
            UnknownImageError: when the sandbox has no such image, or the role may not pull it.
        """
        ...
