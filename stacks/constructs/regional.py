"""What AWS publishes per region, looked up at deploy time so that the templates fit every region."""

from dataclasses import dataclass

from aws_cdk import Aws, CfnMapping, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.permissions import acknowledge, allow
from stacks.regions import region_table

_REPOSITORY = "sagemaker-xgboost"
_TAG = "3.2-0"
_POWERTOOLS_ACCOUNT = "017000801446"
_POWERTOOLS_VERSION = 37


class RegionTable(Construct):
    """The region table as a CloudFormation mapping, once per stack."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        table = {region: dict(columns) for region, columns in region_table().items()}
        self._mapping = CfnMapping(self, "Regions", mapping=table)

    @staticmethod
    def of(scope: Construct) -> "RegionTable":
        """The table of the stack that ``scope`` belongs to."""
        stack = Stack.of(scope)
        found = stack.node.try_find_child("RegionTable")
        return found if isinstance(found, RegionTable) else RegionTable(stack, "RegionTable")

    def find(self, column: str) -> str:
        """A column of the deployment's own region."""
        return self._mapping.find_in_map(Aws.REGION, column)


@dataclass(frozen=True)
class Image:
    """A container image: its URI and the repository that holds it."""

    uri: str
    repository_arn: str

    def grant_pull(self, role: iam.Role) -> None:
        """Let ``role`` pull the image (AWS page "How to use SageMaker AI execution roles")."""
        allow(
            role,
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=[self.repository_arn],
        )
        login = iam.Policy(
            role,
            "RegistryLogin",
            statements=[iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"])],
            roles=[role],
        )
        acknowledge(
            login,
            "IAM5[Resource::*]",
            reason="ecr:GetAuthorizationToken has no resource level (Service Authorization Reference, Amazon ECR).",
        )


def xgboost_image(scope: Construct) -> Image:
    """AWS's prebuilt XGBoost image of the deployment's region; it runs every job and serves every model."""
    stack = Stack.of(scope)
    account = RegionTable.of(scope).find("XGBoostAccount")
    return Image(
        uri=f"{account}.dkr.ecr.{stack.region}.{stack.url_suffix}/{_REPOSITORY}:{_TAG}",
        repository_arn=f"arn:{stack.partition}:ecr:{stack.region}:{account}:repository/{_REPOSITORY}",
    )


def powertools_layer_arn(scope: Construct) -> str:
    """AWS's public Powertools layer of the deployment's region (page "Installation", "Lambda Layer")."""
    stack = Stack.of(scope)
    return (
        f"arn:{stack.partition}:lambda:{stack.region}:{_POWERTOOLS_ACCOUNT}"
        f":layer:AWSLambdaPowertoolsPythonV3-python314-x86_64:{_POWERTOOLS_VERSION}"
    )
