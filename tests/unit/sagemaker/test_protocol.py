"""The protocol: what AWS refuses is refused, and an answer that is not AWS's never leaves."""

import json
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import DenormalizedStructureBuilder, Shape, StructureShape

from sandbox.sagemaker.protocol.dispatch import Dispatcher
from sandbox.sagemaker.protocol.errors import AwsError
from sandbox.sagemaker.protocol.shapes import problems, service_model

from .world import REGION, World, unique


def _post(world: World, target: str, body: bytes) -> tuple[int, dict[str, Any], Any]:
    with urllib3.PoolManager() as pool:
        answer = pool.request("POST", world.url, body=body, headers={"X-Amz-Target": target})
        return answer.status, json.loads(answer.data), answer.headers


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("create_model_package_group", {"ModelPackageGroupName": "not_a_name"}, "regular expression pattern"),
        ("create_model_package_group", {"ModelPackageGroupName": "x" * 64}, "length less than or equal to 63"),
        ("describe_endpoint", {"EndpointName": "ends-with-"}, "at 'endpointName' failed to satisfy constraint"),
        (
            "list_models",
            {"SortOrder": "Sideways"},
            r"enum value set: \[Ascending, Descending\]",
        ),
        ("list_models", {"MaxResults": 101}, "value less than or equal to 100"),
        (
            "start_pipeline_execution",
            {"PipelineName": "p", "ClientRequestToken": "t" * 129},
            "length less than or equal to 128",
        ),
        (
            "create_model_package",
            {"ModelPackageGroupName": "g", "CustomerMetadataProperties": {"k": "v" * 257}},
            "length less than or equal to 256",
        ),
        (
            "create_model_package",
            {"ModelPackageGroupName": "g", "CustomerMetadataProperties": {f"k{i}": "v" for i in range(51)}},
            "length less than or equal to 50",
        ),
        (
            "create_model_package",
            {"ModelPackageGroupName": "g", "CustomerMetadataProperties": {"k": "no (brackets)"}},
            "regular expression pattern",
        ),
    ],
)
def test_what_the_service_model_forbids_is_refused(
    world: World, operation: str, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=f"ValidationException.*{message}"):
        getattr(world.sagemaker, operation)(**request_)


def test_letters_of_any_language_are_allowed_where_aws_allows_them(world: World) -> None:
    group = unique("group")
    world.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = world.sagemaker.create_model_package(
        ModelPackageGroupName=group, CustomerMetadataProperties={"Grund": "Änderung: neue Daten = 2013-01"}
    )["ModelPackageArn"]
    described = world.sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["CustomerMetadataProperties"] == {"Grund": "Änderung: neue Daten = 2013-01"}


def test_a_missing_member_is_named_as_aws_names_it(world: World) -> None:
    client: Any = boto3.session.Session(region_name=REGION).client
    careless = client("sagemaker", endpoint_url=world.url, config=Config(parameter_validation=False))
    with pytest.raises(ClientError, match=r"Value null at 'endpointName' failed to satisfy constraint"):
        careless.describe_endpoint()
    careless.close()


def test_a_misspelt_member_is_refused(world: World) -> None:
    status, body, _ = _post(world, "SageMaker.ListModels", b'{"NameContain": "x"}')
    assert status == 400
    assert body["__type"] == "ValidationException"
    assert "NameContain" in body["message"]


@pytest.mark.parametrize("target", ["SageMaker.CreateDomain", "SageMaker.Nonsense", "", "Kinesis_20131202.PutRecord"])
def test_an_operation_that_is_not_there_is_unknown(world: World, target: str) -> None:
    status, body, headers = _post(world, target, b"{}")
    assert (status, body["__type"]) == (400, "UnknownOperationException")
    assert headers["x-amzn-ErrorType"] == "UnknownOperationException"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"'])
def test_a_body_that_is_no_json_object_is_a_serialization_error(world: World, body: bytes) -> None:
    assert _post(world, "SageMaker.ListModels", body)[1]["__type"] == "SerializationException"


def test_times_travel_as_epoch_seconds_both_ways(world: World) -> None:
    group = unique("group")
    world.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    _, body, _ = _post(
        world, "SageMaker.DescribeModelPackageGroup", json.dumps({"ModelPackageGroupName": group}).encode()
    )
    created = body["CreationTime"]
    assert isinstance(created, float)
    for after, expected in ((created - 1, [group]), (created + 1, [])):
        request = json.dumps({"NameContains": group, "CreationTimeAfter": after}).encode()
        _, listed, _ = _post(world, "SageMaker.ListModelPackageGroups", request)
        assert [item["ModelPackageGroupName"] for item in listed["ModelPackageGroupSummaryList"]] == expected


def test_a_wrong_answer_of_the_sandbox_is_an_error_that_names_the_member() -> None:
    dispatcher = Dispatcher({"DescribeModel": lambda _: {"ModelName": "m", "CreationTime": "yesterday"}})
    with pytest.raises(AwsError, match=r"not AWS's.*modelArn") as caught:
        dispatcher.call("DescribeModel", {"ModelName": "m"})
    assert caught.value.status == 500


def test_a_broken_operation_is_an_internal_failure() -> None:
    def broken(_: object) -> dict[str, str]:
        raise ZeroDivisionError

    status, _, body = Dispatcher({"DescribeModel": broken}).respond("SageMaker.DescribeModel", b'{"ModelName": "m"}')
    assert (status, json.loads(body)["__type"]) == (500, "InternalFailure")


def _structure_of(shape: Shape) -> StructureShape:
    model = DenormalizedStructureBuilder().with_members({"Member": {"type": "string", **shape.metadata}})
    return model.build_model()


def test_every_pattern_of_the_service_can_be_checked() -> None:
    model = service_model("sagemaker")
    for name in model.shape_names:
        shape = model.shape_for(name)
        if shape.type_name == "string" and "pattern" in shape.metadata:
            assert isinstance(problems({"Member": "text"}, _structure_of(shape)), str), name


def test_lists_come_in_pages_that_miss_nothing(world: World) -> None:
    prefix = unique("page")
    names = [f"{prefix}-{number:02d}" for number in range(23)]
    for name in names:
        world.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    pages = world.sagemaker.get_paginator("list_model_package_groups").paginate(
        NameContains=prefix, SortBy="Name", SortOrder="Descending"
    )
    found = [[item["ModelPackageGroupName"] for item in page["ModelPackageGroupSummaryList"]] for page in pages]
    assert [len(page) for page in found] == [10, 10, 3]
    assert [name for page in found for name in page] == names[::-1]


def test_an_invented_page_token_is_refused(world: World) -> None:
    with pytest.raises(ClientError, match="Invalid NextToken"):
        world.sagemaker.list_models(NextToken="invented")


def test_tags_are_added_replaced_and_deleted(world: World) -> None:
    client = world.sagemaker
    arn = client.create_model_package_group(
        ModelPackageGroupName=unique("group"), Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    )["ModelPackageGroupArn"]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}])
    client.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]} == {"b": "3", "c": "4"}
    with pytest.raises(ClientError, match="Could not find resource"):
        client.list_tags(ResourceArn=f"{arn}x")
