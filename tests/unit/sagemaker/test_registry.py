"""The model registry: versions, approval, metadata and their events."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.sagemaker.settings import Settings

from .world import IMAGE, World, eventually, unique

_EVENT = "SageMaker Model Package State Change"


@pytest.fixture
def group(world: World) -> str:
    name = unique("group")
    world.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


def _register(world: World, group: str, **changes: Any) -> str:
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://models/model.tar.gz"}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    answer = world.sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification, **changes
    )
    return str(answer["ModelPackageArn"])


def _describe(world: World, arn: str) -> dict[str, Any]:
    described: dict[str, Any] = world.sagemaker.describe_model_package(ModelPackageName=arn)
    return described


def test_versions_count_up_and_are_never_given_twice(world: World, group: str) -> None:
    first, second = _register(world, group), _register(world, group)
    world.sagemaker.delete_model_package(ModelPackageName=second)
    third = _register(world, group)
    assert [arn.rsplit("/", 1)[-1] for arn in (first, second, third)] == ["1", "2", "3"]
    assert _describe(world, third)["ModelPackageVersion"] == 3
    with pytest.raises(ClientError, match="does not exist"):
        _describe(world, second)


def test_a_version_waits_for_approval_unless_told_otherwise(world: World, group: str) -> None:
    described = _describe(world, _register(world, group))
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["ModelPackageStatus"] == "Completed"
    assert described["InferenceSpecification"]["Containers"][0]["ImageDigest"].startswith("sha256:")


def test_packages_are_listed_by_group_and_approval(world: World, group: str) -> None:
    approved = _register(world, group, ModelApprovalStatus="Approved")
    pending = _register(world, group)
    for filters, expected in (
        ({}, [approved, pending]),
        ({"SortOrder": "Descending"}, [pending, approved]),
        ({"ModelApprovalStatus": "Approved"}, [approved]),
    ):
        listed = world.sagemaker.list_model_packages(ModelPackageGroupName=group, **filters)
        assert [item["ModelPackageArn"] for item in listed["ModelPackageSummaryList"]] == expected


def test_updates_change_what_they_name_and_keep_the_rest(world: World, group: str) -> None:
    arn = _register(world, group, CustomerMetadataProperties={"run": "1", "seed": "2"})
    stage = {"Stage": "Production", "StageStatus": "Live"}
    world.sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="better by 3 percent",
        CustomerMetadataProperties={"seed": "3", "more": "4"},
        CustomerMetadataPropertiesToRemove=["run"],
        ModelLifeCycle=stage,
    )
    described = _describe(world, arn)
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["ApprovalDescription"] == "better by 3 percent"
    assert described["CustomerMetadataProperties"] == {"seed": "3", "more": "4"}
    assert described["ModelLifeCycle"] == stage
    assert described["LastModifiedTime"] >= described["CreationTime"]
    (summary,) = world.sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert summary["ModelLifeCycle"] == stage


def test_tags_belong_to_the_group(world: World, group: str) -> None:
    with pytest.raises(ClientError, match="Tags belong to the model package group"):
        _register(world, group, Tags=[{"Key": "k", "Value": "v"}])


def test_metadata_cannot_grow_beyond_fifty_entries(world: World, group: str) -> None:
    arn = _register(world, group, CustomerMetadataProperties={f"k{number}": "v" for number in range(50)})
    with pytest.raises(ClientError, match="at most 50"):
        world.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"one": "more"})


def test_creation_and_each_update_are_told_with_the_fields_that_changed(world: World, group: str) -> None:
    arn = _register(world, group, ModelApprovalStatus="Approved")
    world.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    world.sagemaker.update_model_package(
        ModelPackageArn=arn, ModelLifeCycle={"Stage": "Production", "StageStatus": "RolledBack"}
    )
    details = world.events_until(_EVENT, about=arn, last=lambda detail: "ModelLifeCycle" in detail)
    assert [detail.get("UpdatedModelPackageFields") for detail in details] == [
        None,
        ["ModelApprovalStatus"],
        ["ModelLifeCycle"],
    ]
    assert [detail["ModelApprovalStatus"] for detail in details] == ["Approved", "Rejected", "Rejected"]
    assert details[0]["ModelPackageGroupName"] == group
    assert details[0]["ModelPackageVersion"] == 1
    assert details[0]["ModelPackageArn"] == arn
    assert details[0]["CreationTime"].endswith("Z")


def test_the_same_token_registers_one_version(world: World, group: str) -> None:
    token = unique("token")
    assert _register(world, group, ClientToken=token) == _register(world, group, ClientToken=token)


def test_a_group_with_packages_cannot_be_deleted(world: World, group: str) -> None:
    arn = _register(world, group)
    with pytest.raises(ClientError, match="ConflictException"):
        world.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    world.sagemaker.delete_model_package(ModelPackageName=arn)
    world.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match=r"ValidationException.*does not exist"):
        world.sagemaker.describe_model_package_group(ModelPackageGroupName=group)


def test_a_group_is_created_once(world: World, group: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*already exists"):
        world.sagemaker.create_model_package_group(ModelPackageGroupName=group)


def test_events_can_come_twice(make_world: Callable[[Settings], World]) -> None:
    twice = make_world(Settings(duplicate_events=True))
    group = unique("group")
    twice.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = _register(twice, group)
    eventually(lambda: len(twice.events(_EVENT, about=arn)) == 2, what="the second event")
