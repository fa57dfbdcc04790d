"""Model packages: versions, approval, metadata and the events that tell of their changes."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sandbox.sagemaker.events import Events, iso_seconds
from sandbox.sagemaker.listing import Row, listed
from sandbox.sagemaker.names import arn
from sandbox.sagemaker.platform import Platform
from sandbox.sagemaker.protocol.dispatch import Answer, Operation, Request
from sandbox.sagemaker.protocol.errors import validation
from sandbox.sagemaker.registry.groups import Groups
from sandbox.sagemaker.registry.records import Package
from sandbox.sagemaker.table import Table
from sandbox.sagemaker.tags import Tags

_NOT_ANSWERED = ("Tags", "ClientToken", "ModelPackageName", "ModelPackageGroupName")
_UPDATABLE = (
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)
_EVENT_NAMES = {"SourceUri": "sourceUri"}
_MAX_PROPERTIES = 50


class Packages:
    """The operations on model packages, and on the groups that hold them."""

    def __init__(self, platform: Platform, *, tags: Tags, events: Events) -> None:
        self._platform = platform
        self._tags = tags
        self._events = events
        self._table: Table[Package] = Table()
        self._tokens: dict[str, str] = {}
        self._groups = Groups(platform, tags=tags, has_packages=self._has_packages)

    def operations(self) -> dict[str, Operation]:
        """The operations by their AWS names."""
        return {
            "CreateModelPackage": self._create,
            "DescribeModelPackage": lambda request: self.existing(request["ModelPackageName"]).description(),
            "ListModelPackages": self._list,
            "UpdateModelPackage": self._update,
            "DeleteModelPackage": self._delete,
            **self._groups.operations(),
        }

    def existing(self, name_or_arn: str) -> Package:
        """The package with this ARN (or name, outside groups); a ValidationException when there is none."""
        full = name_or_arn if name_or_arn.startswith("arn:") else arn(self._platform, "model-package", name_or_arn)
        package = self._table.get(full)
        if package is None:
            raise validation(f"ModelPackage {full} does not exist.")
        return package

    def _has_packages(self, group: str) -> bool:
        return any(package.group == group for package in self._table.all())

    def _create(self, request: Request) -> Answer:
        with self._table.lock:
            token = request.get("ClientToken")
            if token is not None and token in self._tokens:
                return {"ModelPackageArn": self._tokens[token]}
            package = self._new(request)
            if not self._table.add(package.arn, package):
                raise validation(f"Model Package already exists: {package.arn}")
            if token is not None:
                self._tokens[token] = package.arn
        self._tags.create(package.arn, request.get("Tags"))
        self._tell(package)
        return {"ModelPackageArn": package.arn}

    def _new(self, request: Request) -> Package:
        group_name, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
        if (group_name is None) == (name is None):
            raise validation("Give exactly one of ModelPackageGroupName (for a version) and ModelPackageName.")
        if group_name is not None and request.get("Tags"):
            raise validation("Tags belong to the model package group: a version cannot be given any of its own.")
        fields = {key: value for key, value in request.items() if key not in _NOT_ANSWERED}
        if "InferenceSpecification" in fields:
            fields["InferenceSpecification"] = _with_digests(fields["InferenceSpecification"])
        created = self._platform.clock.now()
        if group_name is None:
            full = arn(self._platform, "model-package", str(name))
            return Package(arn=full, name=str(name), group=None, version=None, fields=fields, created=created)
        group, version = self._groups.next_version(group_name)
        fields.setdefault("ModelApprovalStatus", "PendingManualApproval")
        return Package(
            arn=arn(self._platform, "model-package", f"{group.name}/{version}"),
            name=group.name,
            group=group.name,
            version=version,
            fields=fields,
            created=created,
        )

    def _update(self, request: Request) -> Answer:
        with self._table.lock:
            package = self.existing(request["ModelPackageArn"])
            changes = {name: request[name] for name in _UPDATABLE if name in request}
            if "InferenceSpecification" in changes:
                changes["InferenceSpecification"] = _with_digests(changes["InferenceSpecification"])
            changes.update(_changed_properties(package, request))
            if "AdditionalInferenceSpecificationsToAdd" in request:
                changes["AdditionalInferenceSpecifications"] = [
                    *package.fields.get("AdditionalInferenceSpecifications", ()),
                    *request["AdditionalInferenceSpecificationsToAdd"],
                ]
            package = self._table.change(
                package.arn,
                fields={**package.fields, **changes},
                modified=self._platform.clock.now(),
                updated_fields=tuple(_EVENT_NAMES.get(name, name) for name in changes),
            )
        self._tell(package)
        return {"ModelPackageArn": package.arn}

    def _delete(self, request: Request) -> Answer:
        package = self.existing(request["ModelPackageName"])
        self._table.remove(package.arn)
        self._tags.forget(package.arn)
        return {}

    def _list(self, request: Request) -> Answer:
        rows = [
            Row(name=package.name, created=package.created, number=number, summary=package.summary())
            for number, package in enumerate(self._table.all())
            if self._is_asked_for(package, request)
        ]
        page, token = listed(rows, request, descending=False)
        return {"ModelPackageSummaryList": page, "NextToken": token}

    def _is_asked_for(self, package: Package, request: Request) -> bool:
        if request.get("ModelApprovalStatus", package.approval) != package.approval:
            return False
        if "ModelPackageGroupName" in request:
            return package.group == self._groups.existing(request["ModelPackageGroupName"]).name
        kind = request.get("ModelPackageType", "Unversioned")
        return bool(kind == "Both" or (package.group is not None) == (kind == "Versioned"))

    def _tell(self, package: Package) -> None:
        description = package.description()
        detail: dict[str, Any] = {
            **{name: value for name, value in description.items() if name != "ModelPackageName"},
            "CreationTime": iso_seconds(package.created),
            "LastModifiedTime": iso_seconds(package.modified or package.created),
            "CertifyForMarketplace": bool(description.get("CertifyForMarketplace")),
            "UpdatedModelPackageFields": list(package.updated_fields) or None,
            "Tags": self._tags.of(package.arn if package.group is None else self._groups.existing(package.group).arn),
        }
        self._events.emit("SageMaker Model Package State Change", detail=detail, resources=[package.arn])


def _changed_properties(package: Package, request: Request) -> dict[str, dict[str, str]]:
    if "CustomerMetadataProperties" not in request and "CustomerMetadataPropertiesToRemove" not in request:
        return {}
    merged = {**package.fields.get("CustomerMetadataProperties", {}), **request.get("CustomerMetadataProperties", {})}
    for key in request.get("CustomerMetadataPropertiesToRemove", ()):
        merged.pop(key, None)
    if len(merged) > _MAX_PROPERTIES:
        raise validation(
            f"CustomerMetadataProperties would hold {len(merged)} entries; at most {_MAX_PROPERTIES} are allowed."
        )
    return {"CustomerMetadataProperties": merged}


def _with_digests(specification: Mapping[str, Any]) -> dict[str, Any]:
    """AWS pins the image's digest at registration; without a registry, the digest of the URI stands for it."""
    containers = [
        {"ImageDigest": f"sha256:{hashlib.sha256(container['Image'].encode()).hexdigest()}", **container}
        if "Image" in container
        else container
        for container in specification["Containers"]
    ]
    return {**specification, "Containers": containers}
