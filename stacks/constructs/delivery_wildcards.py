"""The wildcards in the roles that CDK Pipelines writes itself, each accepted with its reason."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

from stacks.constructs.permissions import accept_wildcards, acknowledge
from stacks.constructs.unfitting import ASSET_BUILDS, COPIES, decline

_READ = ("s3:GetBucket*", "s3:GetObject*", "s3:List*")
_WRITE = ("s3:Abort*", "s3:DeleteObject*")
_KEY = ("kms:GenerateDataKey*", "kms:ReEncrypt*")
_OF_ARTIFACTS = "The CDK grants families of actions; they end at the bucket of this pipeline's artifacts and its key."


def accept_pipeline(role: iam.IRole, *, artifacts: s3.IBucket, copies: Sequence[s3.IBucket]) -> None:
    """The pipeline's own role: it reads and writes the artifacts of every action, in each region that it goes to."""
    accept_wildcards(
        role,
        actions=[*_READ, *_WRITE, *_KEY],
        resources=[bucket.arn_for_objects("*") for bucket in (artifacts, *copies)],
        reason=_OF_ARTIFACTS,
    )
    if copies:
        accept_wildcards(
            role,
            resources=["*"],
            reason="A key of another region is known by its alias, which no policy can name; only its use is granted.",
        )
    for bucket in copies:
        decline(bucket, COPIES)
        acknowledge(bucket, "S1", reason=COPIES.reason)
        resource = bucket.node.default_child
        if not isinstance(resource, s3.CfnBucket):
            raise TypeError(f"{bucket.node.path}: expected a CfnBucket, found {type(resource).__name__}")
        # The CDK makes the bucket, and offers no way to ask for versions.
        resource.versioning_configuration = s3.CfnBucket.VersioningConfigurationProperty(status="Enabled")


def accept_self_mutation(project: codebuild.IProject, *, artifacts: s3.IBucket) -> None:
    """The build that deploys the pipeline's own stack."""
    role = _role(project)
    _accept_reading(role, artifacts)
    accept_wildcards(role, actions=_KEY, reason=_OF_ARTIFACTS)
    name = project.project_name
    accept_wildcards(
        role,
        resources=[_arn(role, "codebuild", "report-group", f"{name}-*"), _logs(role, f"{name}:*")],
        reason="CodeBuild names report groups and log streams after the build; the permission ends at this project.",
    )
    accept_wildcards(
        role,
        resources=[f"arn:*:iam::{Stack.of(role).account}:role/*"],
        reason="A condition on the tag aws-cdk:bootstrap-role leaves the roles that the bootstrap made to deploy with.",
    )
    accept_wildcards(
        role,
        resources=["*"],
        reason="The CDK command line looks for the bootstrap stack and its bucket before it takes on another role.",
    )


def accept_assets(role: IConstruct, *, artifacts: s3.IBucket) -> None:
    """The build that publishes assets: a new asset may not need a new role, so it is not bound to one project."""
    _accept_reading(role, artifacts)
    decline(role.node.find_child("DefaultPolicy"), ASSET_BUILDS)
    accept_wildcards(
        role,
        resources=[_arn(role, "codebuild", "report-group", "*"), _logs(role, "*")],
        reason="CDK Pipelines makes projects for assets as they come, and all write logs and reports by this role.",
    )
    accept_wildcards(
        role,
        resources=["*"],
        reason=ASSET_BUILDS.reason,
    )


def _accept_reading(role: IConstruct, artifacts: s3.IBucket) -> None:
    accept_wildcards(role, actions=_READ, resources=[artifacts.arn_for_objects("*")], reason=_OF_ARTIFACTS)


def _role(project: codebuild.IProject) -> IConstruct:
    return project.node.find_child("Role")


def _logs(scope: IConstruct, name: str) -> str:
    return _arn(scope, "logs", "log-group", f"/aws/codebuild/{name}", form=ArnFormat.COLON_RESOURCE_NAME)


def _arn(
    scope: IConstruct, service: str, resource: str, name: str, *, form: ArnFormat = ArnFormat.SLASH_RESOURCE_NAME
) -> str:
    stack = Stack.of(scope)
    return stack.format_arn(
        service=service, resource=resource, resource_name=name, arn_format=form, account=stack.account or Aws.ACCOUNT_ID
    )
