"""A SageMaker pipeline from a committed definition, with its code bundle and the role that its jobs run under."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from pipelines.compiled import CompiledDefinition
from stacks.constructs.bucket import SecureBucket
from stacks.constructs.permissions import allow
from stacks.constructs.placement import Placement
from stacks.constructs.regional import Image
from stacks.constructs.sagemaker_role import grant_pass, grant_volumes, sagemaker_role

_WHY_JOBS: Final = "SageMaker Pipelines names its jobs pipelines-<execution>-<step>-<suffix> when they start."
_WHY_EXECUTIONS: Final = "SageMaker numbers the executions when they start; the permission ends at the pipeline."
ROLE_PLACEHOLDER: Final = "arn:aws:iam::000000000000:role/__PIPELINE_ROLE__"


@dataclass(frozen=True)
class Definition:
    """A committed definition that matches its sources, and the parameter values of one environment."""

    compiled: CompiledDefinition
    defaults: Mapping[str, str | int]


@dataclass(frozen=True)
class Job:
    """A kind of job that a pipeline starts: its resource type, its name in actions, and where it logs."""

    resource: str
    action: str
    log_group: str


PROCESSING: Final = Job("processing-job", "ProcessingJob", "/aws/sagemaker/ProcessingJobs")
TRAINING: Final = Job("training-job", "TrainingJob", "/aws/sagemaker/TrainingJobs")


@dataclass(frozen=True)
class Jobs:
    """What the jobs of a pipeline are and need.

    Attributes:
        code: folder of the code bundle.
        kinds: kinds of jobs that it starts.
        images: images that they run in.
        namespaces: CloudWatch namespaces that their code publishes to.
        placement: where they run, if not in SageMaker's own network.
    """

    code: str
    kinds: Sequence[Job]
    images: Sequence[Image]
    namespaces: Sequence[str] = ()
    placement: Placement | None = None


class SageMakerPipeline(Construct):
    """One deployed pipeline; what its jobs read and write is granted to ``role`` where both sides are visible."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        description: str,
        definition: Definition,
        jobs: Jobs,
        artifacts: SecureBucket,
        replacements: Mapping[str, str],
    ) -> None:
        """Deploy a definition.

        Args:
            scope: parent construct.
            construct_id: id.
            name: name of the pipeline.
            description: what it is for; may be empty.
            definition: what is deployed.
            jobs: what it starts.
            artifacts: bucket of the outputs; its key encrypts them, and the volumes of the jobs.
            replacements: placeholders beside those that every definition has (artifacts bucket, key, code, role).
        """
        super().__init__(scope, construct_id)
        self._name = name
        code = assets.Asset(self, "Code", path=jobs.code)
        self.role = sagemaker_role(
            self,
            "Role",
            description=f"Runs the pipeline {name} and its jobs",
            images=jobs.images,
            log_groups=[kind.log_group for kind in jobs.kinds],
            namespaces=jobs.namespaces,
            placement=jobs.placement,
        )
        _grant_own_jobs(self.role, jobs.kinds)
        grant_volumes(self.role, key_arn=artifacts.key_arn)
        grant_asset(self.role, code)
        body = definition.compiled.render(
            {
                "__ARTIFACTS_BUCKET__": artifacts.name,
                "__CODE_BUCKET__": code.s3_bucket_name,
                "__CODE_KEY__": code.s3_object_key,
                "__KMS_KEY__": artifacts.key_arn,
                ROLE_PLACEHOLDER: self.role.role_arn,
                **replacements,
            },
            parameter_defaults=definition.defaults,
        )
        if jobs.placement is not None:
            jobs.placement.put_jobs(body)
        self._pipeline = sagemaker.CfnPipeline(
            self,
            "Pipeline",
            pipeline_name=name,
            pipeline_description=description or None,
            pipeline_definition={"PipelineDefinitionBody": Stack.of(self).to_json_string(body)},
            role_arn=self.role.role_arn,
        )
        self._pipeline.node.add_dependency(self.role)

    @property
    def name(self) -> str:
        """Name of the pipeline."""
        return self._pipeline.ref

    @property
    def plain_name(self) -> str:
        """The same as plain text: readable in a sentence, and no reference that makes others wait for the pipeline."""
        return self._name

    @property
    def arn(self) -> str:
        """ARN of the pipeline, as its events carry it."""
        return Stack.of(self).format_arn(service="sagemaker", resource="pipeline", resource_name=self.name)

    def grant_start(self, role: iam.Role) -> None:
        """Let ``role`` start an execution."""
        allow(role, actions=["sagemaker:StartPipelineExecution"], resources=[self.arn])

    def grant_read_executions(self, role: iam.Role) -> None:
        """Let ``role`` read how an execution went and why a step of it failed."""
        allow(
            role,
            actions=["sagemaker:DescribePipelineExecution", "sagemaker:ListPipelineExecutionSteps"],
            resources=[f"{self.arn}/execution/*"],
            wildcard_reason=_WHY_EXECUTIONS,
        )

    def grant_stop(self, role: iam.Role) -> None:
        """Let ``role`` stop an execution."""
        allow(
            role,
            actions=["sagemaker:StopPipelineExecution"],
            resources=[f"{self.arn}/execution/*"],
            wildcard_reason=_WHY_EXECUTIONS,
        )


def grant_asset(role: iam.Role, asset: assets.Asset) -> None:
    """Let the jobs of ``role`` fetch an asset as their input; they do it by its prefix, hence the listing."""
    allow(role, actions=["s3:GetObject"], resources=[asset.bucket.arn_for_objects(asset.s3_object_key)])
    allow(
        role,
        actions=["s3:ListBucket"],
        resources=[asset.bucket.bucket_arn],
        conditions={"StringEquals": {"s3:prefix": asset.s3_object_key}},
    )


def _grant_own_jobs(role: iam.Role, kinds: Sequence[Job]) -> None:
    stack = Stack.of(role)
    verbs = ("Create", "Describe", "Stop")
    allow(
        role,
        actions=["sagemaker:AddTags", *(f"sagemaker:{verb}{kind.action}" for verb in verbs for kind in kinds)],
        resources=[
            stack.format_arn(
                service="sagemaker",
                resource=kind.resource,
                resource_name="pipelines-*",
                arn_format=ArnFormat.SLASH_RESOURCE_NAME,
            )
            for kind in kinds
        ],
        wildcard_reason=_WHY_JOBS,
    )
    grant_pass(role, to=role)
