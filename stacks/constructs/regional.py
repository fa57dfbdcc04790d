"""What AWS publishes per region, looked up at deploy time so that the templates fit every region."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Aws, CfnMapping, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.permissions import allow, allow_everywhere
from stacks.regions import region_table

_XGBOOST = "sagemaker-xgboost:3.2-0"
_SPARK = "sagemaker-spark-processing:3.5-cpu-py312-v1.3"
"""Spark 3.5, Python 3.12, Java 17 (releases of github.com/aws/sagemaker-spark-container)."""
_POWERTOOLS_ACCOUNT = "017000801446"
_POWERTOOLS_VERSION = 37


class RegionTable(Construct):
    """The columns of the region table that a stack uses, each a CloudFormation mapping."""

    @staticmethod
    def of(scope: Construct) -> "RegionTable":
        """The table of the stack that ``scope`` belongs to."""
        stack = Stack.of(scope)
        found = stack.node.try_find_child("RegionTable")
        return found if isinstance(found, RegionTable) else RegionTable(stack, "RegionTable")

    def find(self, column: str) -> str:
        """A column of the deployment's own region."""
        found = self.node.try_find_child(column)
        mapping = found if isinstance(found, CfnMapping) else self._mapping(column)
        return mapping.find_in_map(Aws.REGION, column)

    def _mapping(self, column: str) -> CfnMapping:
        table = {region: {column: columns[column]} for region, columns in region_table().items()}
        return CfnMapping(self, column, mapping=table)


@dataclass(frozen=True)
class Image:
    """A container image: its URI and the repository that holds it."""

    uri: str
    repository_arn: str


def grant_pull(role: iam.Role, images: Sequence[Image]) -> None:
    """Let ``role`` pull ``images`` (AWS page "How to use SageMaker AI execution roles")."""
    allow(
        role,
        actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        resources=[image.repository_arn for image in images],
    )
    allow_everywhere(
        role,
        "RegistryLogin",
        actions=["ecr:GetAuthorizationToken"],
        reason="ecr:GetAuthorizationToken has no resource level (Service Authorization Reference, Amazon ECR).",
    )


def xgboost_image(scope: Construct) -> Image:
    """AWS's prebuilt XGBoost image of the deployment's region; it runs the jobs and serves every model."""
    return _image(scope, _XGBOOST, account=RegionTable.of(scope).find("XGBoostAccount"))


def spark_image(scope: Construct) -> Image:
    """AWS's prebuilt Spark image of the deployment's region; it runs the monitor of the engine ``spark``."""
    return _image(scope, _SPARK, account=RegionTable.of(scope).find("SparkAccount"))


def _image(scope: Construct, name: str, *, account: str) -> Image:
    stack = Stack.of(scope)
    repository, *_ = re.split("[:@]", name)  # a tag, or a digest
    return Image(
        uri=f"{account}.dkr.ecr.{stack.region}.{stack.url_suffix}/{name}",
        repository_arn=f"arn:{stack.partition}:ecr:{stack.region}:{account}:repository/{repository}",
    )


def powertools_layer_arn(scope: Construct) -> str:
    """AWS's public Powertools layer of the deployment's region (page "Installation", "Lambda Layer")."""
    stack = Stack.of(scope)
    return (
        f"arn:{stack.partition}:lambda:{stack.region}:{_POWERTOOLS_ACCOUNT}"
        f":layer:AWSLambdaPowertoolsPythonV3-python314-x86_64:{_POWERTOOLS_VERSION}"
    )
