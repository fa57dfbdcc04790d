"""A delivery pipeline: where its artifacts lie, how its builds run, whom it tells, and how a stage goes back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aws_cdk import Aws, Duration, RemovalPolicy, Stack, Stage, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.bucket import AccessLogBucket, Expiry, SecureBucket
from stacks.constructs.delivery_messages import tell_people
from stacks.constructs.delivery_source import Paths, change, filter_by_path, source
from stacks.constructs.delivery_wildcards import accept_assets, accept_pipeline, accept_self_mutation
from stacks.constructs.logs import kept_logs, let_logs_use
from stacks.constructs.notifications import Notifications
from stacks.constructs.permissions import allow
from stacks.constructs.push_event import PushEvent
from stacks.constructs.queue_key import let_events_send
from stacks.settings import DeliveryPipelines, Settings, Side, checks_role, delivery_stack

_IMAGE = codebuild.LinuxBuildImage.from_code_build_image_id("aws/codebuild/standard:7.0-26.07.29")
"""AWS page "Docker images provided by CodeBuild": Ubuntu 22.04, with the Python that follows and Node; one dated build
of it, because AWS changes what ``7.0`` alone stands for (docs/supply-chain.md)."""
_PYTHON: Final = "3.12"
"""As in CI."""
_ASSETS_VERSION: Final = "4.7.3"
_READABLE: Final = (
    """find . -name '*.assets.json' -exec sed -i 's/"version": *"55[.][0-9.]*"/"version": "54.0.0"/' {} +"""
)
"""The newest cdk-assets refuses the schema that the CDK writes (55), though files are described as in 54."""
_KEEP_ARTIFACTS_DAYS: Final = 365
"""A stage can go back to an execution as long as its artifacts are there."""
_BUILD_MINUTES: Final = 60
_WHY_ARTIFACTS = "CodePipeline names the objects of an execution when it runs; the bucket holds nothing else."
SOURCE_VERSION: Final = "$CODEBUILD_RESOLVED_SOURCE_VERSION"
"""The commit, in the commands of a build."""


@dataclass(frozen=True)
class Builds:
    """What a pipeline builds first.

    Attributes:
        commands: in a clean checkout; the last one writes the cloud assembly.
        paths: files whose change starts the pipeline.
    """

    commands: Sequence[str]
    paths: Paths


class DeliveryPipeline(Construct):
    """One CodePipeline that builds, changes itself, publishes assets, and goes from stage to stage."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: str,
        side: Side,
        delivery: DeliveryPipelines,
        builds: Builds,
        root: Path,
    ) -> None:
        super().__init__(scope, construct_id)
        self._delivery = delivery
        self._paths = builds.paths
        self._protected: list[str] = []
        self._side = side
        self.key = kms.Key(
            self,
            "Key",
            description=f"Artifacts and notifications of the delivery of {project} ({side})",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        let_logs_use(self.key)
        let_events_send(self.key)
        self._logs = kept_logs(self, "Logs", key=self.key, retain=True)
        self._bucket = self._artifacts()
        self.checks = self._build_role(
            "Checks", name=checks_role(project, side), does="Asks and tries the environments, with their delivery roles"
        )
        self._builder = self._build_role("Builder", name=None, does="Tests, and writes the cloud assembly")
        self._let_build(f"{delivery_stack(project, side)}-build")
        self.source = source(self, delivery=delivery)
        self._pipeline = codepipeline.Pipeline(
            self,
            "Pipeline",
            pipeline_name=delivery_stack(project, side),
            pipeline_type=codepipeline.PipelineType.V2,
            execution_mode=codepipeline.ExecutionMode.SUPERSEDED,
            restart_execution_on_update=True,
            artifact_bucket=self._bucket,
            # For the buckets that an environment in another region needs; this one has its key already.
            cross_account_keys=True,
            enable_key_rotation=True,
            use_pipeline_role_for_actions=True,
        )
        command_line = json.loads((root / "package.json").read_text("utf-8"))["devDependencies"]["aws-cdk"]
        self._stages = pipelines.CodePipeline(
            self,
            "Stages",
            code_pipeline=self._pipeline,
            synth=self._build(builds.commands),
            cli_version=command_line,
            cdk_assets_cli_version=_ASSETS_VERSION,
            publish_assets_in_parallel=False,
            code_build_defaults=self._defaults(),
            asset_publishing_code_build_defaults=pipelines.CodeBuildOptions(
                partial_build_spec=codebuild.BuildSpec.from_object({"phases": {"pre_build": {"commands": [_READABLE]}}})
            ),
        )

    def _build_role(self, construct_id: str, *, name: str | None, does: str) -> iam.Role:
        """A role for builds that read artifacts; the one that the CDK would make may do more than they need."""
        role = iam.Role(
            self,
            construct_id,
            role_name=name,
            description=f"{Stack.of(self).stack_name}: {does[0].lower()}{does[1:]}",
            assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"),
        )
        allow(role, actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[self._logs.log_group_arn])
        allow(
            role,
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resources=[self._bucket.arn_for_objects("*")],
            wildcard_reason=_WHY_ARTIFACTS,
        )
        allow(role, actions=["kms:Decrypt"], resources=[self.key.key_arn])
        return role

    def _let_build(self, project: str) -> None:
        allow(
            self._builder,
            actions=["s3:PutObject"],
            resources=[self._bucket.arn_for_objects("*")],
            wildcard_reason=_WHY_ARTIFACTS,
        )
        allow(self._builder, actions=["kms:GenerateDataKey"], resources=[self.key.key_arn])
        reports = Stack.of(self).format_arn(
            service="codebuild", resource="report-group", resource_name=f"{project}-tests"
        )
        allow(
            self._builder,
            actions=[
                "codebuild:BatchPutTestCases",
                "codebuild:CreateReport",
                "codebuild:CreateReportGroup",
                "codebuild:UpdateReport",
            ],
            resources=[reports],
        )

    def _artifacts(self) -> Any:
        access_logs = AccessLogBucket(self, "AccessLogs", retain=False)
        return SecureBucket(
            self,
            "Artifacts",
            key=self.key,
            access_logs=access_logs,
            retain=False,
            keep_versions_days=_KEEP_ARTIFACTS_DAYS,
            expire=(Expiry(prefix="", days=_KEEP_ARTIFACTS_DAYS),),
        ).bucket

    def _defaults(self) -> pipelines.CodeBuildOptions:
        return pipelines.CodeBuildOptions(
            build_environment=codebuild.BuildEnvironment(
                build_image=_IMAGE, compute_type=codebuild.ComputeType.MEDIUM, privileged=False
            ),
            logging=codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=self._logs)),
            timeout=Duration.minutes(_BUILD_MINUTES),
        )

    def _build(self, commands: Sequence[str]) -> pipelines.CodeBuildStep:
        return pipelines.CodeBuildStep(
            "Build",
            project_name=f"{Stack.of(self).stack_name}-build",
            role=self._builder.without_policy_updates(),
            input=self.source,
            commands=list(commands),
            primary_output_directory="cdk.out",
            partial_build_spec=codebuild.BuildSpec.from_object(
                {
                    "phases": {"install": {"runtime-versions": {"python": _PYTHON}}},
                    "reports": {"tests": {"files": ["reports/*.xml"], "file-format": "JUNITXML"}},
                }
            ),
        )

    def check(
        self,
        construct_id: str,
        *,
        settings: Settings,
        role: Side,
        commands: Sequence[str],
        minutes: int = _BUILD_MINUTES,
    ) -> pipelines.Step:
        """A step that asks an environment: its commands find the role to take on in ``TANDEM_ROLE_ARN``."""
        account = settings.deployment.account or Aws.ACCOUNT_ID
        arn = f"arn:{Stack.of(self).partition}:iam::{account}:role/{settings.names.delivery_role(role)}"
        allow(self.checks, actions=["sts:AssumeRole"], resources=[arn])
        return pipelines.CodeBuildStep(
            construct_id,
            input=self.source,
            commands=["make setup", *commands],
            role=self.checks.without_policy_updates(),
            timeout=Duration.minutes(minutes),
            env={
                "TANDEM_ROLE_ARN": arn,
                "TANDEM_PROJECT": settings.names.project,
                "TANDEM_ENVIRONMENT": settings.names.environment,
                "AWS_REGION": settings.deployment.region or Aws.REGION,
            },
            partial_build_spec=codebuild.BuildSpec.from_object(
                {"phases": {"install": {"runtime-versions": {"python": _PYTHON}}}}
            ),
        )

    def deploy(
        self,
        stage: Stage,
        *,
        before: Sequence[pipelines.Step],
        after: Sequence[pipelines.Step],
        needs_approval: bool = False,
    ) -> None:
        """Go to an environment next: a person's approval if asked for, checks, the stacks, and checks of what is there.

        A stage that a person approves is one to protect: when something in it fails, what it deployed last returns.
        The approval is a stage of its own: a rejection is a failure too, with nothing to take back, and going back
        would wait for another one.
        """
        if needs_approval:
            approval = pipelines.ManualApprovalStep(
                "Approve", comment=f"{self._side} for {stage.stage_name}: staging has it and its checks passed"
            )
            self._stages.add_wave("Approval", pre=[approval])
            self._protected.append(stage.stage_name)
        self._stages.add_stage(stage, pre=list(before), post=list(after))

    def finish(self) -> None:
        """Write the pipeline; nothing can be added to it afterwards."""
        self._stages.build_pipeline()
        resource = self._pipeline.node.default_child
        if not isinstance(resource, codepipeline.CfnPipeline):
            raise TypeError(f"{self._pipeline.node.path}: expected a CfnPipeline, found {type(resource).__name__}")
        filter_by_path(resource, delivery=self._delivery, paths=self._paths)
        for number, stage in enumerate(self._pipeline.stages):
            if stage.stage_name in self._protected:
                # AWS page "Configure a stage for automatic rollback"; the constructs do not know it.
                resource.add_property_override(f"Stages.{number}.OnFailure.Result", "ROLLBACK")
        copies = [each.replication_bucket for each in self._pipeline.cross_region_support.values()]
        accept_pipeline(self._pipeline.role, artifacts=self._bucket, copies=copies)
        accept_self_mutation(self._stages.self_mutation_project, artifacts=self._bucket)
        accept_assets(self._stages.node.find_child("Assets").node.find_child("FileRole"), artifacts=self._bucket)
        self._watch()

    def _watch(self) -> None:
        notifications = Notifications(self, "Notifications", key=self.key, emails=self._delivery.notify)
        tell_people(self, pipeline=self._pipeline, notifications=notifications, key=self.key)
        watched = change(Stack.of(self), delivery=self._delivery)
        if watched is not None:
            PushEvent(
                self,
                "Push",
                change=watched,
                pipeline=self._pipeline,
                notifications=notifications,
                key=self.key,
            )
