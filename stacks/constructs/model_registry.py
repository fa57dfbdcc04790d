"""The model package group: every version of a project's model in one environment, and who may do what with them."""

from aws_cdk import ArnFormat, Fn, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.constructs.permissions import allow
from stacks.settings import Settings

_WHY_VERSIONS = "SageMaker numbers the versions when they are registered; the permission ends at the group."


class ModelRegistry(Construct):
    """A model package group with grants on its versions."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        # No description: it can not be changed later, and a named group can not be replaced.
        self._group = sagemaker.CfnModelPackageGroup(
            self, "Group", model_package_group_name=settings.names.model_package_group
        )
        self._group.apply_removal_policy(RemovalPolicy.RETAIN if settings.deployment.retain else RemovalPolicy.DESTROY)

    @property
    def name(self) -> str:
        """Name of the group, taken from the resource so that its users are deployed after it."""
        return Fn.select(1, Fn.split("/", self._group.attr_model_package_group_arn))

    def _versions_arn(self, scope: Construct) -> str:
        """ARN pattern of the group's versions."""
        return Stack.of(scope).format_arn(
            service="sagemaker",
            resource="model-package",
            resource_name=f"{self._group.model_package_group_name}/*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )

    def grant_describe(self, role: iam.Role) -> None:
        """Let ``role`` read all about a version."""
        self._allow(role, "sagemaker:DescribeModelPackage")

    def grant_register(self, role: iam.Role) -> None:
        """Let ``role`` add a version; it has the group's tags and none of its own."""
        allow(
            role,
            actions=["sagemaker:CreateModelPackage"],
            resources=[self._group.attr_model_package_group_arn, self._versions_arn(role)],
            wildcard_reason=_WHY_VERSIONS,
        )

    def grant_deploy(self, role: iam.Role) -> None:
        """Let ``role`` make a deployable model from a version (AWS page "Deploy a Model Version from the Registry")."""
        self._allow(role, "sagemaker:CreateModel")

    def grant_stage(self, role: iam.Role, *, stage: str) -> None:
        """Let ``role`` write the life-cycle stage of a version, and only this one.

        AWS page "Set up Staging Construct Examples": the condition keys of ``ModelLifeCycle``.
        """
        allow(
            role,
            actions=["sagemaker:UpdateModelPackage"],
            resources=[self._versions_arn(role)],
            conditions={"StringEquals": {"sagemaker:ModelLifeCycle:stage": stage}},
            wildcard_reason=_WHY_VERSIONS,
        )

    def _allow(self, role: iam.Role, action: str) -> None:
        allow(role, actions=[action], resources=[self._versions_arn(role)], wildcard_reason=_WHY_VERSIONS)
