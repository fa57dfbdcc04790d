"""Runs a definition once, in a pipeline of its own that is gone afterwards.

The deployed rules match the training pipeline's ARN, so a replay neither closes a run nor deploys anything.
AWS pages: "CreatePipeline", "StartPipelineExecution", "DeletePipeline" (Amazon SageMaker API Reference).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.errors import OpsError
from ops.executions import UNDER_WAY, StepTeller, steps
from ops.target import Target

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


@dataclass(frozen=True)
class Replay:
    """What is run: the definition and the parameters it is started with."""

    pipeline: str
    definition: str
    role_arn: str
    parameters: Mapping[str, str]

    @property
    def run_id(self) -> str:
        """Names the run and where its outputs lie."""
        return self.parameters["RunId"]


def run(replay: Replay, target: Target, *, told: Callable[[str], None]) -> str:
    """Run it to its end; return the ARN of the execution. Interrupted, it stops the execution first.

    Raises:
        OpsError: SageMaker refused, or a step failed; the message says which and why.
    """
    sagemaker = target.sagemaker
    try:
        with _pipeline(sagemaker, replay):
            arn = _start(sagemaker, replay)
            try:
                status = _wait(sagemaker, arn, told=told, pause=target.poll_seconds)
            except BaseException:
                _stop(sagemaker, replay, arn, pause=target.poll_seconds)
                raise
            if status != "Succeeded":
                raise OpsError(f"the replay {replay.run_id} ended as {status}: {_why(sagemaker, arn)}")
            return arn
    except ClientError as error:
        raise OpsError(f"SageMaker refused the replay: {error}") from error


@contextmanager
def _pipeline(sagemaker: "SageMakerClient", replay: Replay) -> Iterator[None]:
    sagemaker.create_pipeline(
        PipelineName=replay.pipeline,
        PipelineDescription=f"Replay {replay.run_id}; deletes itself",
        PipelineDefinition=replay.definition,
        RoleArn=replay.role_arn,
        ClientRequestToken=replay.run_id,
    )
    try:
        yield
    finally:
        sagemaker.delete_pipeline(PipelineName=replay.pipeline, ClientRequestToken=replay.run_id)


def _start(sagemaker: "SageMakerClient", replay: Replay) -> str:
    return sagemaker.start_pipeline_execution(
        PipelineName=replay.pipeline,
        PipelineExecutionDisplayName=replay.run_id,
        PipelineParameters=[{"Name": name, "Value": value} for name, value in replay.parameters.items()],
        ClientRequestToken=replay.run_id,
    )["PipelineExecutionArn"]


def _wait(sagemaker: "SageMakerClient", arn: str, *, told: Callable[[str], None], pause: float) -> str:
    teller = StepTeller(sagemaker, arn, told=told)
    while True:
        status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        teller.tell()
        if status not in UNDER_WAY:
            return status
        time.sleep(pause)


def _stop(sagemaker: "SageMakerClient", replay: Replay, arn: str, *, pause: float) -> None:
    """Stop what runs, because a pipeline cannot be deleted under a running execution."""

    def status() -> str:
        return sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]

    if status() == "Executing":
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=replay.run_id)
    while status() in UNDER_WAY:
        time.sleep(pause)


def _why(sagemaker: "SageMakerClient", arn: str) -> str:
    failed = [f"step {name}: {reason}" for name, status, reason in steps(sagemaker, arn) if status == "Failed"]
    return failed[0] if failed else "SageMaker gave no reason"
