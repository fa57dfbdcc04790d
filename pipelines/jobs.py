"""What every step of a SageMaker pipeline is built from: placeholders, retries and processing jobs.

Import it through ``pipelines.compile``, which sets the environment that the SDK wants before it is imported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import ProcessingStep

IMAGE = "__IMAGE_URI__"
ROLE = "arn:aws:iam::000000000000:role/__PIPELINE_ROLE__"
KMS_KEY = "__KMS_KEY__"
"""Named on every output and on every volume. Without it SageMaker encrypts outputs with the account's default key for
S3, not with the bucket's, and the volumes that data and predictions lie on with a key of its own (pages
"ProcessingOutputConfig", "OutputDataConfig", "ProcessingClusterConfig" and "ResourceConfig")."""
CODE_URI = "s3://__CODE_BUCKET__/__CODE_KEY__"
RUNS_URI = "s3://__ARTIFACTS_BUCKET__/runs"
VOLUME_GB = 30

PROCESSING_INPUTS = "/opt/ml/processing/input"
PROCESSING_OUTPUTS = "/opt/ml/processing/output"
ENTRYPOINT = ("python3", "-m", "pipelines.steps")

SERVICE_RETRY = StepRetryPolicy(
    exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
    interval_seconds=10,
    backoff_rate=2.0,
    max_attempts=5,
)
"""SageMaker itself could not start the step (page "Retry Policy for Pipeline Steps")."""

JOB_RETRY = SageMakerJobStepRetryPolicy(
    exception_types=[
        SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
        SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
        SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT,
    ],
    interval_seconds=60,
    backoff_rate=2.0,
    max_attempts=5,
)
"""The job found no machine, or lost it: half an hour of patience. A step that fails by itself is not tried again."""

Argument: TypeAlias = str | ParameterString
Variable: TypeAlias = str | ParameterString | Join


@dataclass(frozen=True)
class Machines:
    """What processing jobs run on.

    Attributes:
        instance_type: of every instance.
        max_runtime_seconds: hard limit of a job.
        instance_count: instances of a job.
        image: container image.
    """

    instance_type: ParameterString
    max_runtime_seconds: ParameterInteger
    instance_count: int | ParameterInteger = 1
    image: str = IMAGE


@dataclass(frozen=True)
class Jobs:
    """Builds the processing steps of one project."""

    project: str
    session: PipelineSession

    def processing(
        self,
        name: str,
        machines: Machines,
        *,
        arguments: Sequence[Argument],
        outputs: Sequence[ProcessingOutput] = (),
        inputs: Sequence[ProcessingInput] = (),
        property_files: Sequence[PropertyFile] = (),
        environment: Mapping[str, Variable] | None = None,
        after: Sequence[ProcessingStep] = (),
    ) -> ProcessingStep:
        """Build one processing step; the code bundle goes on PYTHONPATH as the zip it is."""
        processor = Processor(
            role=ROLE,
            image_uri=machines.image,
            instance_count=machines.instance_count,
            instance_type=machines.instance_type,
            volume_size_in_gb=VOLUME_GB,
            volume_kms_key=KMS_KEY,
            max_runtime_in_seconds=machines.max_runtime_seconds,
            output_kms_key=KMS_KEY,
            entrypoint=[*ENTRYPOINT, name.lower()],
            env={"PYTHONPATH": f"{PROCESSING_INPUTS}/code/__CODE_KEY__", **(environment or {})},
            sagemaker_session=self.session,
        )
        return ProcessingStep(
            name=name,
            retry_policies=[SERVICE_RETRY, JOB_RETRY],
            property_files=list(property_files),
            depends_on=list(after),
            step_args=processor.run(
                inputs=[processing_input("code", CODE_URI), *inputs],
                outputs=list(outputs),
                arguments=["--project", self.project, *arguments],
            ),
        )


def processing_input(name: str, uri: object) -> ProcessingInput:
    """Describe an input: everything below ``uri`` is copied to a folder of the job."""
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri,
            local_path=f"{PROCESSING_INPUTS}/{name}",
            s3_data_type="S3Prefix",
            s3_input_mode="File",
        ),
    )


def processing_output(name: str, uri: Join, *, mode: str = "EndOfJob") -> ProcessingOutput:
    """Describe an output. ``Continuous`` uploads while the job runs, so a report outlives a job that fails."""
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(s3_uri=uri, local_path=f"{PROCESSING_OUTPUTS}/{name}", s3_upload_mode=mode),
    )


def output_uri(step: ProcessingStep, name: str) -> object:
    """Return where a step leaves an output; whoever reads it runs after the step."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri
