"""Finds out what there is of a stage: CloudFormation says what its stacks hold, SageMaker what the loop has made."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from ops.errors import OpsError
from ops.executions import UNDER_WAY
from ops.stage import Stage as Named
from ops.teardown import buckets
from ops.teardown.plan import RETAINED_TYPES, STACKS, Kind, Plan, Resource, Stack, Thing, keeps
from ops.teardown.reactions import reactions
from ops.teardown.services import Services, every, unless_absent
from ops.teardown.streams import job_streams

_GONE = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})


def take(named: Named, services: Services, *, told: Callable[[str], None]) -> Plan:
    """Look at everything; nothing is changed.

    Raises:
        OpsError: CloudFormation refused to say.
    """
    stacks = tuple(_stacks(named))
    return Plan(stage=named.name, stacks=stacks, things=tuple(_Inventory(named.name, stacks, services, told).all()))


def _stacks(named: Named) -> Iterator[Stack]:
    cloudformation = named.target.cloudformation
    for suffix in STACKS:
        name = f"{named.name}-{suffix}"
        try:
            described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":  # what CloudFormation answers for an absent stack
                continue
            raise OpsError(f"CloudFormation refused to describe the stack {name}: {error}") from error
        if described["StackStatus"] in _GONE:
            continue
        template: Any = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
        definitions = template.get("Resources", {}) if isinstance(template, dict) else {}
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        yield Stack(
            name,
            bool(described.get("EnableTerminationProtection")),
            tuple(
                Resource(
                    each["ResourceType"],
                    each["PhysicalResourceId"],
                    keeps(definitions.get(each["LogicalResourceId"])),
                )
                for page in pages
                for each in page["StackResourceSummaries"]
                if each.get("PhysicalResourceId") and each["ResourceStatus"] not in _GONE
            ),
        )


class _Inventory:
    """Everything of one stage that has to go."""

    def __init__(self, stage: str, stacks: tuple[Stack, ...], services: Services, told: Callable[[str], None]) -> None:
        self._stage = stage
        self._stacks = stacks
        self._services = services
        self._told = told
        self._resources = [resource for stack in stacks for resource in stack.resources]

    def all(self) -> Iterator[Thing]:
        """Yield them in the order in which they go."""
        yield from reactions(self._resources, self._services)
        replays = self._replays()
        pipelines = [*self._ids("AWS::SageMaker::Pipeline"), *replays]
        executions = [each for pipeline in pipelines for each in self._executions(pipeline)]
        for arn, status in executions:
            if status in UNDER_WAY:
                yield Thing(Kind.EXECUTION, arn)
        for replay in replays:
            yield Thing(Kind.REPLAY, replay)
        yield from self._served()
        packages = [package for group in self._groups() for package in self._packages(group)]
        for package in packages:
            yield Thing(Kind.PACKAGE, package)
        yield from self._open_buckets()
        contents = {bucket: buckets.measure(self._services.s3, bucket) for bucket in self._ids("AWS::S3::Bucket")}
        for bucket, content in contents.items():
            if content is not None and not content.is_empty:
                yield Thing(Kind.CONTENTS, bucket, detail=str(content))
        yield from job_streams([arn for arn, _ in executions], self._services, told=self._told)
        details = {bucket: str(content) for bucket, content in contents.items() if content is not None}
        yield from self._retained(details, versions=len(packages))
        for stack in self._stacks:
            if stack.is_protected:
                yield Thing(Kind.PROTECTION, stack.name)

    def _ids(self, kind: str) -> list[str]:
        return [resource.id for resource in self._resources if resource.type == kind]

    def _groups(self) -> list[str]:
        return [arn.rpartition("/")[2] for arn in self._ids("AWS::SageMaker::ModelPackageGroup")]

    def _replays(self) -> list[str]:
        """Name the pipelines of replays (`ops reproduce`) that were interrupted before they deleted themselves."""
        found: list[str] = []
        for pipeline in self._ids("AWS::SageMaker::Pipeline"):
            pages = self._services.sagemaker.get_paginator("list_pipelines").paginate(
                PipelineNamePrefix=f"{pipeline}-reproduce"  # it may not end with a hyphen
            )
            names = [each["PipelineName"] for each in every(pages, "PipelineSummaries")]
            found += [name for name in names if name.startswith(f"{pipeline}-reproduce-")]
        return found

    def _executions(self, pipeline: str) -> list[tuple[str, str]]:
        """ARN and status of everything that a pipeline has run."""
        pages = self._services.sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=pipeline)
        found = unless_absent(lambda: every(pages, "PipelineExecutionSummaries")) or []
        return [(each["PipelineExecutionArn"], each["PipelineExecutionStatus"]) for each in found]

    def _served(self) -> Iterator[Thing]:
        """Yield the endpoint, and what DeployModel names after it and a version."""
        sagemaker, endpoint = self._services.sagemaker, self._stage
        described = unless_absent(lambda: sagemaker.describe_endpoint(EndpointName=endpoint))
        if described:
            yield Thing(Kind.ENDPOINT, endpoint, detail=described["EndpointStatus"])
        of_version = re.compile(rf"{re.escape(endpoint)}-v\d+(-.*)?")
        for kind, operation, member, name in (
            (Kind.CONFIG, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
            (Kind.MODEL, "list_models", "Models", "ModelName"),
        ):
            paginator: Any = sagemaker.get_paginator(operation)  # type: ignore[call-overload]
            for each in every(paginator.paginate(NameContains=f"{endpoint}-v"), member):
                if of_version.fullmatch(each[name]):
                    yield Thing(kind, each[name])

    def _open_buckets(self) -> Iterator[Thing]:
        for bucket in self._ids("AWS::S3::Bucket"):
            if buckets.is_open(self._services.s3, bucket):
                yield Thing(Kind.WRITES, bucket)

    def _packages(self, group: str) -> list[str]:
        pages = self._services.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
        found = unless_absent(lambda: every(pages, "ModelPackageSummaryList")) or []
        return [each["ModelPackageArn"] for each in found]

    def _retained(self, contents: dict[str, str], *, versions: int) -> Iterator[Thing]:
        kept = [resource for resource in self._resources if resource.is_retained]
        things = [
            Thing(kind, _name(kind, resource), detail=detail)
            for resource in kept
            for kind in [RETAINED_TYPES.get(resource.type, Kind.OTHER)]
            if (detail := self._detail(kind, resource, contents, versions)) is not None
        ]
        order = list(Kind)
        yield from sorted(things, key=lambda thing: order.index(thing.kind))

    def _detail(self, kind: Kind, resource: Resource, contents: dict[str, str], versions: int) -> str | None:
        """Say how much would be lost; None when it does not exist any more."""
        services, name = self._services, _name(kind, resource)
        match kind:
            case Kind.BUCKET:
                return contents.get(name)
            case Kind.TABLE:
                table = unless_absent(lambda: services.target.dynamodb.describe_table(TableName=name))
                return f"the ledger, about {table['Table'].get('ItemCount', 0):,} entries" if table else None
            case Kind.LOG_GROUP:
                groups = services.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
                stored = [each.get("storedBytes", 0) for each in groups if each["logGroupName"] == name]
                return f"{stored[0]:,} bytes" if stored else None
            case Kind.PACKAGE_GROUP:
                group = unless_absent(
                    lambda: services.sagemaker.describe_model_package_group(ModelPackageGroupName=name)
                )
                return f"{versions} versions" if group else None
            case Kind.KEY:
                key = unless_absent(lambda: services.kms.describe_key(KeyId=name))
                is_there = key is not None and key["KeyMetadata"]["KeyState"] != "PendingDeletion"
                return "everything encrypted with it becomes unreadable" if is_there else None
            case _:
                return resource.type


def _name(kind: Kind, resource: Resource) -> str:
    return resource.id.rpartition("/")[2] if kind is Kind.PACKAGE_GROUP else resource.id
