"""The SageMaker training pipeline from its committed definition, with the role that its jobs run under."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from pipelines import bundle, compiled, inputs
from stacks.constructs.bucket import SecureBucket
from stacks.constructs.model_registry import ModelRegistry
from stacks.constructs.permissions import allow
from stacks.constructs.regional import xgboost_image
from stacks.constructs.sagemaker_role import grant_pass, sagemaker_role
from stacks.constructs.staging import staged
from stacks.errors import StalePipelineError
from stacks.settings import Settings

_LOG_GROUPS = ("/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs")
_WHY_JOBS = "SageMaker Pipelines names its jobs pipelines-<execution>-<step>-<suffix> when they start."


@dataclass(frozen=True)
class Definition:
    """A committed definition that matches its sources, and the values of one environment."""

    compiled: compiled.CompiledDefinition
    defaults: Mapping[str, str | int]
    contract_version: str


def read_definition(settings: Settings) -> Definition:
    """Read the project's compiled pipeline.

    Raises:
        StalePipelineError: it is missing or older than its sources; the message names ``make compile``.
    """
    try:
        contract_version = inputs.contract_version(settings.folder)
        wanted = inputs.parse(
            settings.model_dump(include={"project", "data", "training", "gate"}), contract_version=contract_version
        )
        committed = compiled.load(settings.project.name, projects=settings.folder.parent)
    except (compiled.StaleDefinitionError, inputs.DefinitionInputError) as error:
        raise StalePipelineError(str(error)) from error
    return Definition(compiled=committed, defaults=wanted.parameter_defaults(), contract_version=contract_version)


class TrainingPipeline(Construct):
    """Validate → Accept → Prepare → Train → Evaluate → Gate → Register, as one deployed SageMaker pipeline."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        definition: Definition,
        artifacts: SecureBucket,
        registry: ModelRegistry,
    ) -> None:
        super().__init__(scope, construct_id)
        image = xgboost_image(self)
        code = _code_bundle(self, settings)
        self.role = sagemaker_role(
            self, "Role", description="Runs the training pipeline and its jobs", image=image, log_groups=_LOG_GROUPS
        )
        _grant_own_jobs(self.role)
        _grant_code(self.role, code)
        body = definition.compiled.render(
            {
                "__ARTIFACTS_BUCKET__": artifacts.name,
                "__CODE_BUCKET__": code.s3_bucket_name,
                "__CODE_KEY__": code.s3_object_key,
                "__IMAGE_URI__": image.uri,
                "__KMS_KEY__": artifacts.key_arn,
                "__MODEL_PACKAGE_GROUP__": registry.name,
                "arn:aws:iam::000000000000:role/__PIPELINE_ROLE__": self.role.role_arn,
            },
            parameter_defaults=definition.defaults,
        )
        self._pipeline = sagemaker.CfnPipeline(
            self,
            "Pipeline",
            pipeline_name=settings.names.training_pipeline,
            pipeline_description=settings.project.description or None,
            pipeline_definition={"PipelineDefinitionBody": Stack.of(self).to_json_string(body)},
            role_arn=self.role.role_arn,
        )
        self._pipeline.node.add_dependency(self.role)

    @property
    def name(self) -> str:
        """Name of the pipeline."""
        return self._pipeline.ref

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
            wildcard_reason="SageMaker numbers the executions when they start; the permission ends at the pipeline.",
        )


def _code_bundle(scope: Construct, settings: Settings) -> assets.Asset:
    files = bundle.files(settings.project.name, projects=settings.folder.parent)
    with staged(files) as folder:
        return assets.Asset(scope, "Code", path=folder)


def _grant_code(role: iam.Role, code: assets.Asset) -> None:
    # Jobs fetch an input by its prefix, hence the listing.
    allow(role, actions=["s3:GetObject"], resources=[code.bucket.arn_for_objects(code.s3_object_key)])
    allow(
        role,
        actions=["s3:ListBucket"],
        resources=[code.bucket.bucket_arn],
        conditions={"StringEquals": {"s3:prefix": code.s3_object_key}},
    )


def _job_arns(scope: Construct) -> list[str]:
    stack = Stack.of(scope)
    return [
        stack.format_arn(
            service="sagemaker",
            resource=kind,
            resource_name="pipelines-*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        for kind in ("processing-job", "training-job")
    ]


def _grant_own_jobs(role: iam.Role) -> None:
    allow(
        role,
        actions=[
            "sagemaker:AddTags",
            "sagemaker:CreateProcessingJob",
            "sagemaker:CreateTrainingJob",
            "sagemaker:DescribeProcessingJob",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:StopProcessingJob",
            "sagemaker:StopTrainingJob",
        ],
        resources=_job_arns(role),
        wildcard_reason=_WHY_JOBS,
    )
    grant_pass(role, to=role)
