"""What the registry remembers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Group:
    """A model package group; `versions` counts all that were ever created, so that no number comes twice."""

    name: str
    arn: str
    description: str | None
    created: datetime
    versions: int = 0


@dataclass(frozen=True)
class Package:
    """A model package; `fields` holds the members of the request that are answered as they came."""

    arn: str
    name: str
    group: str | None
    version: int | None
    fields: Mapping[str, Any]
    created: datetime
    modified: datetime | None = None
    updated_fields: tuple[str, ...] = ()

    @property
    def approval(self) -> str | None:
        """The approval status: versions have one, packages without a group need none."""
        status: str | None = self.fields.get("ModelApprovalStatus")
        return status

    def description(self) -> dict[str, Any]:
        """The answer of DescribeModelPackage."""
        return {
            **self.fields,
            "ModelPackageName": self.name,
            "ModelPackageGroupName": self.group,
            "ModelPackageVersion": self.version,
            "ModelPackageArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        }

    def summary(self) -> dict[str, Any]:
        """The entry in ListModelPackages."""
        return {
            "ModelPackageName": self.name,
            "ModelPackageGroupName": self.group,
            "ModelPackageVersion": self.version,
            "ModelPackageArn": self.arn,
            "ModelPackageDescription": self.fields.get("ModelPackageDescription"),
            "CreationTime": self.created,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": self.approval,
            "ModelLifeCycle": self.fields.get("ModelLifeCycle"),
        }
