"""Model package groups."""

from collections.abc import Callable

from sandbox.sagemaker.listing import Row, listed
from sandbox.sagemaker.names import arn, last_part
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.dispatch import Answer, Operation, Request
from sandbox.sagemaker.protocol.errors import conflict, validation
from sandbox.sagemaker.registry.records import Group
from sandbox.sagemaker.table import Table
from sandbox.sagemaker.tags import Tags


class Groups:
    """The operations on model package groups."""

    def __init__(self, platform: Platform, *, tags: Tags, has_packages: Callable[[str], bool]) -> None:
        self._platform = platform
        self._tags = tags
        self._has_packages = has_packages
        self.table: Table[Group] = Table()

    def operations(self) -> dict[str, Operation]:
        """The operations by their AWS names."""
        return {
            "CreateModelPackageGroup": self._create,
            "DescribeModelPackageGroup": self._describe,
            "ListModelPackageGroups": self._list,
            "DeleteModelPackageGroup": self._delete,
        }

    def existing(self, name_or_arn: str) -> Group:
        """The group with this name or ARN; a ValidationException when there is none."""
        name = last_part(name_or_arn, "model-package-group")
        group = self.table.get(name)
        if group is None:
            raise validation(f"ModelPackageGroup {arn(self._platform, 'model-package-group', name)} does not exist.")
        return group

    def next_version(self, name_or_arn: str) -> tuple[Group, int]:
        """Take the next version number of the group."""
        with self.table.lock:
            group = self.existing(name_or_arn)
            group = self.table.change(group.name, versions=group.versions + 1)
            return group, group.versions

    def _create(self, request: Request) -> Answer:
        name = request["ModelPackageGroupName"]
        group = Group(
            name=name,
            arn=arn(self._platform, "model-package-group", name),
            description=request.get("ModelPackageGroupDescription"),
            created=self._platform.clock.now(),
        )
        if not self.table.add(name, group):
            raise validation(f"Model Package Group already exists: {group.arn}")
        self._tags.create(group.arn, request.get("Tags"))
        return {"ModelPackageGroupArn": group.arn}

    def _describe(self, request: Request) -> Answer:
        group = self.existing(request["ModelPackageGroupName"])
        return {
            "ModelPackageGroupName": group.name,
            "ModelPackageGroupArn": group.arn,
            "ModelPackageGroupDescription": group.description,
            "CreationTime": group.created,
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
        }

    def _list(self, request: Request) -> Answer:
        rows = [
            Row(
                name=group.name,
                created=group.created,
                number=number,
                summary={
                    "ModelPackageGroupName": group.name,
                    "ModelPackageGroupArn": group.arn,
                    "ModelPackageGroupDescription": group.description,
                    "CreationTime": group.created,
                    "ModelPackageGroupStatus": "Completed",
                },
            )
            for number, group in enumerate(self.table.all())
        ]
        page, token = listed(rows, request, descending=False)
        return {"ModelPackageGroupSummaryList": page, "NextToken": token}

    def _delete(self, request: Request) -> Answer:
        with self.table.lock:
            group = self.existing(request["ModelPackageGroupName"])
            if self._has_packages(group.name):
                raise conflict(f"Model Package Group cannot be deleted while it has model packages: {group.arn}")
            self.table.remove(group.name)
        self._tags.forget(group.arn)
        return {}
