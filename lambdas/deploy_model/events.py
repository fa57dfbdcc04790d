"""What may lie in the deployment queue, and what it means.

AWS page: "Events that Amazon SageMaker AI sends to Amazon EventBridge", section "SageMaker model package state change".
Its example is not valid JSON (``source`` twice, a missing comma); the fields used here are stated unambiguously.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, RootModel

from lambdas.shared.events import EventModel


class _PackageDetail(EventModel):
    group: Annotated[str, Field(alias="ModelPackageGroupName")]
    version: Annotated[int, Field(alias="ModelPackageVersion", ge=1, lt=2**31)]
    arn: Annotated[str, Field(alias="ModelPackageArn", pattern=r"^arn:")]
    updated: Annotated[tuple[str, ...], Field(alias="UpdatedModelPackageFields")] = ()


class PackageStateChange(EventModel):
    """Something about a model package changed, for example its approval; what it is now is asked from SageMaker."""

    detail_type: Annotated[Literal["SageMaker Model Package State Change"], Field(alias="detail-type")]
    detail: _PackageDetail

    @property
    def is_about_approval(self) -> bool:
        """False for changes of other fields, such as the life-cycle stage that Tandem itself sets."""
        return not self.detail.updated or "ModelApprovalStatus" in self.detail.updated


class _DeploymentDetail(EventModel):
    package_arn: str = Field(pattern=r"^arn:[^:]+:sagemaker:[^:]+:\d{12}:model-package/[^/]+/[1-9][0-9]{0,9}$")
    reason: str = Field(min_length=1, max_length=1000)
    requested_by: str = Field(min_length=1, max_length=200)


class DeploymentRequested(EventModel):
    """A person asks for one version by name: also an older one, or one that was rolled back before."""

    source: Literal["tandem"]
    detail_type: Annotated[Literal["Deployment Requested"], Field(alias="detail-type")]
    detail: _DeploymentDetail


_Message = Annotated[PackageStateChange | DeploymentRequested, Field(discriminator="detail_type")]


class DeploymentMessage(RootModel[_Message]):
    """Anything that the deployment queue may hold."""


@dataclass(frozen=True)
class Request:
    """One message of the deployment queue."""

    id: str
    """Id of the first message; copies that wait for the endpoint keep it."""
    group: str
    version: int
    package_arn: str
    requested_by: str
    reason: str
    asked: bool
    """Whether a person asked for exactly this version."""
    in_place_of: int | None = None
    """The live version whose rejection asks for this one."""

    @classmethod
    def of(cls, message: PackageStateChange | DeploymentRequested, *, message_id: str) -> "Request":
        """Translate a parsed message."""
        if isinstance(message, DeploymentRequested):
            detail = message.detail
            group, _, version = detail.package_arn.partition(":model-package/")[2].rpartition("/")
            return cls(
                id=message_id,
                group=group,
                version=int(version),
                package_arn=detail.package_arn,
                requested_by=detail.requested_by,
                reason=detail.reason,
                asked=True,
            )
        package = message.detail
        return cls(
            id=message_id,
            group=package.group,
            version=package.version,
            package_arn=package.arn,
            requested_by=f"approval of version {package.version}",
            reason="the model package was approved",
            asked=False,
        )
